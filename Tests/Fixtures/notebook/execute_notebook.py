"""Checks a notebook with nbformat and executes it with nbclient.

    python3 Tests/Fixtures/notebook/execute_notebook.py NOTEBOOK.ipynb FOLDER

Python starts in FOLDER. Prints what the cells print, and how many pictures
they draw. Exits with 1 and the cell's message if one fails. Needs nbformat,
nbclient and ipykernel, and what the notebook imports.
"""

import sys

import nbclient
import nbformat
from jupyter_client.manager import AsyncKernelManager


class ThisPython(AsyncKernelManager):
    """A kernel of the Python that runs this script, wherever its packages are."""

    def format_kernel_cmd(self, extra_arguments=None):
        command = [sys.executable, "-m", "ipykernel_launcher", "-f", self.connection_file]
        return command + (extra_arguments or [])


path, folder = sys.argv[1:]
notebook = nbformat.read(path, as_version=nbformat.NO_CONVERT)
nbformat.validate(notebook)
assert (notebook.nbformat, notebook.nbformat_minor) == (4, 5)

client = nbclient.NotebookClient(
    notebook, timeout=300, kernel_manager_class=ThisPython, resources={"metadata": {"path": folder}}
)
try:
    client.execute()
except nbclient.exceptions.CellExecutionError as error:
    print(error)
    sys.exit(1)
nbformat.validate(notebook)

pictures = 0
for cell in notebook.cells:
    for output in cell.get("outputs", []):
        if output.output_type == "stream":
            print(output.text, end="")
        elif "image/png" in output.data:
            pictures += 1
print(f"{pictures} pictures drawn")
