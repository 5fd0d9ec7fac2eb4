"""What any destination does, the folder and the server alike."""

import io
import os
import stat
import threading
from pathlib import Path

import pytest
from ssh_fixtures import Sink, download, upload

from piienc.errors import IncompleteError, InputError, NameTakenError, PolicyError
from piienc.remote import FILE, OURS, FileAttributes, Limiter, open_remote, parse_url
from piienc.remote.remote import FOLDER, OTHER

MEGA = 1_000_000


@pytest.fixture(params=["folder", "sftp"])
def place(request, tmp_path):
    """Give a destination, and its folder."""
    if request.param == "folder":
        yield open_remote(parse_url(f"file://{tmp_path}/")), tmp_path
    else:
        server = request.getfixturevalue("sshd")
        yield request.getfixturevalue("connect")(server), server.folder


@pytest.mark.parametrize("size", [0, 1, 32_768, 3 * MEGA + 1])
def test_upload_writes_the_file_whole(place, size):
    """All bytes are there, with the mode of any new file, and the facts are told."""
    remote, folder = place
    data, counted = os.urandom(size), []
    facts = upload(remote, "a", data, progress=counted.append)
    assert (folder / "a").read_bytes() == data
    assert stat.S_IMODE((folder / "a").stat().st_mode) == 0o644
    assert facts == remote.stat("a")
    assert (facts.size, facts.kind) == (size, FILE)
    assert sum(counted) == size


def test_upload_of_a_file_reads_it_by_its_descriptor(place, tmp_path_factory):
    """Where the file stands does not matter, and does not change."""
    remote, folder = place
    source = tmp_path_factory.mktemp("source") / "s"
    source.write_bytes(os.urandom(MEGA))
    with source.open("rb") as file:
        file.seek(17)
        remote.upload("a", file, size=MEGA)
        assert file.tell() == 17
    assert (folder / "a").read_bytes() == source.read_bytes()


def test_upload_to_a_name_that_is_taken_raises(place):
    """Nobody's file is written over, not even an empty one or a link to nowhere."""
    remote, folder = place
    (folder / "a").write_bytes(b"")
    (folder / "b").symlink_to("nowhere")
    for name in ("a", "b"):
        with pytest.raises(NameTakenError, match="at the destination already"):
            upload(remote, name, b"x")
    assert (folder / "a").read_bytes() == b""


def test_upload_goes_on_where_it_stopped(place):
    """Bytes before the offset are not touched."""
    remote, folder = place
    data = os.urandom(MEGA)
    (folder / "a").write_bytes(data[:300_000])
    counted = []
    upload(remote, "a", data, offset=300_000, progress=counted.append)
    assert (folder / "a").read_bytes() == data
    assert sum(counted) == MEGA - 300_000


def test_upload_that_goes_on_needs_the_file(place):
    """There is nothing to go on with."""
    remote, folder = place
    with pytest.raises(IncompleteError):
        upload(remote, "a", b"abc", offset=2)
    assert not (folder / "a").exists()


def test_upload_behind_a_longer_partial_raises(place):
    """A file that is longer than it should be is not what was sent."""
    remote, folder = place
    (folder / "a").write_bytes(b"abcdef")
    with pytest.raises(IncompleteError, match="6 bytes"):
        upload(remote, "a", b"abc", offset=1)


def test_upload_of_a_source_that_became_shorter_raises(place):
    """It is our file that is wrong, and the message says so."""
    remote, _ = place
    with pytest.raises(InputError, match="shorter"):
        remote.upload("a", io.BytesIO(b"abc"), size=4)


def test_download_gives_the_bytes_in_order(place):
    """From the beginning, or from an offset."""
    remote, folder = place
    data = os.urandom(3 * MEGA + 1)
    (folder / "a").write_bytes(data)
    assert download(remote, "a", len(data)) == data
    assert download(remote, "a", len(data), offset=MEGA) == data[MEGA:]
    assert download(remote, "a", 10) == data[:10]
    assert download(remote, "a", 0) == b""


def test_download_of_a_file_that_became_shorter_raises(place):
    """What came is not the file, and the message says how far it went."""
    remote, folder = place
    (folder / "a").write_bytes(b"abc")
    with pytest.raises(IncompleteError, match="ends at 3 bytes, before 4"):
        download(remote, "a", 4)
    with pytest.raises(IncompleteError, match="read b"):
        download(remote, "b", 4)


def test_download_into_a_sink_that_fails_raises_its_error(place):
    """A full disk on this side is not the destination's fault."""
    remote, folder = place
    (folder / "a").write_bytes(b"abc")

    class Full(Sink):
        def write(self, data):
            raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        remote.download("a", Full(), size=3)
    assert remote.stat("a")


@pytest.mark.parametrize("same", [0, 1, 299_999, 300_000, MEGA])
def test_same_prefix_is_found_to_the_byte(place, same):
    """One other byte ends it."""
    remote, folder = place
    data = os.urandom(MEGA)
    other = data[:same] + bytes([data[same] ^ 1]) + data[same + 1 :] if same < MEGA else data
    (folder / "a").write_bytes(other)
    counted = []
    assert remote.same_prefix("a", io.BytesIO(data), MEGA, counted.append) == same
    assert sum(counted) == same


def test_same_prefix_of_a_shorter_a_longer_and_a_missing_file(place):
    """No more is the same than is there."""
    remote, folder = place
    data = os.urandom(1000)
    (folder / "short").write_bytes(data[:700])
    (folder / "long").write_bytes(data + b"more")
    assert remote.same_prefix("short", io.BytesIO(data), 1000) == 700
    assert remote.same_prefix("long", io.BytesIO(data), 1000) == 1000
    assert remote.same_prefix("missing", io.BytesIO(data), 1000) == 0


def test_same_prefix_ends_at_a_hole(place):
    """A broken-off upload may have holes, which read as zeros."""
    remote, folder = place
    data = os.urandom(MEGA)
    with (folder / "a").open("wb") as file:
        file.write(data[:400_000])
        file.seek(600_000)
        file.write(data[600_000:])
    found = remote.same_prefix("a", io.BytesIO(data), MEGA)
    assert 400_000 <= found < 400_020


def test_publish_gives_the_final_name(place):
    """The temporary name is gone."""
    remote, folder = place
    upload(remote, f"{OURS}1", b"new")
    remote.publish(f"{OURS}1", "a", replace=False)
    assert [path.name for path in folder.iterdir()] == ["a"]
    assert (folder / "a").read_bytes() == b"new"


def test_publish_to_a_name_that_is_taken_raises_and_keeps_both(place):
    """Nothing is lost."""
    remote, folder = place
    (folder / "a").write_bytes(b"old")
    upload(remote, f"{OURS}1", b"new")
    with pytest.raises(NameTakenError):
        remote.publish(f"{OURS}1", "a", replace=False)
    assert (folder / "a").read_bytes() == b"old"
    assert (folder / f"{OURS}1").read_bytes() == b"new"


def test_publish_that_replaces_does(place):
    """Whether or not there is something to replace."""
    remote, folder = place
    for content in (b"1", b"2"):
        upload(remote, f"{OURS}1", content)
        remote.publish(f"{OURS}1", "a", replace=True)
        assert (folder / "a").read_bytes() == content
    assert [path.name for path in folder.iterdir()] == ["a"]


def test_publish_of_a_missing_file_raises(place):
    """It is said which."""
    remote, _ = place
    for replace in (False, True):
        with pytest.raises(IncompleteError):
            remote.publish("missing", "a", replace=replace)


def test_publish_raced_by_many_lets_one_win(place):
    """Of files that want the same name at the same moment, one gets it."""
    remote, folder = place
    count = 8
    for number in range(count):
        upload(remote, f"{OURS}{number}", str(number).encode())
    barrier, outcomes = threading.Barrier(count), []

    def race(number):
        barrier.wait()
        try:
            remote.publish(f"{OURS}{number}", "a", replace=False)
        except NameTakenError:
            outcomes.append(None)
        else:
            outcomes.append(number)

    threads = [threading.Thread(target=race, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (winner,) = [number for number in outcomes if number is not None]
    assert (folder / "a").read_bytes() == str(winner).encode()
    assert len(list(folder.iterdir())) == count


def test_remove_tells_whether_there_was_a_file(place):
    """To remove what is not there is no error."""
    remote, folder = place
    (folder / "a").write_bytes(b"")
    assert remote.remove("a")
    assert not remote.remove("a")


def test_stat_tells_what_is_there(place):
    """A folder is told from a file; what is not there is None."""
    remote, folder = place
    (folder / "d").mkdir()
    os.mkfifo(folder / "p")
    assert remote.stat("missing") is None
    assert remote.stat("d").kind == FOLDER
    assert remote.stat("p").kind == OTHER


def test_entries_are_those_with_plain_names(place):
    """Hostile names are told, escaped, and never given."""
    remote, folder = place
    hostile = ["a\nb", "\x1b[31m", "x\u202ey", "back\\slash", "*?"]
    for name in [*hostile, "a", f"{OURS}1"]:
        (folder / name).write_bytes(b"12")
    Path(os.fsdecode(bytes(folder) + b"/\xff\xfe")).write_bytes(b"")
    (folder / "d").mkdir()
    refused = []
    found = {entry.name: entry.facts for entry in remote.entries(refused.append)}
    assert set(found) == {"a", f"{OURS}1", "d", "*?"}
    assert found["a"] == FileAttributes(2, found["a"].modified, FILE, found["a"].mode)
    assert found["d"].kind == FOLDER
    assert len(refused) == 5
    assert all(name.isascii() and name.isprintable() for name in refused)


def test_entries_of_a_large_folder_are_complete(place):
    """A listing comes in several answers."""
    remote, folder = place
    for number in range(1500):
        (folder / f"{number}.csv").touch()
    assert {entry.name for entry in remote.entries()} == {f"{n}.csv" for n in range(1500)}


@pytest.mark.parametrize("name", ["../x", "/etc/passwd", "a/b", "..", "", "a\n", "x" * 300])
def test_methods_refuse_names_that_are_not_plain(place, name):
    """No method leaves the folder."""
    remote, folder = place
    (folder / "a").write_bytes(b"")
    calls = [
        lambda: remote.stat(name),
        lambda: upload(remote, name, b"x"),
        lambda: download(remote, name, 1),
        lambda: remote.same_prefix(name, io.BytesIO(b"x"), 1),
        lambda: remote.publish(name, "b", replace=True),
        lambda: remote.publish("a", name, replace=False),
        lambda: remote.remove(name),
    ]
    for call in calls:
        with pytest.raises(PolicyError):
            call()


def test_can_write_leaves_nothing_behind(place):
    """A dry run is one."""
    remote, folder = place
    assert remote.can_write()
    assert not remote.can_write(make=False)
    assert list(folder.iterdir()) == []


def test_free_space_is_told(place):
    """It is about what the system tells."""
    remote, folder = place
    told = os.statvfs(folder)
    assert remote.free_space() == pytest.approx(told.f_bavail * told.f_frsize, rel=0.1)


def test_limit_is_kept_by_uploads_and_downloads(request, tmp_path):
    """A file of two seconds takes about two seconds."""
    taken = []

    class Counting(Limiter):
        def take(self, count):
            taken.append(count)

    limiter = Counting(100_000)
    server = request.getfixturevalue("sshd")
    for remote in (
        request.getfixturevalue("connect")(server, limiter=limiter),
        type(open_remote(parse_url(f"file://{tmp_path}/")))(tmp_path, limiter=limiter),
    ):
        taken.clear()
        upload(remote, "a", bytes(200_000))
        download(remote, "a", 200_000)
        assert sum(taken) == 400_000
        assert max(taken) == 25_000


def test_close_twice_is_no_error(place):
    """A context manager may be closed before its end."""
    remote, _ = place
    with remote:
        remote.close()


def test_destination_is_alive_until_it_is_closed(place):
    """Who comes back to it later knows whether to connect anew."""
    remote, _ = place
    assert remote.alive
    remote.stat("a")
    assert remote.alive
    remote.close()
    assert not remote.alive
