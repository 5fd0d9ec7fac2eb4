"""A job delivers each file while it makes the next one, and nothing else of it changes."""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import subprocess
import threading
import time
from pathlib import Path

import pytest
from desk import PATIENCE, rows, until
from proxy import Proxy

from piienc.cli import ui
from piienc.jobs import send as sending
from piienc.jobs.deliver import Deliverer
from piienc.state import Ledger


@pytest.fixture
def proxy(desk):
    """Give a proxy before the server, over which the job goes."""
    made = Proxy(desk.sshd.port)
    desk.sshd.knows(made.port)
    desk.write(url=desk.sshd.url(port=made.port))
    try:
        yield made
    finally:
        made.close()


def _before(monkeypatch, source: str, action) -> None:
    """Do something before this source is spooled."""
    real = sending.spool

    def spool(found, *rest):
        if found.path.name == source:
            action()
        return real(found, *rest)

    monkeypatch.setattr(sending, "spool", spool)


def test_file_is_delivered_while_the_next_one_is_made(desk, monkeypatch):
    """There under its name, and told to the ledger; no source goes before all were read."""
    desk.write(after="delete")
    desk.put("a.csv", "b.csv")
    source = desk.project.folder / "in" / "a.csv"
    seen = []
    _before(
        monkeypatch,
        "b.csv",
        lambda: seen.append(until(lambda: "delivered" in desk.steps()) and source.exists()),
    )
    assert desk.send().code == 0
    assert seen == [True]
    assert sorted(desk.there()) == ["a.csv.pgp", "b.csv.pgp"]
    assert not source.exists()


def test_link_to_another_source_is_sent_before_that_is_deleted(desk, monkeypatch):
    """However fast the other one is delivered."""
    desk.write(after="delete")
    desk.put("a.csv")
    (desk.project.folder / "in" / "b.csv").symlink_to("a.csv")
    _before(monkeypatch, "b.csv", lambda: until(lambda: "delivered" in desk.steps()))
    assert desk.send("--again").code == 0
    assert sorted(desk.there()) == ["a.csv.pgp", "b.csv.pgp"]
    assert not (desk.project.folder / "in" / "a.csv").exists()


def test_all_files_go_over_one_connection(desk, proxy):
    """It is opened once, and kept from file to file."""
    desk.put("a.csv", "b.csv", "c.csv")
    assert desk.send().code == 0
    assert len(desk.there()) == 3
    assert proxy.connections == 1


def test_connection_is_opened_while_the_first_file_is_made(desk, proxy, monkeypatch):
    """The login has been waited for by the time that there is anything to deliver."""
    seen = []
    _before(monkeypatch, "a.csv", lambda: seen.append(until(lambda: proxy.received > 2000)))
    desk.put("a.csv")
    assert desk.send().code == 0
    assert seen == [True]


def test_job_without_new_files_does_not_connect(desk, proxy):
    """A server is not troubled every minute by a job that has nothing for it."""
    assert desk.send().code == 0
    assert proxy.connections == 0
    desk.put("a.csv")
    assert desk.send().code == 0
    assert desk.send().code == 0
    assert proxy.connections == 1


def test_connection_that_the_server_has_ended_is_made_anew(desk, proxy, monkeypatch):
    """Servers end what is idle for long; a file that takes long to make is no failed attempt."""

    def end_it():
        assert until(lambda: "delivered" in desk.steps())
        proxy.cut()
        time.sleep(0.3)  # until it is noticed

    _before(monkeypatch, "b.csv", end_it)
    desk.put("a.csv", "b.csv")
    ended = desk.send()
    assert ended.code == 0, ended.err
    assert "trying again" not in ended.err
    assert len(desk.there()) == 2
    assert proxy.connections == 2


def test_destination_that_lets_in_later_gets_all_files(desk, proxy):
    """Who is not let in at the beginning tries again when all is made."""
    proxy.refuse = 1
    desk.put("a.csv", "b.csv")
    ended = desk.send()
    assert ended.code == 0, ended.err
    assert len(desk.there()) == 2


def test_destination_that_lets_nobody_in_is_told_once_for_each_file(desk, proxy):
    """All files wait in the spool, in their order, and are not encrypted again."""
    proxy.refuse = 1000
    desk.put("a.csv", "b.csv")
    ended = desk.send("--json")
    assert ended.code == 8
    told = [(file["source"][-5:], file["error"]["code"]) for file in ended.document["files"]]
    assert told == [("a.csv", 8), ("b.csv", 8)]
    assert desk.steps() == ["spooled", "spooled"]
    proxy.refuse = 0
    assert desk.send().code == 0
    assert len(desk.there()) == 2


def test_rejected_source_stops_the_job_behind_what_was_spooled(desk, monkeypatch):
    """Those before it are delivered, also if none of them was when it was found."""
    held = threading.Event()
    real = Deliverer.deliver

    def deliver(*rest):
        held.wait(PATIENCE)
        return real(*rest)

    monkeypatch.setattr(Deliverer, "deliver", deliver)
    desk.put("a.csv", "b.csv", "d.csv")
    desk.project.write("in/c.csv", "id,email,note\n1,x,n\n1,y,z\n")
    _before(monkeypatch, "c.csv", held.set)
    ended = desk.send("--json")
    assert ended.code == 10
    told = {file["source"][-5:]: file["outcome"] for file in ended.document["files"]}
    assert told == {"c.csv": "failed", "a.csv": "delivered", "b.csv": "delivered"}


def test_files_of_one_name_follow_each_other_in_their_order(desk):
    """What waits from an earlier run comes first, and what replaces it is the newer one."""
    desk.write(name="same.csv")
    desk.put("a.csv")
    (desk.folder / "same.csv.pgp").write_bytes(b"theirs")
    assert desk.send().code == 12
    desk.write(name="same.csv", destination='if_exists = "replace"')
    desk.put("b.csv", "c.csv")
    ended = desk.send("--json")
    assert ended.code == 0, ended.err
    assert [file["source"][-5:] for file in ended.document["files"]] == ["a.csv", "b.csv", "c.csv"]
    assert desk.read("same.csv.pgp") == rows("c.csv")


@pytest.mark.parametrize("delivered", [False, True])
def test_copy_in_the_same_run_is_told_alike_however_far_the_first_one_is(
    desk, monkeypatch, delivered
):
    """What a receipt says is not left to which thread was faster."""
    desk.write(source="in/**/*.csv", destination='if_exists = "skip"')
    (desk.folder / "a.csv.pgp").write_bytes(b"theirs")
    for folder in ("1", "2"):
        (desk.project.folder / "in" / folder).mkdir()
        desk.put(f"{folder}/a.csv")
        (desk.project.folder / "in" / folder / "a.csv").write_bytes(rows("a.csv"))
    real = sending.SourceFile.has_content_of

    def look(found, known):
        if delivered and found.path.parent.name == "2":
            assert until(lambda: desk.steps() == ["skipped"])
            known = sending.JobLedger(desk.state).like("nightly", found.size)
        return real(found, known)

    monkeypatch.setattr(sending.SourceFile, "has_content_of", look)
    ended = desk.send("--json")
    assert ended.code == 0, ended.err
    told = [(file["source"][-7:], file["why"]) for file in ended.document["files"]]
    assert told == [
        ("2/a.csv", "the same content was sent already"),
        ("1/a.csv", "there already"),
    ]


def test_bug_in_the_thread_ends_the_job_with_its_code(desk, monkeypatch):
    """It is not lost, and no more files are made."""
    failed = threading.Event()

    def deliver(*_):
        failed.set()
        raise ZeroDivisionError

    monkeypatch.setattr(Deliverer, "deliver", deliver)
    _before(monkeypatch, "b.csv", lambda: failed.wait(PATIENCE))
    desk.put("a.csv", "b.csv", "c.csv")
    ended = desk.send()
    assert ended.code == 1
    assert "ZeroDivisionError" in ended.err
    assert len(desk.entries()) == 2
    monkeypatch.undo()
    assert desk.send().code == 0
    assert len(desk.there()) == 3


@pytest.mark.parametrize(
    ("sent", "code"), [(signal.SIGINT, ui.INTERRUPTED), (signal.SIGTERM, 128 + signal.SIGTERM)]
)
def test_signal_ends_both_what_is_made_and_what_is_delivered(desk, temp, sent, code):
    """At once, although the server is slow; the next run sends what is left, each file once."""
    desk.write(destination='bandwidth = "10 kB"')
    desk.put("a.csv", count=2000)
    desk.put("b.csv", count=300_000)
    with subprocess.Popen(
        desk.project.command("send", "nightly"),
        cwd=desk.project.folder,
        stderr=subprocess.PIPE,
    ) as process:
        assert until(lambda: any(name.startswith(".piienc") for name in desk.there()))
        process.send_signal(sent)
        assert process.wait(PATIENCE) == code
        assert b"Traceback" not in process.stderr.read()
    desk.write()
    assert desk.start().code == 0
    assert sorted(desk.there()) == ["a.csv.pgp", "b.csv.pgp"]
    assert desk.read("a.csv.pgp") == rows("a.csv", 2000)


@pytest.fixture
def locked(desk):
    """Give the private key of the account, with a passphrase."""
    path = desk.project.folder / "locked"
    shutil.copy(desk.sshd.keys.user, path)
    change = ["ssh-keygen", "-q", "-p", "-f", path, "-P", "", "-N", "open sesame"]
    subprocess.run(change, check=True, stdout=subprocess.DEVNULL)
    return path


def test_passphrase_of_the_ssh_key_is_asked_for_before_any_file_is_made(desk, locked, monkeypatch):
    """Once, and by the main thread: what a thread asks, Ctrl-C does not end."""
    asked = []

    def ask(question):
        asked.append((question, threading.current_thread() is threading.main_thread()))
        assert desk.entries() == []
        return "open sesame"

    monkeypatch.setattr(ui, "has_terminal", lambda: True)
    monkeypatch.setattr(ui, "ask_secret", ask)
    desk.put("a.csv", "b.csv")
    assert desk.send("--identity", locked).code == 0
    assert asked == [(f"passphrase of the key {locked}", True)]
    assert len(desk.there()) == 2


def test_passphrase_that_is_wrong_is_told_when_all_is_made(desk, locked, monkeypatch):
    """The files wait in the spool, and nobody is asked twice."""
    asked = []
    monkeypatch.setattr(ui, "has_terminal", lambda: True)
    monkeypatch.setattr(ui, "ask_secret", lambda question: asked.append(question) or "wrong")
    desk.put("a.csv")
    assert desk.send("--identity", locked).code == 5
    assert len(asked) == 1
    assert desk.steps() == ["spooled"]


def test_file_that_this_run_has_wrapped_is_not_read_again_for_its_hash(desk, monkeypatch):
    """It was hashed as it was written, and the ledger has that."""
    pread, sizes = os.pread, []

    def read(descriptor, *rest):
        data = pread(descriptor, *rest)
        if Path(f"/proc/self/fd/{descriptor}").readlink().suffix == ".pgp":
            sizes.append(len(data))
        return data

    monkeypatch.setattr(os, "pread", read)
    desk.put("a.csv")
    assert desk.send().code == 0
    (transfer,) = Ledger(desk.state).history()
    assert sum(sizes) == transfer.size  # to be sent
    assert transfer.sha256 == hashlib.sha256(desk.there()["a.csv.pgp"]).hexdigest()


def test_file_that_was_changed_since_it_was_wrapped_is_hashed_as_it_is(desk, monkeypatch):
    """What the ledger tells is what was sent, whoever has meddled with the spool."""
    real = Deliverer.deliver

    def deliver(deliverer, waiting):
        (path,) = desk.spooled()
        data = path.read_bytes()
        path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
        return real(deliverer, waiting)

    monkeypatch.setattr(Deliverer, "deliver", deliver)
    desk.put("a.csv")
    assert desk.send().code == 0
    (transfer,) = Ledger(desk.state).history()
    assert transfer.sha256 == hashlib.sha256(desk.there()["a.csv.pgp"]).hexdigest()
    assert transfer.sha256 != desk.entries()[0].wrapped[0]["sha256"]
