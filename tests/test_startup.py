"""Start-up is quick, because what is heavy is imported where it is used; and the public names."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet as pq

import piienc

HEAVY = (
    "cryptography",
    "gnupg",
    "jinja2",
    "numpy",
    "pandas",
    "paramiko",
    "pyarrow",
    "pydantic",
    "rich",
    "sqlite3",
)

_HELP = """
import sys
from piienc.cli import main
sys.argv = ["piienc", *sys.argv[1:]]
try:
    main()
except SystemExit as end:
    assert not end.code, end.code
"""


def imported_by(program: str, *arguments: str) -> set[str]:
    """Return the heavy packages that a program imports, in a Python of its own."""
    tell = f"print(*({set(HEAVY)!r} & {{*sys.modules}}), file=sys.stderr)"
    ran = subprocess.run(
        [sys.executable, "-c", f"{program}\nimport sys\n{tell}", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return set(ran.stderr.split())


def test_forms_of_reports_import_nothing_heavy():
    """The table of them is read to check an option."""
    assert imported_by("from piienc.report.formats import FORMATS") == set()


@pytest.mark.parametrize("argument", ["--help", "--version"])
def test_help_imports_nothing_heavy(argument):
    """Who asks what piienc can do need not wait for what does it."""
    assert imported_by(_HELP, argument) == set()


@pytest.mark.parametrize(
    "command",
    [
        "keys",
        "encrypt-file",
        "decrypt-file",
        "wrap-file",
        "unwrap-file",
        "inspect",
        "profiles",
        "manifest",
        "schema",
        "audit",
    ],
)
def test_help_of_a_command_imports_nothing_heavy_of_ours(command):
    """The same for a command, where Typer itself uses pydantic to know its options."""
    assert imported_by(_HELP, command, "--help") <= {"pydantic"}


def test_import_of_the_package_imports_nothing_heavy():
    """The public names are there, and cost nothing until they are used."""
    assert imported_by("import piienc; dir(piienc); piienc.__version__") == set()
    assert {"cryptography"} <= imported_by("import piienc; piienc.encrypt_file")


def test_csv_is_encrypted_and_decrypted_without_numpy_and_pyarrow(tmp_path):
    """A small file takes as long as its imports."""
    program = f"""
import os
os.chdir({str(tmp_path)!r})
from pathlib import Path
from piienc import decrypt_file, encrypt_file
from piienc.keys import KeyFolder, Mode, generate
Path("schema.toml").write_text(
    'name = "a"\\nversion = 1\\n[columns.a]\\ntype = "string"\\nencrypt = "look"\\n'
)
Path("a.csv").write_text("a\\nada\\n")
KeyFolder(Path("keys")).create("look", generate(Mode.SEARCHABLE), None)
encrypt_file("a.csv", "b.csv", schema="schema.toml")
decrypt_file("b.csv", "c.csv", schema="schema.toml")
assert Path("c.csv").read_text() == "a\\nada\\n"
"""
    assert not {"numpy", "pyarrow"} & imported_by(program)


def test_parquet_is_encrypted_verified_and_decrypted_without_pandas(tmp_path):
    """Arrow imports pandas where it is installed and Python's objects become arrays: 0.2 s."""
    (tmp_path / "schema.toml").write_text(
        'name = "a"\nversion = 1\n[columns.a]\ntype = "string"\nencrypt = "look"\n'
        '[columns.b]\ntype = "string"\nenum = ["x"]\n[columns.c]\ntype = "date"\n'
    )
    table = pa.table({"a": ["x"] * 3, "b": ["x"] * 3, "c": pa.nulls(3, pa.date32())})
    pq.write_table(table, tmp_path / "a.parquet")
    program = f"""
import os
os.chdir({str(tmp_path)!r})
from pathlib import Path
from piienc import decrypt_file, encrypt_file, verify
from piienc.keys import KeyFolder, Mode, generate
KeyFolder(Path("keys")).create("look", generate(Mode.SEARCHABLE), None)
encrypt_file("a.parquet", "b.parquet", schema="schema.toml")
assert verify("b.parquet", schema="schema.toml").ok
decrypt_file("b.parquet", "c.parquet", schema="schema.toml")
"""
    assert "pandas" not in imported_by(program)


def test_public_api():
    """The public names can be found; `test_api.py` pins them."""
    assert set(piienc.__all__) <= set(dir(piienc))


def test_public_api_can_be_imported_by_name():
    """A star takes the public names and nothing else."""
    names: dict[str, object] = {}
    exec("from piienc import *", names)  # noqa: S102  # a star may stand at a module's top only
    assert {name for name in names if not name.startswith("__")} == set(piienc.__all__)
    for name in piienc.__all__:
        assert names[name] is getattr(piienc, name)
        assert getattr(piienc, name).__doc__


def test_public_api_has_the_version_of_the_package():
    """The version is the installed package's."""
    from importlib.metadata import version

    assert piienc.__version__ == version("piienc")


def test_unknown_name_is_an_attribute_error():
    """A name that is not there is told by its name."""
    with pytest.raises(AttributeError, match="no attribute 'encrypt_flie'"):
        piienc.encrypt_flie  # noqa: B018  # reading it is the test


def test_package_docstring_is_a_map_and_no_more():
    """It is short, and every folder and file at the package's top is on it."""
    text = piienc.__doc__ or ""
    assert len(text.splitlines()) <= 40
    top = Path(piienc.__file__).parent
    for path in top.iterdir():
        if not path.name.startswith("_") and path.suffix in ("", ".py"):
            assert (path.name if path.is_file() else f"{path.name}/") in text
