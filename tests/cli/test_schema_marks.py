"""Marks and whole processes: killed at the worst moment, and two at the same time."""

import signal
import subprocess

from killed import killed_at

from piienc.state import Marks

DATA = "id,email,note\n" + "1,CANARY,CANARY\n" * 50
ENCRYPT = ["encrypt-file", "x.csv", "y.csv", "--schema"]
SEALED = '[columns.note]\ntype = "string"\nencrypt = "seal"'


def _other(project, new):
    text = project.read("schema.toml").decode()
    assert SEALED in text
    project.write("other.toml", text.replace(SEALED, new))


def test_run_killed_before_its_file_appears_is_done_again_and_its_marks_hold(project):
    """The mark comes before the file, so nothing can be in between that is seen and not known."""
    project.write("x.csv", DATA)
    dead = killed_at("os.link", if_="os.fspath(said[1]).endswith('y.csv')")
    assert project.start(*ENCRYPT, "schema.toml", prelude=dead).code == -signal.SIGKILL
    assert not (project.folder / "y.csv").exists()
    _other(project, '[columns.note]\ntype = "string"')
    with project.unchanged():
        assert project.run(*ENCRYPT, "other.toml").code == 12
    assert project.run(*ENCRYPT, "schema.toml").code == 0


def test_runs_that_contradict_each_other_leave_the_stronger_mark(project):
    """One may be refused; what was sealed in a file that appeared is sealed from then on."""
    project.write("x.csv", DATA)
    _other(project, '[columns.note]\ntype = "string"\nencrypt = "look"')
    arguments = {
        name: project.command("encrypt-file", "x.csv", f"{name}.csv", "--schema", f"{name}.toml")
        for name in ("schema", "other")
    }
    running = {
        name: subprocess.Popen(command, cwd=project.folder, stderr=subprocess.PIPE)
        for name, command in arguments.items()
    }
    told = {name: process.communicate(timeout=60) for name, process in running.items()}
    codes = {name: process.returncode for name, process in running.items()}
    assert codes["schema"] == 0, told
    assert codes["other"] in (0, 12), told
    assert (project.folder / "other.csv").exists() is (codes["other"] == 0)
    assert Marks(project.folder / ".piienc").of("people")["note"].mode == "sealed"
    again = project.run("encrypt-file", "x.csv", "z.csv", "--schema", "other.toml")
    assert again.code == 12


def test_decryption_never_refuses_because_of_marks(project):
    """With the old schema or another one, and without a state folder that could be read."""
    project.write("x.csv", DATA)
    assert project.run(*ENCRYPT, "schema.toml").code == 0
    _other(project, '[columns.note]\ntype = "string"')
    schema = ["--schema", "other.toml", "--columns", "email"]
    assert project.run("decrypt-file", "y.csv", "z.csv", *schema).code == 0
    (project.folder / ".piienc" / "state.db").write_bytes(b"no database")
    assert project.run("decrypt-file", "y.csv", "w.csv", "--schema", "schema.toml").code == 0
    assert project.read("w.csv") == DATA.encode()


def test_state_that_is_no_database_ends_the_run_and_leaves_no_file(project):
    """Whether a mark would be undone cannot be known, so nothing leaves."""
    project.write("x.csv", DATA)
    (project.folder / ".piienc").mkdir(mode=0o700)
    (project.folder / ".piienc" / "state.db").write_bytes(b"no database")
    with project.unchanged():
        ended = project.run(*ENCRYPT, "schema.toml")
    assert (ended.code, ended.out) == (3, "")
    assert "cannot keep the marks in .piienc/state.db" in ended.err
    assert "name a folder that may be written to: --state DIR or PIIENC_STATE" in ended.err
