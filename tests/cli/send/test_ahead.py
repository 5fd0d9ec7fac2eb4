"""A file is sent while it is still being made; nobody can see that, whatever happens."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import threading
import time
from pathlib import Path

import pytest
from ahead import small_files
from desk import CANARY, PATIENCE, SCHEMA, rows, until
from proxy import Proxy

from piienc.flow import advance as advances
from piienc.flow.advance import Advance
from piienc.flow.send.deliver import Deliverer
from piienc.flow.send.spool import _Making
from piienc.remote import OURS
from piienc.remote.sftp import SftpRemote
from piienc.state import Ledger

MANY = 12_000  # rows: some 2 MB when they are wrapped, which are many blocks
WRAPPED = 170  # bytes of a row, about, when it is wrapped
MOMENTS = int(os.environ.get("PIIENC_TEST_MOMENTS", "10"))
SUPPORT = Path(__file__).parents[2] / "support"
SMALL = f"import sys; sys.path.insert(0, {str(SUPPORT)!r}); import ahead; ahead.small_files()"


@pytest.fixture
def ahead(monkeypatch):
    """Have small files sent while they are made; give the bytes of each that were sent so."""
    sent, upload = [], SftpRemote.upload_growing

    def uploaded(*said):
        sent.append(upload(*said))
        return sent[-1]

    monkeypatch.setattr(SftpRemote, "upload_growing", uploaded)
    small_files(monkeypatch.setattr)
    return sent


def _growing(desk) -> dict[str, int]:
    """Return the size of each hidden file at the server."""
    found = desk.folder.iterdir()
    return {path.name: path.stat().st_size for path in found if path.name.startswith(OURS)}


def _sees(desk, least: int = 1) -> bool:
    """Wait until so much has arrived of a file that has no name yet."""
    return until(lambda: any(size >= least for size in _growing(desk).values()))


def _before_the_end(monkeypatch, action) -> None:
    """Do something when a file is wrapped whole, and has no name yet."""
    kept = _Making._kept

    def keep(*said):
        action()
        return kept(*said)

    monkeypatch.setattr(_Making, "_kept", keep)


def _history(desk) -> list[tuple[str, str]]:
    return [(one.name, one.outcome) for one in Ledger(desk.state).history()]


def test_file_is_at_the_destination_before_it_is_whole(desk, ahead, monkeypatch):
    """Under a hidden name; then the rest follows, it gets its name, and all is one attempt."""
    seen = []
    _before_the_end(monkeypatch, lambda: seen.append((_sees(desk, 1_000_000), len(desk.there()))))
    desk.put("a.csv", count=MANY)
    ended = desk.send("--json")
    assert ended.code == 0, ended.err
    assert seen == [(True, 1)]
    assert sorted(desk.there()) == ["a.csv.pgp"]
    assert desk.read("a.csv.pgp") == rows("a.csv", MANY)
    (transfer,) = Ledger(desk.state).history()
    assert (transfer.outcome, transfer.attempts, transfer.size) == (
        "delivered",
        1,
        (desk.folder / "a.csv.pgp").stat().st_size,
    )
    assert 0 < ahead[0] <= transfer.size


def test_what_was_sent_is_neither_sent_again_nor_read_back(desk, ahead, monkeypatch):
    """Only the rest of the file goes out with its delivery."""
    monkeypatch.setattr(SftpRemote, "same_prefix", lambda *_: pytest.fail("it was read back"))
    offsets, upload = [], SftpRemote.upload

    def uploaded(*said, **more):
        offsets.append(more["offset"])
        return upload(*said, **more)

    monkeypatch.setattr(SftpRemote, "upload", uploaded)
    desk.put("a.csv", count=MANY)
    assert desk.send().code == 0
    assert offsets == ahead
    assert desk.read("a.csv.pgp") == rows("a.csv", MANY)


def test_several_files_are_sent_each_while_it_is_made(desk, ahead):
    """One after the other, and in the order of their names."""
    desk.put("a.csv", "b.csv", "c.csv", count=MANY)
    ended = desk.send("--json")
    assert ended.code == 0, ended.err
    assert len(ahead) == 3
    for name in ("a.csv", "b.csv", "c.csv"):
        assert desk.read(f"{name}.pgp") == rows(name, MANY)
    assert [file["outcome"] for file in ended.document["files"]] == ["delivered"] * 3


def test_small_file_is_sent_when_it_is_whole(desk, ahead, monkeypatch):
    """There would be nothing to gain."""
    monkeypatch.setattr(advances, "LEAST", 100 << 20)
    desk.put("a.csv", count=MANY)
    assert desk.send().code == 0
    assert ahead == []


def test_file_is_sent_when_it_is_whole_where_there_is_no_thread_to_be_had(desk, ahead, monkeypatch):
    """Nothing depends on what is sent before."""
    start = threading.Thread.start

    def started(thread):
        if thread.name == "piienc-ahead":
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", started)
    desk.put("a.csv", count=MANY)
    ended = desk.send("--json")
    assert (ended.code, ahead) == (0, []), ended.err
    assert desk.read("a.csv.pgp") == rows("a.csv", MANY)


@pytest.mark.parametrize(
    ("job", "destination"), [({"send_ahead": False}, ""), ({}, "rename = false")]
)
def test_nothing_is_sent_ahead_where_the_settings_are_against_it(
    desk, ahead, monkeypatch, job, destination
):
    """Where files grow under their own names, the receiver would see them."""
    desk.write(destination=destination, **job)
    _before_the_end(monkeypatch, lambda: time.sleep(0.2))
    desk.put("a.csv", count=MANY)
    assert desk.send().code == 0
    assert ahead == []
    assert desk.read("a.csv.pgp") == rows("a.csv", MANY)


def _faulty(row: int) -> bytes:
    """Return a table whose row of this number, from 0, is not as its schema says."""
    lines = rows("a.csv", MANY).splitlines(keepends=True)
    lines[row + 1] = lines[row + 1].replace(str(row).encode(), b"none", 1)
    return b"".join(lines)


@pytest.mark.parametrize("row", [0, MANY // 2, MANY - 1])
def test_no_row_leaves_from_the_first_wrong_one_on_and_all_is_taken_back(
    desk, ahead, monkeypatch, row
):
    """The rows before it were looked at, and are removed again when the file has failed."""
    hold = Advance.hold

    def held(advance):
        assert not row or _sees(desk)
        hold(advance)

    monkeypatch.setattr(Advance, "hold", held)
    (desk.project.folder / "in" / "a.csv").write_bytes(_faulty(row))
    ended = desk.send("--json")
    assert ended.code == 10
    assert desk.there() == {}
    assert sum(ahead) <= WRAPPED * row
    assert _history(desk) == ([("a.csv.pgp", "given-up")] if row else [])
    told = desk.project.run("audit", "show", "--json").document["lines"]
    sent = [file for line in told for file in line.get("files", ()) if file["role"] == "sent"]
    assert [(file["bytes"], file["outcome"]) for file in sent] == (
        [(ahead[0], "failed")] if row else []
    )
    desk.put("a.csv", count=MANY)
    assert desk.send().code == 0
    assert desk.read("a.csv.pgp") == rows("a.csv", MANY)


def test_audit_log_tells_what_had_left_when_the_connection_was_lost(desk, ahead, monkeypatch):
    """Nobody knows how much of it has arrived, but it is not nothing."""
    proxy, hold = Proxy(desk.sshd.port), Advance.hold

    def held(advance):
        assert _sees(desk, 250_000)
        proxy.cut()
        time.sleep(0.3)  # until it is noticed
        hold(advance)

    monkeypatch.setattr(Advance, "hold", held)
    (desk.project.folder / "in" / "a.csv").write_bytes(_faulty(MANY // 2))
    try:
        desk.sshd.knows(proxy.port)
        desk.write(url=desk.sshd.url(port=proxy.port))
        assert desk.send("--json").code == 10
    finally:
        proxy.close()
    assert desk.there() == {}
    assert _history(desk) == [("a.csv.pgp", "given-up")]
    told = desk.project.run("audit", "show", "--json").document["lines"]
    (sent,) = [file for line in told for file in line.get("files", ()) if file["role"] == "sent"]
    assert (sent["outcome"], ahead) == ("failed", [])
    assert 250_000 <= sent["bytes"] <= WRAPPED * MANY // 2


def test_column_that_looks_like_personal_data_holds_the_file_back(desk, ahead, monkeypatch):
    """By the share of its cells so far, although only all cells together will tell."""
    schema = SCHEMA.replace(', encrypt = "seal"', "").replace("note ", "phone")
    desk.project.write("schema.toml", schema)
    _before_the_end(monkeypatch, lambda: time.sleep(0.2))
    lines = ["id,email,phone", *(f"{n},x{n},{20_000_000_000 + 7919 * n}" for n in range(MANY))]
    desk.project.write("in/a.csv", "\n".join([*lines, ""]))
    ended = desk.send("--json")
    assert ended.code == 10, ended.err
    assert ahead in ([], [0])
    assert desk.there() == {}


def test_name_that_is_taken_is_found_before_anything_is_sent(desk, ahead, monkeypatch):
    """The file waits in the spool, as ever."""
    (desk.folder / "a.csv.pgp").write_bytes(b"theirs")
    _before_the_end(monkeypatch, lambda: time.sleep(0.2))
    desk.put("a.csv", count=MANY)
    assert desk.send().code == 12
    assert ahead == []
    assert desk.there() == {"a.csv.pgp": b"theirs"}
    (desk.folder / "a.csv.pgp").unlink()
    assert desk.send().code == 0
    assert desk.read("a.csv.pgp") == rows("a.csv", MANY)


def test_file_that_comes_out_in_parts_takes_back_what_was_sent_of_it_whole(
    desk, ahead, monkeypatch
):
    """That it is too large is known only at its end."""
    desk.write(
        destination='profile = "narrow"',
        more='[profiles.narrow]\nsize_limit = "1500 kB"\ncompression = "none"',
    )
    _before_the_end(monkeypatch, lambda: time.sleep(0.2))
    desk.put("a.csv", count=MANY)
    ended = desk.send("--json")
    assert ended.code == 0, ended.err
    assert len(ahead) == 1
    parts = sorted(desk.there())
    assert len(parts) > 1
    assert not any(name.startswith(OURS) for name in parts)
    whole = [desk.read(name).splitlines(keepends=True) for name in parts]
    assert b"".join([whole[0][0], *(b"".join(part[1:]) for part in whole)]) == rows("a.csv", MANY)
    assert ("a.csv.pgp", "given-up") in _history(desk)


def test_connection_lost_while_a_file_is_made_costs_nothing(desk, ahead, monkeypatch):
    """The delivery goes on with what is proven to be there."""
    proxy = Proxy(desk.sshd.port)
    try:
        desk.sshd.knows(proxy.port)
        desk.write(url=desk.sshd.url(port=proxy.port))

        def cut():
            assert _sees(desk)
            proxy.cut()

        _before_the_end(monkeypatch, cut)
        desk.put("a.csv", count=MANY)
        ended = desk.send("--json")
    finally:
        proxy.close()
    assert ended.code == 0, ended.err
    assert sorted(desk.there()) == ["a.csv.pgp"]
    assert desk.read("a.csv.pgp") == rows("a.csv", MANY)
    assert [outcome for _, outcome in _history(desk)] == ["delivered"]


def test_what_was_sent_over_a_connection_that_is_gone_is_read_back(desk, ahead, monkeypatch):
    """The server may have failed meanwhile, and lost what it had not put on its disk."""
    proxy = Proxy(desk.sshd.port)
    compared, same_prefix, catch_up = [], SftpRemote.same_prefix, Deliverer._catch_up

    def compare(*said):
        compared.append(same_prefix(*said))
        return compared[-1]

    def late(*said):
        assert until(lambda: ahead)
        proxy.cut()
        time.sleep(0.3)  # until it is noticed
        catch_up(*said)

    monkeypatch.setattr(SftpRemote, "same_prefix", compare)
    monkeypatch.setattr(Deliverer, "_catch_up", late)
    _before_the_end(monkeypatch, lambda: _sees(desk))
    try:
        desk.sshd.knows(proxy.port)
        desk.write(url=desk.sshd.url(port=proxy.port))
        desk.put("a.csv", count=MANY)
        ended = desk.send("--json")
    finally:
        proxy.close()
    assert ended.code == 0, ended.err
    assert compared == ahead
    assert desk.read("a.csv.pgp") == rows("a.csv", MANY)


def _start(desk, more: str = "") -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        desk.project.command("send", "nightly", "--quiet", prelude=SMALL + more),
        cwd=desk.project.folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def _lost(desk, sent: int = signal.SIGKILL) -> None:
    """Have a run end by a signal while a file is sent ahead."""
    late = (
        "\nimport time\n"
        "from piienc.flow.send.spool import _Making\n"
        "_Making._kept = lambda *_: time.sleep(60)"
    )
    with _start(desk, late) as process:
        assert _sees(desk)
        os.killpg(process.pid, sent)
        assert process.wait(PATIENCE) != 0


@pytest.mark.parametrize("sent", [signal.SIGKILL, signal.SIGTERM])
@pytest.mark.parametrize("gone", [False, True])
def test_run_that_ends_while_a_file_is_made_leaves_it_to_the_next(desk, temp, sent, gone):
    """Which removes what was sent, also if the source is gone by then and nothing is to be sent."""
    desk.put("a.csv", count=MANY)
    _lost(desk, sent)
    assert _growing(desk)
    assert _history(desk) == [("a.csv.pgp", "interrupted")]
    if gone:
        (desk.project.folder / "in" / "a.csv").unlink()
    assert desk.send().code == 0
    assert _growing(desk) == {}
    outcomes = ["given-up"] if gone else ["delivered", "given-up"]
    assert sorted(outcome for _, outcome in _history(desk)) == outcomes
    if not gone:
        assert desk.read("a.csv.pgp") == rows("a.csv", MANY)
    desk.clean(temp)


def test_other_job_leaves_alone_what_is_being_sent_ahead(desk, monkeypatch):
    """It shares the state folder, and ends while the file is made."""
    desk.write(more='[jobs.other]\nsource = "other/*.csv"\nschema = "schema.toml"\n'
               'destination = "partner"\nquiet_for = 0')  # fmt: skip
    (desk.project.folder / "other").mkdir()
    (desk.project.folder / "other" / "b.csv").write_bytes(rows("b.csv"))
    desk.put("a.csv", count=MANY)
    late = (
        "\nimport time\n"
        "from pathlib import Path\n"
        "from piienc.flow.send.spool import _Making\n"
        "kept = _Making._kept\n"
        "def late(*said):\n"
        "    while not Path('go').exists(): time.sleep(0.01)\n"
        "    return kept(*said)\n"
        "_Making._kept = late"
    )
    with _start(desk, late) as process:
        assert _sees(desk)
        assert desk.project.run("send", "other").code == 0
        assert _growing(desk)
        desk.project.write("go", "")
        assert process.wait(PATIENCE) == 0
    assert sorted(desk.there()) == ["a.csv.pgp", "b.csv.pgp"]
    assert desk.read("a.csv.pgp") == rows("a.csv", MANY)
    assert sorted(outcome for _, outcome in _history(desk)) == ["delivered", "delivered"]


def test_run_killed_while_a_whole_file_is_on_its_way_does_not_send_it_twice(
    desk, temp, monkeypatch
):
    """What was sent of it while it was made is gone on with by the next run."""
    desk.write(destination='bandwidth = "500 kB"')
    desk.put("a.csv", count=MANY)
    with _start(desk) as process:
        assert until(lambda: desk.spooled() and _sees(desk, 800_000))
        os.killpg(process.pid, signal.SIGKILL)
    desk.write()
    offsets, upload = [], SftpRemote.upload

    def uploaded(*said, **more):
        offsets.append(more["offset"])
        return upload(*said, **more)

    monkeypatch.setattr(SftpRemote, "upload", uploaded)
    assert desk.send().code == 0
    assert len(offsets) == 1
    assert offsets[0] >= 500_000
    assert desk.read("a.csv.pgp") == rows("a.csv", MANY)
    assert _history(desk) == [("a.csv.pgp", "delivered")]
    desk.clean(temp)


def test_files_arrive_one_after_the_other_where_sending_takes_longer_than_making(
    desk, ahead, monkeypatch
):
    """Of a whole file, its delivery sends the rest; none waits for those behind it."""
    desk.write(destination='bandwidth = "500 kB"')
    desk.put("a.csv", "b.csv", "c.csv", count=MANY)
    seen, publish = [], SftpRemote.publish

    def published(*said, **more):
        seen.append(sum(_growing(desk).values()))
        publish(*said, **more)

    monkeypatch.setattr(SftpRemote, "publish", published)
    assert desk.send().code == 0
    first = (desk.folder / "a.csv.pgp").stat().st_size
    assert seen[0] < 2 * first
    for name in ("a.csv", "b.csv", "c.csv"):
        assert desk.read(f"{name}.pgp") == rows(name, MANY)


def test_file_is_not_overtaken_by_a_later_one_of_its_name(desk, ahead):
    """A small one that waits is delivered first, and the large one behind it takes its place."""
    desk.write(destination='if_exists = "replace"\nbandwidth = "500 kB"', source="in/*/*.csv")
    for folder, name, count in (("1", "large", MANY), ("2", "same", 3), ("3", "same", MANY)):
        source = desk.project.folder / "in" / folder / f"{name}.csv"
        source.parent.mkdir()
        source.write_bytes(rows(folder, count))
    ended = desk.send("--json")
    assert ended.code == 0, ended.out
    assert desk.read("same.csv.pgp") == rows("3", MANY)
    outcomes = [("same.csv.pgp", "delivered")] * 2 + [("large.csv.pgp", "delivered")]
    assert sorted(_history(desk)) == sorted(outcomes)


def test_what_cannot_be_removed_again_is_told_of(desk, ahead, monkeypatch, new_sshd):
    """By each run, as long as it is there."""
    server = desk.sshd = new_sshd("ForceCommand internal-sftp -P remove")
    desk.folder = server.folder
    desk.write()
    hold = Advance.hold

    def held(advance):
        assert _sees(desk)
        hold(advance)

    monkeypatch.setattr(Advance, "hold", held)
    (desk.project.folder / "in" / "a.csv").write_bytes(_faulty(MANY // 2))
    for code in (10, 0):
        ended = desk.send()
        assert ended.code == code
        assert (
            "warning: a.csv.pgp did not become whole, and what was sent of it is left" in ended.err
        )
        (desk.project.folder / "in" / "a.csv").unlink(missing_ok=True)
    assert _growing(desk)
    assert _history(desk) == [("a.csv.pgp", "interrupted")]
    for name in _growing(desk):
        (desk.folder / name).unlink()
    ended = desk.send()
    assert (ended.code, "warning" in ended.err) == (0, False)
    assert _history(desk) == [("a.csv.pgp", "given-up")]


def test_what_another_run_has_delivered_meanwhile_is_not_taken_back(desk, ahead, monkeypatch):
    """It looked lost, and became whole before its lock was to be had."""
    stale, lost = [], Ledger.lost

    def remember():
        assert _sees(desk)
        stale.extend(Ledger(desk.state).history())

    def found(*said):
        return [stale.pop()] if stale else lost(*said)

    _before_the_end(monkeypatch, remember)
    desk.put("a.csv", count=MANY)
    assert desk.send().code == 0
    monkeypatch.setattr(Ledger, "lost", found)
    assert desk.send().code == 0
    assert not stale
    assert _history(desk) == [("a.csv.pgp", "delivered")]


def test_run_that_is_told_another_path_takes_back_what_a_killed_one_has_left(desk, temp):
    """The state folder is the same, however its path is written."""
    desk.put("a.csv", count=MANY)
    _lost(desk)
    (desk.project.folder / "in" / "a.csv").unlink()
    config = desk.project.folder / "piienc.toml"
    ended = desk.start("--quiet", env={"PIIENC_CONFIG": str(config)})
    assert ended.code == 0, ended.err
    assert _growing(desk) == {}
    desk.clean(temp)


def test_state_folder_may_have_a_name_that_is_no_text(desk, temp):
    """The system takes any bytes."""
    folder = os.fsdecode(os.fsencode(desk.project.folder) + b"/\xff")
    desk.put("a.csv")
    ended = desk.send("--state", folder)
    assert ended.code == 0, ended.err


def test_run_killed_at_any_moment_is_completed_and_each_file_arrives_once(desk, temp):
    """While two files are sent as they are made: nothing half stays, nothing comes twice."""
    chance = random.Random(2)  # noqa: S311  # seeded, not secret
    names = ["a.csv", "b.csv"]
    desk.put(*names, count=MANY)
    started = time.monotonic()
    with _start(desk) as process:
        assert process.wait(60) == 0
    longest = time.monotonic() - started
    for number in range(MOMENTS):
        for path in desk.folder.iterdir():
            path.unlink()
        names = [f"{number}-{name}" for name in ("a.csv", "b.csv")]
        for path in (desk.project.folder / "in").iterdir():
            path.unlink()
        desk.put(*names, count=MANY)
        with _start(desk) as process:
            time.sleep(longest * (number + chance.random()) / MOMENTS)
            os.killpg(process.pid, signal.SIGKILL)
        desk.require_no_canary(temp)
        with _start(desk) as process:
            assert process.wait(60) == 0
        assert sorted(desk.there()) == sorted(f"{name}.pgp" for name in names)
        for name in names:
            assert desk.read(f"{name}.pgp") == rows(name, MANY)
    delivered = [name for name, outcome in _history(desk) if outcome == "delivered"]
    assert len(delivered) == len(set(delivered)) == 2 * (MOMENTS + 1)
    assert not {outcome for _, outcome in _history(desk)} - {"delivered", "given-up"}
    assert desk.project.run("audit", "verify").code == 0
    desk.clean(temp)
    assert CANARY not in desk.project.run("history", "--json").out
