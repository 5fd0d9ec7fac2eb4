"""The examples for pipelines are what their services take, as far as can be told without them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from reports_made import FULL

from piienc.report.formats import FORMATS

ROOT = Path(__file__).parents[1]
CI = ROOT / "examples" / "ci"
WORKFLOW = yaml.safe_load((CI / "verify-exports.yml").read_text("utf-8"))
STEPS = WORKFLOW["jobs"]["verify"]["steps"]


def _tool(*command: object, folder: Path = ROOT) -> str:
    """Run a tool of the tests, which must succeed."""
    done = subprocess.run(
        [sys.executable, "-m", *map(str, command)],
        cwd=folder,
        env=os.environ | {"PRE_COMMIT_HOME": str(folder / ".pre-commit")},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.mark.parametrize(
    "workflow", [CI / "verify-exports.yml", ROOT / ".github" / "workflows" / "release.yml"]
)
def test_workflow_is_valid_by_the_schema_of_github_actions(workflow):
    """The schema comes with the checker."""
    name = "vendor.github-workflows"
    assert "ok" in _tool("check_jsonschema", "--builtin-schema", name, workflow)


@pytest.mark.parametrize(
    ("check", "path"),
    [
        ("validate-config", CI / "pre-commit-config.yaml"),
        ("validate-manifest", ROOT / ".pre-commit-hooks.yaml"),
    ],
)
def test_hooks_are_valid_for_pre_commit(check, path, tmp_path):
    """Pre-commit itself says so."""
    _tool("pre_commit", check, path, folder=tmp_path)


def test_hooks_have_the_names_and_the_files_of_each_other():
    """The definition for others and the local hook do the same."""
    local = yaml.safe_load((CI / "pre-commit-config.yaml").read_text("utf-8"))
    hook = local["repos"][0]["hooks"][0]
    defined = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text("utf-8"))[0]
    for field in ("id", "entry", "files"):
        assert hook[field] == defined[field]


def test_workflow_asks_only_for_forms_that_there_are():
    """And for the two more that the command itself knows."""
    line = next(step["run"] for step in STEPS if step.get("name") == "Verify")
    asked = re.findall(r"--format (\w+)|-o (\w+)=", line)
    assert {first or second for first, second in asked} <= {*FORMATS}


def test_workflow_may_write_nothing_and_shows_no_secret():
    """It reads the repository, and secrets reach a step by its environment alone."""
    assert WORKFLOW["permissions"] == {"contents": "read"}
    for step in STEPS:
        assert "secrets." not in step.get("run", "")
        assert "${{" not in step.get("run", "")


def test_workflow_step_puts_the_keys_where_only_their_owner_reads(tmp_path):
    """A secret that is not there makes no file."""
    step = next(step for step in STEPS if step.get("name") == "Bring the keys")
    keyset = (ROOT / "keys.example" / "aes" / "sample-lookup.json").read_text("utf-8").rstrip("\n")
    environment = {"KEYS": str(tmp_path / "keys"), "LOOKUP": keyset, "VAULT": ""}
    done = subprocess.run(
        ["bash", "-e", "-c", step["run"]],
        env={"PATH": os.environ["PATH"]} | environment,
        capture_output=True,
        timeout=60,
        check=True,
    )
    assert done.stdout + done.stderr == b""
    files = [path for path in (tmp_path / "keys").rglob("*") if path.is_file()]
    assert [path.name for path in files] == ["sample-lookup.json"]
    assert files[0].read_text("utf-8") == f"{keyset}\n"
    assert files[0].stat().st_mode & 0o077 == 0
    assert (tmp_path / "keys").stat().st_mode & 0o077 == 0


REPORTS = (ROOT / "docs" / "reports.md").read_text("utf-8")


def test_page_of_reports_lists_every_form():
    """The table has a row for each form, and for the one on the terminal."""
    rows = re.findall(r"^\| `(\w+)` \|", REPORTS, re.MULTILINE)
    assert rows == ["text", *FORMATS]


def test_page_of_reports_quotes_what_is_written():
    """The annotations that it shows are those of a report."""
    block = re.search(r"```text\n(::.*?)```", REPORTS, re.DOTALL)
    assert block
    written = FORMATS["github"](FULL).splitlines()
    assert [line for line in block[1].splitlines() if line not in written] == []
