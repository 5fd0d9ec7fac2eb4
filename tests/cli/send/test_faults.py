"""What can go wrong with a job: each has its exit code, and a later run heals."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from types import SimpleNamespace

import pytest
from desk import SCHEMA, rows
from msgspec.structs import replace
from sshd import ROOT, make_key, run

from piienc.errors import PiiencError
from piienc.jobs.outcome import WORST_FIRST
from piienc.jobs.spooling import spool as spooling
from piienc.state import JobLedger, JobStep


def _healed(desk, *names: str) -> None:
    """Check that a plain run delivers these, each once."""
    ended = desk.send()
    assert ended.code == 0, ended.err
    assert sorted(desk.there()) == sorted(f"{name}.pgp" for name in names)
    for name in names:
        assert desk.read(f"{name}.pgp") == rows(name)


def test_same_job_twice_at_once_ends_the_second_with_its_code(desk):
    """The lock is the job's; a dead process gives it back."""
    desk.put("a.csv")
    stopped = (
        "import os\n"
        "from piienc.jobs import send\n"
        "send.recover = lambda *_: (print('held', flush=True), os.kill(os.getpid(), 19))"
    )
    first = subprocess.Popen(
        desk.project.command("send", "nightly", prelude=stopped),
        cwd=desk.project.folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    with first:
        assert first.stdout.readline() == b"held\n"
        ended = desk.send()
        assert (ended.code, ended.err.splitlines()[0]) == (
            11,
            "piienc: error: another run is at work on the job nightly",
        )
        first.send_signal(signal.SIGKILL)
    _healed(desk, "a.csv")


def test_two_jobs_at_once_both_deliver(desk):
    """Different jobs do not wait for each other."""
    more = desk.project.folder / "other"
    more.mkdir()
    (more / "b.csv").write_bytes(rows("b.csv"))
    desk.write(
        more='[jobs.other]\nsource = "other/*.csv"\nschema = "schema.toml"\n'
        'destination = "partner"\nquiet_for = 0\n'
    )
    desk.put("a.csv")
    both = [
        subprocess.Popen(desk.project.command("send", job, "-q"), cwd=desk.project.folder)
        for job in ("nightly", "other")
    ]
    assert [process.wait(60) for process in both] == [0, 0]
    assert sorted(desk.there()) == ["a.csv.pgp", "b.csv.pgp"]
    assert desk.project.run("audit", "verify").code == 0


def test_source_that_is_still_being_written_is_left_for_the_next_run(desk):
    """It was written to a moment ago; the others are sent."""
    desk.put("a.csv", "b.csv")
    old = time.time() - 100
    os.utime(desk.project.folder / "in" / "a.csv", (old, old))
    desk.write(quiet_for=50)
    ended = desk.send()
    assert ended.code == 0
    assert "b.csv for the next run: it was written to less than 50 s ago\n" in ended.err
    assert list(desk.there()) == ["a.csv.pgp"]
    desk.write()
    _healed(desk, "a.csv", "b.csv")


def test_source_from_the_future_is_sent_when_nobody_writes_to_it(desk):
    """A clock that was set back must not hold up a file until it has caught up."""
    desk.put("a.csv")
    ahead = time.time() + 10_000
    os.utime(desk.project.folder / "in" / "a.csv", (ahead, ahead))
    desk.write(quiet_for=0.2)
    _healed(desk, "a.csv")


def test_source_that_grows_while_it_is_read_is_left(desk, monkeypatch):
    """What is there at the end is not what was read."""
    desk.put("a.csv")
    real = spooling.encrypt_file

    def grown(source, *rest, **more):
        with (desk.project.folder / "in" / "a.csv").open("ab") as file:
            file.write(b"9,x")
        return real(source, *rest, **more)

    monkeypatch.setattr(spooling, "encrypt_file", grown)
    ended = desk.send()
    assert ended.code == 0
    assert "for the next run: it is still being written" in ended.err
    assert (desk.there(), desk.spooled(), desk.entries()) == ({}, [], [])
    monkeypatch.undo()
    desk.put("a.csv")
    _healed(desk, "a.csv")


def test_source_that_vanishes_is_an_error_of_its_own(desk, monkeypatch):
    """Nothing of it is sent, and the others are."""
    desk.put("a.csv", "b.csv")
    real = spooling.encrypt_file

    def gone(*rest, **more):
        (desk.project.folder / "in" / "a.csv").unlink(missing_ok=True)
        return real(*rest, **more)

    monkeypatch.setattr(spooling, "encrypt_file", gone)
    ended = desk.send()
    assert ended.code == 4
    assert "a.csv went away while it was read, and was not sent" in ended.err
    monkeypatch.undo()
    _healed(desk, "b.csv")


@pytest.mark.skipif(not ROOT, reason="mounting a small disk needs root")
def test_full_spool_disk_leaves_nothing_half(desk):
    """Exit code 9; when there is room, the next run sends."""
    folder = desk.state / "spool"
    desk.put("warm.csv")
    desk.send()
    (desk.folder / "warm.csv.pgp").unlink()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k,mode=0700", "tmpfs", folder], check=False
    )
    if mounted.returncode:
        pytest.skip("no mounts here")
    try:
        desk.put("a.csv", count=3000)
        ended = desk.send()
        assert ended.code == 9, ended.err
        assert "No space left on device; nothing was left behind" in ended.err
        assert desk.spooled() == []
    finally:
        run("umount", folder)
    desk.put("a.csv")
    (desk.project.folder / "in" / "warm.csv").unlink()
    _healed(desk, "a.csv")


def test_expired_recipient_stops_the_job_before_anything_is_encrypted(desk):
    """Exit code 5; with a key that is good, the next run sends."""
    desk.write(destination='recipients = ["expired"]')
    desk.put("a.csv")
    ended = desk.send()
    assert (ended.code, desk.entries()) == (5, [])
    assert "expired" in ended.err
    desk.write()
    _healed(desk, "a.csv")


def test_rotated_host_key_sends_nothing_until_it_is_confirmed(desk, ssh_keys, tmp_path):
    """Exit code 8; what is wrapped waits in the spool, and is not encrypted again."""
    known = desk.sshd.known_hosts.read_text()
    other = make_key(tmp_path / "other")
    try:
        desk.sshd.known_hosts.write_text(f"{desk.sshd.name} {ssh_keys.public(other)}\n")
        desk.put("a.csv")
        assert desk.send().code == 8
        assert (desk.there(), desk.steps()) == ({}, ["spooled"])
    finally:
        desk.sshd.known_hosts.write_text(known)
    _healed(desk, "a.csv")
    assert desk.steps() == ["done"]


def test_name_that_is_taken_at_the_destination_waits_until_it_is_free(desk):
    """Exit code 12; nothing of the receiver's is replaced."""
    desk.put("a.csv")
    (desk.folder / "a.csv.pgp").write_bytes(b"theirs")
    assert desk.send().code == 12
    assert desk.there() == {"a.csv.pgp": b"theirs"}
    (desk.folder / "a.csv.pgp").unlink()
    _healed(desk, "a.csv")


def test_recipients_that_have_changed_are_those_of_what_waits_in_the_spool(desk):
    """What was wrapped for somebody else is made anew."""
    desk.put("a.csv")
    (desk.folder / "a.csv.pgp").write_bytes(b"theirs")
    desk.send()
    (desk.folder / "a.csv.pgp").unlink()
    desk.write(destination='recipients = ["rsa"]')
    _healed(desk, "a.csv")


def _waiting(desk):
    """Have a wrapped file wait in the spool, and return it."""
    desk.put("a.csv")
    taken = desk.folder / "a.csv.pgp"
    taken.write_bytes(b"somebody else's")
    assert desk.send().code == 12
    taken.unlink()
    (waiting,) = desk.spooled()
    return waiting


def test_wrapped_file_that_was_damaged_in_the_spool_is_made_anew(desk):
    """Its size alone does not tell: what is delivered is what its receipt says."""
    waiting = _waiting(desk)
    data = bytearray(waiting.read_bytes())
    data[-20] ^= 1
    waiting.write_bytes(data)
    _healed(desk, "a.csv")


def test_wrapped_file_that_is_lost_with_its_source_is_told(desk):
    """It was promised and cannot be delivered any more: nobody may take that for success."""
    _waiting(desk).unlink()
    source = desk.project.folder / "in" / "a.csv"
    source.unlink()
    ended = desk.send()
    assert (ended.code, ended.err.replace(str(source), "a.csv").splitlines()) == (
        9,
        [
            (
                "piienc: error: a.csv was not delivered: its wrapped file is damaged or gone, "
                "and so is the source"
            ),
            "piienc: hint: put the source back: the next run sends it",
        ],
    )
    desk.put("a.csv")
    _healed(desk, "a.csv")


@pytest.mark.parametrize("change", ["recipients", "spool"])
def test_what_was_delivered_is_not_made_anew(change, desk):
    """Also if a run died before it could say so, and its wrapped file would not do any more."""
    naming = {"name": "{stem}-{sequence}{suffix}"}
    desk.write(**naming)
    desk.put("a.csv")
    assert desk.send().code == 0
    (sent,) = desk.entries()
    JobLedger(desk.state).save(replace(sent, step=JobStep.SPOOLED))
    (desk.folder / "a-1.csv.pgp").unlink()  # the receiver has taken it
    if change == "recipients":
        desk.write(destination='recipients = ["rsa"]', **naming)
    else:
        desk.spooled()[0].unlink()
    ended = desk.send()
    assert (ended.code, ended.err) == (0, "piienc: nothing new to send\n")
    assert (desk.there(), desk.steps()) == ({}, ["done"])


def test_spool_of_another_job_is_left_alone_from_its_first_moment(desk, monkeypatch):
    """A folder that appears while old ones are swept belongs to a job that has just begun."""
    spool = desk.state / "spool"
    spool.mkdir(parents=True)
    known = JobLedger.ids

    def begun_meanwhile(ledger):
        found = known(ledger)
        (spool / "0123456789abcdef").mkdir()
        return found

    monkeypatch.setattr(JobLedger, "ids", begun_meanwhile)
    sending = SimpleNamespace(spool=spool, job=SimpleNamespace(keep_spool=0), label="nightly")
    spooling.sweep(sending, JobLedger(desk.state))
    assert [folder.name for folder in spool.iterdir()] == ["0123456789abcdef"]


def test_check_tells_all_that_is_wrong_at_once_and_changes_nothing(desk):
    """For a deployment's pipeline; the code is the worst."""
    desk.put("a.csv")
    assert desk.send("--check").code == 0
    assert not desk.state.exists()
    desk.write(destination='recipients = ["expired"]', url=desk.sshd.url(port=1))
    (desk.project.folder / "keys" / "aes" / "look.json").unlink()
    with desk.project.unchanged():
        ended = desk.send("--check", "--json")
    assert not desk.state.exists()
    assert ended.code == 5
    wrong = {each["what"]: each["error"] for each in ended.document["checks"]}
    assert {what: error and error["code"] for what, error in wrong.items()} == {
        "schema": None,
        "keys": 5,
        "recipients": 5,
        "sources": None,
        "folders": None,
        "disk": None,
        "destination": 8,
    }


def test_worst_code_is_settled_for_every_kind_of_error():
    """No code is forgotten in the order."""
    codes = [kind.exit_code for kind in (PiiencError, *PiiencError.__subclasses__())]
    assert sorted(WORST_FIRST) == sorted(codes)


def test_folder_of_sources_that_is_not_there_is_an_error_and_no_quiet_night(desk):
    """A share that was not mounted must not look like a night without exports."""
    shutil.rmtree(desk.project.folder / "in")
    ended = desk.send()
    assert ended.code == 3, ended.err
    assert "the folder of the sources cannot be read" in ended.err


@pytest.mark.parametrize("job", [{}, {"leave_out": ["note"]}])
def test_second_column_of_a_hidden_name_is_never_sent(desk, job):
    """It would go in clear, as a column that the schema does not name; where it does, it goes."""
    desk.write(**job)
    kept = SCHEMA.replace("version = 1\n", 'version = 1\nextra_columns = "keep"\n')
    desk.project.write("schema.toml", kept)
    name = "note" if job else "email"
    lines = rows("a.csv").decode().splitlines()
    data = "\n".join([f"{lines[0]},{name}", *(f"{line},secret" for line in lines[1:])]) + "\n"
    (desk.project.folder / "in" / "a.csv").write_text(data)
    ended = desk.send()
    assert ended.code in (4, 10), ended.err
    assert f"{name}.1" in ended.err + ended.out
    assert "secret" not in ended.err + ended.out
    assert not desk.there()
    marked = kept + f'"{name}.1" = {{ type = "string", encrypt = "seal" }}\n'
    desk.project.write("schema.toml", marked)
    if job:  # what is left would be called by the name of what is not
        ended = desk.send()
        assert (ended.code, "would be 'note' to whoever reads" in ended.err) == (4, True)
        desk.write(leave_out=["note", "note.1"])
    assert desk.send().code == 0
    assert len(desk.there()) == 1
