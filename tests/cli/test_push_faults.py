"""What goes wrong while files are pushed: nothing half is there, and a second run completes it."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import threading
import time

import pytest
from killed import killed_at
from sshd import PLAIN, ROOT, make_key, run

from piienc.remote import OURS

MEGA = 1_000_000
DATA = os.urandom(8 * MEGA)
IMPATIENT = {"connect": 1, "banner": 1, "login": 1, "stall": 1, "keepalive": 1}


def only(way, data=DATA, name="a.bin"):
    """Hold that one whole file is at the server, and nothing else."""
    there = way.there()
    assert list(there) == [name]
    assert there[name] == data


def nothing_half(way, data=DATA, name="a.bin"):
    """Hold that what has the final name is whole, and that all else is hidden and ours."""
    for found, content in way.there().items():
        assert found.startswith(OURS) or (found, content) == (name, data)


def completed(way, data=DATA, name="a.bin"):
    """Hold that a second run delivers the file, and a third one nothing."""
    nothing_half(way, data, name)
    assert way.push(name).code == 0
    only(way, data, name)
    assert "delivered already" in way.push(name).err
    only(way, data, name)


@pytest.mark.parametrize("percent", [1, 50, 99])
def test_push_that_is_cut_is_completed_by_a_second_run(way, new_proxy, percent):
    """The partial is gone on with where it was proven to be ours."""
    proxy = new_proxy(way.sshd)
    way.write(url=way.sshd.url(way.folder, proxy.port))
    way.project.write("a.bin", DATA)
    proxy.cut_after = len(DATA) * percent // 100
    ended = way.push("a.bin")
    assert ended.code == 9, ended.err
    assert "connection was lost" in ended.err
    assert "a.bin" not in way.there()
    proxy.forget()
    completed(way)
    (first, *_) = (one for one in way.transfers() if one.attempts)
    assert first.attempts == 2


def test_push_that_is_cut_is_completed_by_a_retry(way, new_proxy):
    """A lost connection is made anew, and the user is told."""
    proxy = new_proxy(way.sshd)
    way.write(url=way.sshd.url(way.folder, proxy.port), retries=3)
    way.project.write("a.bin", DATA)
    proxy.cut_after = len(DATA) // 2
    threading.Timer(0.7, proxy.forget).start()
    ended = way.push("a.bin")
    assert ended.code == 0, ended.err
    assert "trying again in" in ended.err
    only(way)


def test_push_that_is_cut_around_the_rename_is_completed_by_a_second_run(way, new_proxy):
    """Whether the server has still renamed it or not, the file is delivered exactly once."""
    proxy = new_proxy(way.sshd)
    way.write(url=way.sshd.url(way.folder, proxy.port))
    data = DATA[:100_000]
    way.project.write("a.bin", data)
    assert way.push("a.bin").code == 0
    whole = proxy.sent
    codes = set()
    for short in range(10, 900, 45):
        (way.folder / "a.bin").unlink()
        data = short.to_bytes(4, "big") + data[4:]
        way.project.write("a.bin", data)
        proxy.forget()
        proxy.cut_after = whole - short
        codes.add(way.push("a.bin").code)
        nothing_half(way, data)
        proxy.forget()
        assert way.push("a.bin").code == 0
        only(way, data)
    assert codes <= {0, 8, 9}
    assert 9 in codes


@pytest.mark.parametrize("there", [True, False])
def test_push_that_dies_behind_the_rename_is_found_to_be_delivered(way, there):
    """A run was killed behind the rename; the next one looks, and does not send it again."""
    way.project.write("a.bin", DATA)
    death = killed_at("piienc.remote.sftp.remote:SftpRemote.publish", behind=True)
    ended = way.project.start("push", "a.bin", "--to", "partner", prelude=death)
    assert ended.code == -signal.SIGKILL
    only(way)
    if not there:
        (way.folder / "a.bin").unlink()  # and the receiver has taken it
    ended = way.push("a.bin")
    assert ended.code == 0
    assert ("the receiver has taken it away" in ended.err) is not there
    assert list(way.there()) == (["a.bin"] if there else [])
    assert "delivered already" in way.push("a.bin").err


def test_push_to_a_server_that_is_killed_is_completed_by_a_second_run(way):
    """The sessions die, the server stays."""
    way.write(bandwidth="4 MB")
    way.project.write("a.bin", DATA)
    threading.Timer(0.7, way.sshd.kill_sessions).start()
    ended = way.push("a.bin")
    assert ended.code == 9, ended.err
    way.write()
    completed(way)


@pytest.mark.parametrize("percent", [0, 50])
def test_push_that_stalls_ends_in_time(way, new_proxy, percent):
    """A dead peer does not hold a cron job for ever."""
    proxy = new_proxy(way.sshd)
    way.write(url=way.sshd.url(way.folder, proxy.port), timeouts=IMPATIENT)
    way.project.write("a.bin", DATA)
    proxy.stall_after = len(DATA) * percent // 100
    began = time.monotonic()
    ended = way.push("a.bin")
    assert time.monotonic() - began < 8
    assert ended.code == (9 if percent else 8), ended.err
    assert "a.bin" not in way.there()
    proxy.forget()
    completed(way)


@pytest.mark.parametrize("mega", [1, 3, 16])
def test_push_to_a_full_disk_is_told_and_completed_when_there_is_room(way, small_disk, mega):
    """Also for small files, of which some clients report success."""
    data = os.urandom(mega * MEGA)
    full = small_disk(mega * MEGA // 2)
    way.write(url=full.url(), known_hosts=str(full.known_hosts))
    way.project.write("a.bin", data)
    ended = way.push("a.bin")
    assert ended.code == 9, ended.err
    assert list(full.folder.iterdir()) == []
    way.write()
    completed(way, data)


def test_push_over_a_quota_is_told_and_leaves_nothing(way, new_sshd):
    """A limit that the server does not give a reason for."""
    limited = new_sshd(limits={"fsize": MEGA})
    way.write(url=limited.url(), known_hosts=str(limited.known_hosts))
    way.project.write("a.bin", DATA)
    assert way.push("a.bin").code == 9
    assert "a.bin" not in [path.name for path in limited.folder.iterdir()]
    way.write()
    completed(way)


def test_push_into_a_read_only_folder_is_told_and_not_tried_again(way, new_sshd):
    """What will not pass by itself is not waited for."""
    strict = new_sshd(account=PLAIN)
    strict.folder.chmod(0o555)
    if ROOT:
        os.chown(strict.folder, 0, 0)
    way.write(url=strict.url(), known_hosts=str(strict.known_hosts), retries=5)
    way.project.write("a.bin", DATA)
    for more in ([], ["--dry-run"]):
        ended = way.push("a.bin", *more)
        assert ended.code == 9
        assert "permission denied" in ended.err
        assert "trying again" not in ended.err
    assert list(strict.folder.iterdir()) == []
    way.write()
    completed(way)


def test_push_into_a_missing_folder_is_told(way):
    """With the folder's name, and what to do."""
    way.write(url=f"{way.sshd.url(way.folder)}missing/", retries=5)
    way.project.write("a.bin", DATA)
    ended = way.push("a.bin")
    assert ended.code == 9
    assert "has no folder" in ended.err
    assert "trying again" not in ended.err


def test_push_of_a_file_that_the_server_takes_away_at_once_is_delivered(way):
    """Many receivers move a file the moment it has its name: that is no failure."""
    taken, stop = [], threading.Event()

    def take():
        while not stop.is_set():
            with contextlib.suppress(FileNotFoundError):
                (way.folder / "a.bin").rename(way.sshd.base / "taken")
                taken.append((way.sshd.base / "taken").read_bytes())

    thread = threading.Thread(target=take)
    thread.start()
    way.project.write("a.bin", DATA)
    ended = way.push("a.bin")
    time.sleep(0.05)
    stop.set()
    thread.join()
    assert ended.code == 0, ended.err
    assert taken == [DATA]
    assert "delivered already" in way.push("a.bin").err
    assert way.there() == {}


def test_push_with_a_wrong_login_is_told_and_not_tried_again(way, tmp_path):
    """A wrong key, and a wrong user: each exit code 8, once."""
    way.project.write("a.bin", DATA)
    stranger = make_key(tmp_path / "stranger")
    for over in (
        {"identity_file": str(stranger)},
        {"url": way.sshd.url(way.folder).replace(way.sshd.account, "nosuchuser")},
    ):
        way.write(retries=5, **over)
        ended = way.push("a.bin")
        assert ended.code == 8, ended.err
        assert "trying again" not in ended.err
    assert way.there() == {}


def test_push_to_an_unknown_or_changed_host_shows_the_fingerprint(way, tmp_path):
    """And the command that adds the key, to be run after checking."""
    way.project.write("a.bin", DATA)
    fingerprint = run("ssh-keygen", "-lf", way.sshd.keys.hosts["ed25519"]).split()[1]
    empty = tmp_path / "none"
    empty.write_text("")
    other = make_key(tmp_path / "other")
    changed = tmp_path / "changed"
    changed.write_text(f"{way.sshd.name} {way.sshd.keys.public(other)}\n")
    for known in (empty, changed):
        way.write(known_hosts=str(known), retries=5)
        ended = way.push("a.bin")
        assert ended.code == 8
        assert fingerprint in ended.err
        assert "ssh-keyscan" in ended.err or "ssh-keygen -R" in ended.err
        assert "trying again" not in ended.err
    assert way.there() == {}


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGKILL])
def test_push_that_is_ended_at_any_moment_is_completed_by_a_second_run(way, end):
    """At 25 random moments each: nothing half, nothing lost, and delivered exactly once."""
    rng = random.Random(end)  # noqa: S311  # moments, no secrets
    data = DATA[: 2 * MEGA]
    way.write(bandwidth="6 MB")
    command = way.project.command("push", "a.bin", "--to", "partner", "--quiet")
    ended = set()
    for turn in range(25):
        data = turn.to_bytes(4, "big") + data[4:]
        way.project.write("a.bin", data)
        process = subprocess.Popen(command, cwd=way.project.folder, stderr=subprocess.PIPE)
        time.sleep(rng.uniform(0.25, 0.9))
        process.send_signal(end)
        ended.add(process.wait(timeout=20))
        process.stderr.close()
        nothing_half(way, data)
        way.write()
        assert way.push("a.bin").code == 0
        only(way, data)
        way.write(bandwidth="6 MB")
        (way.folder / "a.bin").unlink()
    # Before our handler is there, in a busy moment, Python ends as any process does.
    assert ended - {0, -end} == ({128 + end} if end == signal.SIGTERM else set())


_ENDED_AS_THREADS_START = """
import os, threading
start = threading.Thread.start
def started(self):
    if self.name != "MainThread" and not hasattr(threading, "ended"):
        threading.ended = True
        os.kill(os.getpid(), {number})
    start(self)
threading.Thread.start = started
"""


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_push_that_is_ended_as_a_thread_starts_ends_as_it_was_told(way, number, code):
    """What cannot be cleaned up then is no bug: nobody can wait for what never ran."""
    way.project.write("a.bin", DATA)
    prelude = _ENDED_AS_THREADS_START.format(number=int(number))
    command = way.project.command("push", "a.bin", "--to", "partner", "--quiet", prelude=prelude)
    folder = way.project.folder
    ended = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert (ended.returncode, "bug" in ended.stderr) == (code, False), ended.stderr
    completed(way)


def test_push_that_is_ended_while_it_waits_to_try_again_ends_at_once(way, new_proxy):
    """A pause may last a minute, and nobody waits for that."""
    proxy = new_proxy(way.sshd)
    way.write(url=way.sshd.url(way.folder, proxy.port), retries=50)
    way.project.write("a.bin", DATA)
    proxy.cut_after = len(DATA) // 2
    process = subprocess.Popen(
        way.project.command("push", "a.bin", "--to", "partner"),
        cwd=way.project.folder,
        stderr=subprocess.PIPE,
        text=True,
    )
    while "trying again" not in process.stderr.readline():
        assert process.poll() is None
    proxy.refuse = 1000
    time.sleep(1.5)
    began = time.monotonic()
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=20) == 128 + signal.SIGTERM
    assert time.monotonic() - began < 2
    process.stderr.close()
    proxy.refuse = 0
    proxy.forget()
    completed(way)


def test_push_to_a_folder_that_is_ended_stops_at_once(project, tmp_path):
    """A share may be slow, and what is ended must not be delivered after all."""
    out = tmp_path / "slow"
    out.mkdir()
    project.write("a.bin", DATA)
    project.write(
        "piienc.toml", f'[destinations.slow]\nurl = "file://{out}/"\nbandwidth = "1 MB"\n'
    )
    process = subprocess.Popen(
        project.command("push", "a.bin", "--to", "slow", "--quiet"), cwd=project.folder
    )
    while not list(out.iterdir()):
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGTERM)
    began = time.monotonic()
    assert process.wait(timeout=20) == 128 + signal.SIGTERM
    assert time.monotonic() - began < 2
    assert not (out / "a.bin").exists()
    assert project.run("push", "a.bin", "--to", f"file://{out}/").code == 0
    assert [path.name for path in out.iterdir()] == ["a.bin"]
    assert (out / "a.bin").read_bytes() == DATA


@pytest.mark.parametrize("apart", [False, True])
def test_two_pushes_at_the_same_moment_deliver_one_file(way, apart):
    """Of one state folder, the second finds the lock; of two, it finds the name taken."""
    way.write(bandwidth="8 MB")
    way.project.write("a.bin", DATA[: 4 * MEGA])
    states = [".piienc", ".other" if apart else ".piienc"]
    running = [
        subprocess.Popen(
            way.project.command("push", "a.bin", "--to", "partner", "--state", state, "--quiet"),
            cwd=way.project.folder,
            stderr=subprocess.DEVNULL,
        )
        for state in states
    ]
    codes = sorted(process.wait(timeout=30) for process in running)
    assert codes == [0, 12 if apart else 11]
    only(way, DATA[: 4 * MEGA])


def test_push_of_a_file_that_changes_meanwhile_does_not_deliver_it(way):
    """Half of one export and half of another is neither."""
    way.write(bandwidth="4 MB")
    path = way.project.write("a.bin", DATA[: 3 * MEGA])

    def change():
        with path.open("r+b") as file:  # at no moment is it shorter
            file.write(DATA[3 * MEGA : 6 * MEGA])

    threading.Timer(0.5, change).start()
    ended = way.push("a.bin")
    assert ended.code == 4
    assert "has changed while it was sent" in ended.err
    assert way.there() == {}
    way.write()
    completed(way, DATA[3 * MEGA : 6 * MEGA])


def test_push_of_a_newer_file_takes_the_place_of_an_interrupted_one(way, new_proxy):
    """What was sent of the old one goes away with it."""
    proxy = new_proxy(way.sshd)
    way.write(url=way.sshd.url(way.folder, proxy.port))
    way.project.write("a.bin", DATA)
    proxy.cut_after = len(DATA) // 2
    assert way.push("a.bin").code == 9
    proxy.forget()
    way.project.write("a.bin", b"newer")
    completed(way, b"newer")
    assert {one.outcome for one in way.transfers()} == {"delivered", "given-up"}


def test_push_shows_no_secret_when_ssh_is_debugged(way, tmp_path):
    """Not the passphrase, and not the key."""
    locked = make_key(tmp_path / "locked", passphrase="open sesame")
    allowed = way.sshd.base / "authorized_keys"
    before = allowed.read_text()
    allowed.write_text(before + way.sshd.keys.public(locked) + "\n")
    try:
        passphrase = way.project.write("secret", "open sesame\n")
        passphrase.chmod(0o600)
        way.write(identity_file=str(locked), passphrase_file=str(passphrase))
        way.project.write("a.bin", DATA)
        ended = way.push("a.bin", "--debug-ssh")
        assert ended.code == 0, ended.err
        assert len(ended.err.splitlines()) > 5
        assert "open sesame" not in ended.err
        for line in locked.read_text().splitlines()[1:-1]:
            assert line not in ended.err
        assert len(way.push("a.bin", "--again", "--if-exists", "replace").err.splitlines()) == 1
    finally:
        allowed.write_text(before)
