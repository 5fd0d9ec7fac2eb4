"""The examples for every night run, and run twice without harm."""

from __future__ import annotations

import os
import runpy
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

EXAMPLES = Path(__file__).parents[1] / "examples"
NIGHTLY = EXAMPLES / "nightly"
EXPORT = "exports/customers-2026-11-24.csv"
BIN = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"


def _piienc(project, *arguments):
    subprocess.run(["piienc", *arguments], cwd=project, check=True, env=os.environ | {"PATH": BIN})


@pytest.fixture
def project(tmp_path, temp):
    """Make a project as the quickstart does, with a locked key and a partner's."""
    (tmp_path / "exports").mkdir()
    (tmp_path / "outbox").mkdir()
    (tmp_path / EXPORT).write_text("id,email\n17,ada@example.com\n", "utf-8")
    secret = tmp_path / "passphrase"
    secret.write_text("sesame\n", "utf-8")
    secret.chmod(0o600)
    url = (tmp_path / "outbox").as_uri() + "/"
    _piienc(tmp_path, "init", EXPORT, "--to", url, "--passphrase-file", "passphrase", "-q")
    pgp = ["--email", "in@partner.example", "--algorithm", "ed25519", "--no-passphrase", "-q"]
    _piienc(tmp_path, "keys", "generate-pgp", "partner", *pgp)
    return tmp_path


def _nightly(project, **environment):
    kept = {name: value for name, value in os.environ.items() if name != "CREDENTIALS_DIRECTORY"}
    return subprocess.run(
        [NIGHTLY / "nightly.sh", project],
        env=kept | {"PATH": BIN} | environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("variable", ["PASSPHRASE_FILE", "CREDENTIALS_DIRECTORY"])
def test_nightly_delivers_each_export_once(project, variable):
    """By a file's path, as cron has it, and by a credential, as systemd has it."""
    place = project / "passphrase" if variable == "PASSPHRASE_FILE" else project
    first = _nightly(project, **{variable: str(place)})
    assert (first.returncode, first.stdout) == (0, "")
    assert first.stderr.startswith("piienc: delivered customers-2026-11-24.csv.pgp to partner")
    again = _nightly(project, **{variable: str(place)})
    told = "piienc: skipped customers-2026-11-24.csv.pgp: delivered already\n"
    assert (again.returncode, again.stderr) == (0, told)
    assert [file.name for file in (project / "outbox").iterdir()] == [
        "customers-2026-11-24.csv.pgp"
    ]
    assert [file.name for file in (project / "outgoing").iterdir()] == [
        "customers-2026-11-24.csv.pgp"
    ]


def test_nightly_ends_with_the_exit_code_of_what_failed(project):
    """A wrong passphrase is that of piienc, and nothing is delivered."""
    wrong = project / "wrong"
    wrong.write_text("other\n", "utf-8")
    ended = _nightly(project, PASSPHRASE_FILE=str(wrong))
    assert ended.returncode == 5
    assert not [*(project / "outbox").iterdir()]
    assert _nightly(project).returncode not in (0, 1)


def test_nightly_units_are_as_systemd_wants_them(tmp_path):
    """Nothing is misspelt; the program is one that is here."""
    if shutil.which("systemd-analyze") is None:
        pytest.skip("there is no systemd-analyze")
    for unit in NIGHTLY.glob("piienc-nightly.*"):
        text = unit.read_text("utf-8").replace("/opt/piienc/nightly.sh", "/bin/true")
        (tmp_path / unit.name).write_text(text, "utf-8")
        (tmp_path / unit.name).chmod(0o644)
    ran = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *sorted(tmp_path.glob("piienc-nightly.*"))],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    said = [line for line in ran.stderr.splitlines() if "piienc-nightly" in line]
    assert (ran.returncode, said) == (0, [])


def test_airflow_tasks_deliver_and_may_be_retried(project, monkeypatch):
    """The DAG's tasks, run in its order by a stand-in for Airflow's decorators."""
    order = []

    def task(function):
        def run(argument):
            order.append(function.__name__)
            if isinstance(argument, str):
                argument = argument.replace("{{ ds }}", "2026-11-24")
            return function(argument)

        return run

    stand_in = SimpleNamespace(task=task, dag=lambda **_: lambda function: function)
    monkeypatch.setitem(sys.modules, "airflow", SimpleNamespace(sdk=stand_in))
    monkeypatch.setitem(sys.modules, "airflow.sdk", stand_in)
    monkeypatch.setenv("PIIENC_PROJECT", str(project))
    monkeypatch.setenv("PASSPHRASE_FILE", str(project / "passphrase"))
    for _ in range(2):
        runpy.run_path(str(EXAMPLES / "airflow" / "customers_dag.py"))
    assert order == ["encrypt", "wrap", "deliver"] * 2
    assert len([*(project / "outbox").iterdir()]) == 1
