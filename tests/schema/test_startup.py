"""Reading a schema is quick to start."""

import subprocess
import sys


def test_schema_import_leaves_the_heavy_libraries_out():
    """A command that only checks a schema does not wait for pyarrow or numpy."""
    code = (
        "import sys, piienc.schema; "
        "print(*{'pyarrow', 'numpy', 'typer', 'rich', 'cryptography'} & {*sys.modules})"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "\n"
