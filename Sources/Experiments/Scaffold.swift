// The module's sources replace this file.
