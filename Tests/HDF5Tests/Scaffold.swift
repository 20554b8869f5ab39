// The tests replace this file.
