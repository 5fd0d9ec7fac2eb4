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
    os.utime(tmp_path / EXPORT, (0, 0))  # nobody writes to it any more
    secret = tmp_path / "passphrase"
    secret.write_text("sesame\n", "utf-8")
    secret.chmod(0o600)
    url = (tmp_path / "outbox").as_uri() + "/"
    _piienc(tmp_path, "init", EXPORT, "--to", url, "--passphrase-file", "passphrase", "-q")
    pgp = ["--email", "in@partner.example", "--algorithm", "ed25519", "--no-passphrase", "-q"]
    _piienc(tmp_path, "keys", "generate-pgp", "partner", *pgp)
    return tmp_path


def _cron(project):
    """Return the crontab's command for a project, and the folder in which cron would run it."""
    line = (NIGHTLY / "crontab").read_text("utf-8").splitlines()[-1].split(maxsplit=5)[5]
    here = line.replace("/srv/exports", str(project))
    return here.replace("/etc/piienc/passphrase", str(project / "passphrase")), Path("/")


def _systemd(project):
    """Return the service's command for a project, and the folder in which systemd would run it."""
    unit = (NIGHTLY / "piienc-nightly.service").read_text("utf-8")
    lines = dict(line.split("=", 1) for line in unit.splitlines() if "=" in line)
    assert lines["WorkingDirectory"] == lines["ReadWritePaths"] == "/srv/exports"
    assert lines["LoadCredential"].startswith("passphrase:")
    return lines["ExecStart"].replace("/opt/piienc/bin/", ""), project


def _nightly(project, scheduler):
    command, folder = scheduler(project)
    return subprocess.run(
        ["sh", "-c", command],
        cwd=folder,
        env=os.environ | {"PATH": BIN, "CREDENTIALS_DIRECTORY": str(project)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("scheduler", [_cron, _systemd])
def test_nightly_delivers_each_export_once(project, scheduler):
    """By a file's path, as cron has it, and by a credential, as systemd has it."""
    first = _nightly(project, scheduler)
    assert (first.returncode, first.stdout) == (0, "")
    assert first.stderr.endswith(" as customers-2026-11-24.csv.pgp: 1 row\n")
    again = _nightly(project, scheduler)
    told = "piienc: nothing new to send; 1 file was sent before\n"
    assert (again.returncode, again.stderr) == (0, told)
    delivered = [file.name for file in (project / "outbox").iterdir()]
    assert delivered == ["customers-2026-11-24.csv.pgp"]


@pytest.mark.parametrize("scheduler", [_cron, _systemd])
def test_nightly_ends_with_the_exit_code_of_what_failed(project, scheduler):
    """A wrong passphrase is that of piienc, and nothing is delivered."""
    (project / "passphrase").write_text("other\n", "utf-8")
    assert _nightly(project, scheduler).returncode == 5
    assert not [*(project / "outbox").iterdir()]


def test_nightly_units_are_as_systemd_wants_them(tmp_path):
    """Nothing is misspelt; the program is one that is here."""
    if shutil.which("systemd-analyze") is None:
        pytest.skip("there is no systemd-analyze")
    for unit in NIGHTLY.glob("piienc-nightly.*"):
        text = unit.read_text("utf-8").replace("/opt/piienc/bin/piienc", "/bin/true")
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


@pytest.fixture
def nightly_dag(project, monkeypatch):
    """Give a function that runs the DAG, by a stand-in for Airflow's decorators."""
    results = []

    def task(function):
        return lambda *arguments: results.append(function(*arguments))

    stand_in = SimpleNamespace(task=task, dag=lambda **_: lambda function: function)
    monkeypatch.setitem(sys.modules, "airflow", SimpleNamespace(sdk=stand_in))
    monkeypatch.setitem(sys.modules, "airflow.sdk", stand_in)
    monkeypatch.setenv("PIIENC_PROJECT", str(project))
    monkeypatch.setenv("PASSPHRASE_FILE", str(project / "passphrase"))

    def run():
        runpy.run_path(str(EXAMPLES / "airflow" / "customers_dag.py"))
        return results.pop()

    return run


def test_airflow_task_delivers_and_may_be_retried(project, nightly_dag):
    """The second run finds nothing new."""
    assert nightly_dag() == ["customers-2026-11-24.csv.pgp"]
    assert nightly_dag() == []
    assert len([*(project / "outbox").iterdir()]) == 1


def test_airflow_task_fails_where_a_file_was_not_sent(project, nightly_dag):
    """Airflow sees an error, with the exit code and without a value."""
    (project / EXPORT).write_text("id,email\nsecret-17,ada@example.com\n", "utf-8")
    os.utime(project / EXPORT, (0, 0))
    with pytest.raises(RuntimeError, match="exit code 10: ") as caught:
        nightly_dag()
    assert not [value for value in ("secret-17", "ada@") if value in str(caught.value)]
    assert not [*(project / "outbox").iterdir()]
