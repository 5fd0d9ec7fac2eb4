"""`[jobs.NAME]` and `[notify]` of piienc.toml."""

import json
import re

import pytest

from piienc import settings
from piienc.errors import ConfigError
from piienc.settings.job import Job, JobTable, NotifyTable

PARTNER = '[destinations.partner]\nurl = "file:///out/"\n'
NEEDED = 'source = "in/*.csv"\nschema = "schema.toml"\ndestination = "partner"\n'


def _toml(value):
    """Write a value, or a table in one line."""
    if not isinstance(value, dict):
        return json.dumps(value)
    return "{" + ", ".join(f"{name} = {_toml(each)}" for name, each in value.items()) + "}"


def _loaded(folder, text):
    (folder / "piienc.toml").write_text(PARTNER + text, "utf-8")
    return settings.load(environ={}, cwd=folder)


def test_job_with_what_is_needed_has_the_defaults(tmp_path):
    """Paths count from the file, and the defaults are those of `Job`."""
    found = _loaded(tmp_path, f"[jobs.nightly]\n{NEEDED}").jobs["nightly"]
    assert found == Job("nightly", tmp_path / "in/*.csv", tmp_path / "schema.toml", "partner")


def test_job_with_every_field_has_them(tmp_path):
    """No field is lost on the way, and no field of the table is without one."""
    said = {
        "leave_out": ["a"],
        "treatments": {"b": "omit"},
        "name": "{stem}-{date}-{sequence:04}{suffix}",
        "sign_with": "me",
        "after": "move",
        "move_to": "sent",
        "keep_spool": 1,
        "on_failed_verification": "quarantine",
        "quarantine": "bad",
        "quiet_for": 60,
    }
    assert {*said, "source", "schema", "destination"} == {*JobTable.__struct_fields__}
    lines = "".join(f"{name} = {_toml(value)}\n" for name, value in said.items())
    assert _loaded(tmp_path, f"[jobs.x]\n{NEEDED}{lines}").jobs["x"] == Job(
        "x",
        tmp_path / "in/*.csv",
        tmp_path / "schema.toml",
        "partner",
        {"a": "omit", "b": "omit"},
        "{stem}-{date}-{sequence:04}{suffix}",
        "me",
        "move",
        tmp_path / "sent",
        1,
        "quarantine",
        tmp_path / "bad",
        60,
    )


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (
            'after = "mvoe"',
            "line 7: jobs.x.after: 'mvoe' is not one of keep, move, delete",
        ),
        ('after = "move"', 'line 7: jobs.x.after: "move" needs a folder; write move_to = "FOLDER"'),
        ('move_to = "x"', 'line 7: jobs.x.move_to: it is for after = "move"'),
        (
            'on_failed_verification = "quarantine"',
            'line 7: jobs.x.on_failed_verification: "quarantine" needs a folder',
        ),
        ('name = "{stme}"', "line 7: jobs.x.name: there is no {stme}; a name may have {name},"),
        ('name = "{stem"', "line 7: jobs.x.name: '{stem' has a brace without its like"),
        ('name = "{}"', "line 7: jobs.x.name: there is no {}"),
        ('name = "a/{name}"', "line 7: jobs.x.name: 'a/{name}' has a slash"),
        ('name = "{name:04}"', "line 7: jobs.x.name: '{name:04}' has a format"),
        ("keep_spool = -1", "line 7: jobs.x.keep_spool: -1 is not"),
        (
            "send_ahead = true",
            "line 7: jobs.x.send_ahead: nothing is sent any more before all of a file is verified",
        ),
        ("quiet = 3", "line 7: jobs.x.quiet: unknown; did you mean 'quiet_for'?"),
    ],
)
def test_mistake_in_a_job_has_its_line_and_its_mend(tmp_path, line, said):
    """As everywhere in the file."""
    with pytest.raises(ConfigError, match=re.escape(said)):
        _loaded(tmp_path, f"[jobs.x]\n{NEEDED}{line}\n")


def test_job_for_a_destination_that_is_not_there_is_a_mistake(tmp_path):
    """A slip of the pen is found, and what is not there is to be added."""
    near = NEEDED.replace('"partner"', '"partnr"')
    with pytest.raises(ConfigError, match=r"line 6: .*'partnr'; did you mean 'partner'"):
        _loaded(tmp_path, f"[jobs.x]\n{near}")
    far = NEEDED.replace('"partner"', '"zzz"')
    with pytest.raises(ConfigError, match=r"add \[destinations.zzz\]"):
        _loaded(tmp_path, f"[jobs.x]\n{far}")


def test_hook_with_a_slash_counts_from_the_file(tmp_path):
    """One without is looked for on PATH, as a shell would."""
    found = _loaded(tmp_path, '[notify]\ncommand = ["bin/alert", "x/y"]\n').notify
    assert found == NotifyTable(command=[str(tmp_path / "bin/alert"), "x/y"], timeout=30)
    assert _loaded(tmp_path, '[notify]\ncommand = ["mail"]\n').notify == NotifyTable(
        command=["mail"]
    )
    with pytest.raises(ConfigError, match=r"line 4: notify.command: empty; write command = \["):
        _loaded(tmp_path, "[notify]\ncommand = []\n")
