"""The examples for pipelines run: the workflow's steps and the hooks, with the real program.

Goes to tests/test_examples_ci_runs.py once `piienc verify` and `piienc schema check` are on main.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from junitparser import JUnitXml

ROOT = Path(__file__).parents[1]
CI = ROOT / "examples" / "ci"
WORKFLOW = yaml.safe_load((CI / "verify-exports.yml").read_text("utf-8"))
STEPS = [step for step in WORKFLOW["jobs"]["verify"]["steps"] if "run" in step]
SECRETS = {"PIIENC_LOOKUP": "sample-lookup", "PIIENC_VAULT": "sample-vault"}
PATH = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"


def _run(*command: object, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(word) for word in command],
        cwd=cwd,
        env=os.environ | {"PATH": PATH} | environment,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )


@pytest.fixture
def repository(tmp_path):
    """Give a repository with a schema and an export that is encrypted under the sample keys."""
    folder = tmp_path / "repository"
    (folder / "exports").mkdir(parents=True)
    shutil.copyfile(ROOT / "examples/profiles/schema.toml", folder / "schema.toml")
    keys = tmp_path / "sample-keys"
    (keys / "aes").mkdir(parents=True, mode=0o700)
    keys.chmod(0o700)
    for name in SECRETS.values():
        shutil.copyfile(ROOT / f"keys.example/aes/{name}.json", keys / f"aes/{name}.json")
        (keys / f"aes/{name}.json").chmod(0o600)
    done = _run(
        *("piienc", "encrypt-file", ROOT / "examples/profiles/profiles.csv"),
        *("exports/profiles.enc.csv", "--schema", "schema.toml", "--keys", keys),
        *("--state", tmp_path / "state"),
        cwd=folder,
    )
    assert done.returncode == 0, done.stderr
    for command in (("init", "-q"), ("add", "-A")):
        assert _run("git", *command, cwd=folder).returncode == 0
    return folder


class Job:
    """A run of the workflow: its steps until one fails, as the service runs them."""

    def __init__(self, repository: Path, folder: Path, *, secrets: bool) -> None:
        self.summary = folder / "summary.md"
        self.output = ""
        for step in STEPS:
            environment = WORKFLOW["env"] | step.get("env", {})
            for name, value in environment.items():
                filled = value.replace("${{ runner.temp }}", str(folder))
                for secret, key in SECRETS.items():
                    text = (ROOT / f"keys.example/aes/{key}.json").read_text("utf-8")
                    filled = filled.replace(
                        "${{ secrets." + secret + " }}", text if secrets else ""
                    )
                assert "${{" not in filled
                environment[name] = filled
            environment["GITHUB_STEP_SUMMARY"] = str(self.summary)
            done = _run("bash", "-e", "-c", step["run"], "step", cwd=repository, **environment)
            self.output += done.stdout
            self.errors = done.stderr
            self.code = done.returncode
            if self.code:
                break


def _reports(repository: Path) -> tuple[int, bool]:
    """Return how many results SARIF has and whether JUnit XML failed; HTML is there."""
    report = repository / "report"
    assert {path.name for path in report.iterdir()} == {
        *("piienc.html", "piienc.sarif", "piienc.xml")
    }
    assert (report / "piienc.html").read_text("utf-8").startswith("<!DOCTYPE html>")
    run = json.loads((report / "piienc.sarif").read_text("utf-8"))["runs"][0]
    suite = next(iter(JUnitXml.fromstring((report / "piienc.xml").read_bytes())))
    return len(run["results"]), suite.failures + suite.errors > 0


def test_workflow_passes_an_export_that_is_right(repository, tmp_path):
    """Verdict, reports and summary."""
    job = Job(repository, tmp_path, secrets=True)
    assert job.code == 0, job.output + job.errors
    assert "title=piienc verify%3A PASSED" in job.output
    assert "piienc verify: PASSED" in job.summary.read_text("utf-8")
    assert _reports(repository)[1] is False


def test_workflow_without_secrets_verifies_what_it_can(repository, tmp_path):
    """As in the run of a fork."""
    job = Job(repository, tmp_path, secrets=False)
    assert job.code == 0, job.output + job.errors
    assert "::notice" in job.output


def test_workflow_fails_on_a_cell_that_was_changed(repository, tmp_path):
    """Exit code 6, an annotation at its line, and the reports are there all the same."""
    export = repository / "exports/profiles.enc.csv"
    lines = export.read_text("utf-8").split("\n")
    cells = lines[1].split(",")
    cells[0] = cells[0][:20] + ("B" if cells[0][20] == "A" else "A") + cells[0][21:]
    lines[1] = ",".join(cells)
    export.write_text("\n".join(lines), "utf-8")
    job = Job(repository, tmp_path, secrets=True)
    assert job.code == 6, job.output + job.errors
    assert "title=identity%3A authentic" in job.output
    assert "file=exports/profiles.enc.csv,line=2," in job.output
    assert "TAMPERED" in job.summary.read_text("utf-8")
    assert _reports(repository)[1] is True


def test_workflow_fails_on_an_export_in_clear_and_shows_no_value(repository, tmp_path):
    """Neither the log nor a report has anything of the cells."""
    shutil.copyfile(
        ROOT / "examples/profiles/profiles.csv", repository / "exports/profiles.enc.csv"
    )
    job = Job(repository, tmp_path, secrets=True)
    assert job.code == 10, job.output + job.errors
    texts = [job.output, job.errors, job.summary.read_text("utf-8")]
    texts += [path.read_text("utf-8") for path in (repository / "report").iterdir()]
    for text in texts:
        assert "ada@example.com" not in text
        assert "Ada Example" not in text


def _pre_commit(repository: Path, tmp_path: Path) -> subprocess.CompletedProcess[str]:
    shutil.copyfile(CI / "pre-commit-config.yaml", repository / ".pre-commit-config.yaml")
    assert _run("git", "add", "-A", cwd=repository).returncode == 0
    return _run(
        *(sys.executable, "-m", "pre_commit", "run", "--all-files"),
        cwd=repository,
        PRE_COMMIT_HOME=str(tmp_path / "pre-commit"),
    )


def test_hooks_pass_what_is_right(repository, tmp_path):
    """Pre-commit runs both, and both look at a file."""
    done = _pre_commit(repository, tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("Passed") == 2


def test_hooks_refuse_an_export_in_clear(repository, tmp_path):
    """The other hook still passes."""
    shutil.copyfile(ROOT / "examples/profiles/profiles.csv", repository / "exports/plain.csv")
    done = _pre_commit(repository, tmp_path)
    assert done.returncode == 1
    assert (done.stdout.count("Passed"), done.stdout.count("Failed")) == (1, 1)
    assert "ada@example.com" not in done.stdout + done.stderr


def test_hooks_refuse_a_schema_with_a_mistake(repository, tmp_path):
    """Before anybody uses it."""
    path = repository / "schema.toml"
    path.write_text(path.read_text("utf-8").replace('"date"', '"dte"'), "utf-8")
    done = _pre_commit(repository, tmp_path)
    assert done.returncode == 1
    assert "schemas have no mistakes" in done.stdout
