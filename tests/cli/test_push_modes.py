"""Files pushed to servers that allow less than most, or tell less: each mode is a row."""

from __future__ import annotations

import os
import stat

import pytest
from proxy import Proxy

DATA = os.urandom(300_000)
IN_PLACE = {"rename": False}
SIZE = "a.bin: its size at the destination could not be checked"
NAME = "whether a.bin is at the destination already could not be checked"
AWAY = "a.bin: the receiver has taken it away already"

ROWS = {
    "in place": (set(), IN_PLACE, []),
    "in order": ({"in order"}, {}, []),
    "in order, in place": ({"in order"}, IN_PLACE, []),
    "at the end": ({"append"}, {}, []),
    "emptied": ({"emptied"}, {}, []),
    "taken at its close": ({"taken"}, IN_PLACE, [AWAY]),
    "taken, and nothing is told": ({"taken", "stat", "fstat", "remove"}, IN_PLACE, [NAME, SIZE]),
    "nothing but writing": (
        {"stat", "fstat", "remove", "rename", "list", "read"},
        IN_PLACE,
        [NAME, SIZE],
    ),
    "no size": ({"no size"}, {}, [SIZE]),
    "no type": ({"no type"}, {}, []),
    "no size and no type": ({"no size", "no type"}, {}, [SIZE]),
    "failure for what is missing": ({"failure"}, {}, [NAME]),
    "stat denied": ({"stat"}, {}, [NAME]),
    "stat and fstat denied": ({"stat", "fstat"}, {}, [NAME, SIZE]),
    "no listing": ({"list"}, {}, []),
    "no removing": ({"remove"}, {}, []),
}


@pytest.fixture
def odd(way, py_server, tmp_path):
    """Give a function that makes a project that delivers to a server of some modes."""

    def make(modes, settings):
        py_server.disk, py_server.modes = True, set(modes)
        known = py_server.known_hosts(tmp_path / "odd_hosts")
        url = f"sftp://me@127.0.0.1:{py_server.port}{way.folder}/"
        way.write(url=url, known_hosts=str(known), **settings)
        way.project.write("a.bin", DATA)
        return way

    return make


def _warnings(ended) -> list[str]:
    head = "piienc: warning: "
    return [line.removeprefix(head) for line in ended.err.splitlines() if line.startswith(head)]


def _arrived(way, py_server) -> dict[str, bytes]:
    return {**way.there(), **py_server.taken}


@pytest.mark.parametrize(("modes", "settings", "warnings"), ROWS.values(), ids=ROWS)
def test_file_is_delivered_as_by_sftp_and_what_was_not_checked_is_told(
    odd, py_server, modes, settings, warnings
):
    """A rehearsal before needs no more, and leaves nothing behind."""
    way = odd(modes, settings)
    rehearsed = way.push("a.bin", "--dry-run")
    assert rehearsed.code == 0, rehearsed.err
    assert _arrived(way, py_server) == {}
    assert (NAME in _warnings(rehearsed)) is (NAME in warnings)
    ended = way.push("a.bin")
    assert ended.code == 0, ended.err
    assert _arrived(way, py_server) == {"a.bin": DATA}
    assert _warnings(ended) == warnings
    assert way.push("a.bin").code == 0  # and not once more
    assert _arrived(way, py_server) == {"a.bin": DATA}


@pytest.mark.parametrize(("modes", "settings", "warnings"), ROWS.values(), ids=ROWS)
def test_file_that_was_cut_is_delivered_by_the_next_attempt(
    odd, py_server, modes, settings, warnings
):
    """Whole, and with nothing before it."""
    way = odd(modes, settings)
    py_server.cut_at = 100_000
    assert way.push("a.bin").code == 9
    py_server.taken.clear()  # who takes what was cut off has it twice, and can tell by the size
    ended = way.push("a.bin")
    assert ended.code == 0, ended.err
    assert _arrived(way, py_server) == {"a.bin": DATA}


def test_file_that_each_opening_empties_is_whole_over_several_sessions(odd, py_server, tmp_path):
    """All sessions have it open before the first byte is written."""
    way = odd({"emptied"}, {})
    proxy = Proxy(py_server.port, delay=0.05)
    known = (tmp_path / "odd_hosts").read_text("utf-8")
    (tmp_path / "far_hosts").write_text(known.replace(str(py_server.port), str(proxy.port)))
    url = f"sftp://me@127.0.0.1:{proxy.port}{way.folder}/"
    way.write(url=url, known_hosts=str(tmp_path / "far_hosts"))
    way.project.write("a.bin", DATA * 5)
    ended = way.push("a.bin")
    proxy.close()
    assert ended.code == 0, ended.err
    assert len(py_server.opened) > 1
    assert way.there() == {"a.bin": DATA * 5}


def test_file_in_place_is_opened_and_closed_once(odd, py_server):
    """A receiver that takes it then has all of it."""
    way = odd(set(), IN_PLACE)
    assert way.push("a.bin").code == 0
    assert py_server.opened == [f"{way.folder}/a.bin"]


def test_destination_that_wants_one_go_is_remembered(odd, py_server):
    """After the first refusal, what was cut is begun anew at once."""
    way = odd({"in order"}, {})
    py_server.cut_at = 100_000
    assert way.push("a.bin").code == 9
    assert way.push("a.bin").code == 0
    way.project.write("b.bin", DATA)
    py_server.opened.clear()
    py_server.cut_at = 100_000
    assert way.push("b.bin").code == 9
    ended = way.push("b.bin", "--json")
    (sent,) = ended.document["files"]
    assert (ended.code, sent["attempts"], sent["resumed_at"]) == (0, 2, 0)
    assert len(py_server.opened) == 2
    assert way.there() == {"a.bin": DATA, "b.bin": DATA}


@pytest.mark.parametrize("known", [False, True])
def test_file_that_a_cut_session_closes_late_is_not_the_one_that_is_delivered(
    odd, py_server, known
):
    """Some servers make it as long as it was for them, whatever name it has by then."""
    way = odd({"in order", "late"}, {})
    if known:
        py_server.cut_at = 100_000
        way.project.write("before.bin", DATA)
        assert [way.push("before.bin").code for _ in range(2)] == [9, 0]
    py_server.cut_at = 100_000
    assert [way.push("a.bin").code for _ in range(2)] == [9, 0]
    assert py_server.late
    assert way.there() == {"a.bin": DATA} | ({"before.bin": DATA} if known else {})


def test_cut_file_that_may_not_be_removed_is_written_over(odd, py_server):
    """So nothing is left beside what is delivered."""
    way = odd({"in order", "remove"}, {})
    py_server.cut_at = 100_000
    assert [way.push("a.bin").code for _ in range(2)] == [9, 0]
    assert way.there() == {"a.bin": DATA}


def test_strangers_file_is_not_written_over_where_nothing_is_told_of_it(odd, py_server):
    """The server itself refuses to make it, or to rename to it."""
    way = odd({"stat", "remove"}, IN_PLACE)
    (way.folder / "a.bin").write_bytes(b"another's")
    assert way.push("a.bin").code == 9
    assert way.there() == {"a.bin": b"another's"}
    assert way.push("a.bin", "--if-exists", "replace").code == 0
    assert way.there() == {"a.bin": DATA}


@pytest.mark.parametrize("settings", [{}, IN_PLACE])
@pytest.mark.parametrize(
    ("mode", "umask", "wanted"),
    [(None, 0o022, 0o644), (None, 0o027, 0o640), ("0644", 0o077, 0o644), ("660", 0o077, 0o660)],
)
def test_mode_of_what_arrives_is_the_servers_or_as_it_is_said(
    way, new_sshd, settings, mode, umask, wanted
):
    """As with sftp, and unlike it where the settings say so."""
    server = new_sshd(sftp=f"internal-sftp -u {umask:04o}")
    more = {"file_mode": mode} if mode else {}
    way.write(url=server.url(), known_hosts=str(server.known_hosts), **settings, **more)
    way.project.write("a.bin", DATA)
    assert way.push("a.bin").code == 0
    assert stat.S_IMODE((server.folder / "a.bin").stat().st_mode) == wanted


@pytest.mark.parametrize("settings", [{}, IN_PLACE])
@pytest.mark.parametrize(("mode", "told"), [("0640", False), ("0666", True)])
def test_mode_that_cannot_be_set_is_told(odd, settings, mode, told):
    """The file is there all the same; where it was made with its mode, nothing is amiss."""
    way = odd({"setstat"}, {"file_mode": mode, **settings})
    ended = way.push("a.bin")
    assert ended.code == 0
    warning = "a.bin: its mode could not be set: the server does not allow it"
    assert _warnings(ended) == ([warning] if told else [])


def test_server_far_away_that_wants_one_go_refuses_several_channels_once(odd, py_server, tmp_path):
    """Blocks of one file in several of them are out of order."""
    way = odd({"append"}, {})
    proxy = Proxy(py_server.port, delay=0.02)
    known = tmp_path / "far_hosts"
    known.write_text(
        py_server.known_hosts(known)
        .read_text("utf-8")
        .replace(str(py_server.port), str(proxy.port)),
        "utf-8",
    )
    way.write(url=f"sftp://me@127.0.0.1:{proxy.port}{way.folder}/", known_hosts=str(known))
    large = way.project.write("large.bin", os.urandom(12_000_000)).read_bytes()
    try:
        assert way.push("large.bin").code == 0
        assert way.there() == {"large.bin": large}
        py_server.opened.clear()
        way.project.write("other.bin", large)
        assert way.push("other.bin").code == 0
    finally:
        proxy.close()
    assert len(py_server.opened) == 1


@pytest.mark.parametrize("mode", ["rename", "hidden"])
def test_server_without_renames_or_hidden_names_is_told_of_the_setting(odd, mode):
    """And with it, the file is delivered."""
    way = odd({mode}, {})
    ended = way.push("a.bin")
    assert ended.code == 9
    assert "rename = false" in ended.err
    odd({mode}, IN_PLACE)
    assert way.push("a.bin").code == 0
    assert way.there()["a.bin"] == DATA


@pytest.mark.parametrize("mode", ["stat", "failure", "no size", "no type", "bad end", "list"])
@pytest.mark.parametrize("wanted", ["a.bin", "*.bin"])
def test_file_is_fetched_from_a_server_that_tells_less(odd, mode, wanted):
    """To its end, where its size is not told; a pattern needs the list of the folder."""
    way = odd({mode}, {})
    (way.folder / "a.bin").write_bytes(DATA)
    ended = way.project.run("pull", wanted, "back.bin", "--from", "partner")
    if (mode, wanted) == ("list", "*.bin"):
        assert (ended.code, "permission denied" in ended.err) == (9, True)
        return
    assert ended.code == 0, ended.err
    assert way.project.read("back.bin") == DATA


def test_content_is_verified_where_a_file_may_be_read_and_not_looked_for(odd):
    """To read it back is enough."""
    way = odd({"stat"}, {"verify_content": True})
    assert way.push("a.bin").code == 0
    assert way.there() == {"a.bin": DATA}
