"""What goes wrong between us and the server, each with the right error, and in time."""

import io
import os
import resource
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest
from ssh_fixtures import download, options_for, upload
from sshd import PLAIN, ROOT, Sshd

from piienc.errors import ConnectError, IncompleteError, NameTakenError
from piienc.remote import OURS, Timeouts, open_remote, parse_url
from piienc.remote.remote import FileAttributes
from piienc.remote.ssh import transport

MEGA = 1_000_000
DATA = os.urandom(8 * MEGA)
IMPATIENT = Timeouts(connect=1, banner=1, login=1, stall=1, keepalive=1)
SOON = 6  # seconds: longer than any of these timeouts, on a busy machine


@pytest.fixture
def soon():
    """Hold that the test's errors come in time."""
    began = time.monotonic()
    yield
    assert time.monotonic() - began < SOON


def finish(remote, name, data):
    """Do what a second run does: go on from the proven prefix, and publish."""
    same = remote.same_prefix(name, io.BytesIO(data), len(data))
    if same:
        upload(remote, name, data, offset=same)
    else:
        remote.remove(name)
        upload(remote, name, data)
    remote.publish(name, "final", replace=False)
    return same


@pytest.mark.parametrize("percent", [1, 50, 99])
def test_upload_that_is_cut_raises_and_is_completed_by_a_second_run(
    sshd, new_proxy, connect, percent
):
    """Nothing stands under the final name before, and exactly once after."""
    proxy = new_proxy(sshd)
    remote = connect(sshd, proxy)
    proxy.forget()
    proxy.cut_after = len(DATA) * percent // 100
    with pytest.raises(IncompleteError, match="connection was lost") as caught:
        upload(remote, f"{OURS}1", DATA)
    assert (caught.value.transient, caught.value.exit_code) == (True, 9)
    assert not (sshd.folder / "final").exists()
    proxy.forget()
    same = finish(connect(sshd, proxy), f"{OURS}1", DATA)
    assert same <= len(DATA) * percent // 100
    assert percent == 1 or same > 0
    assert [path.name for path in sshd.folder.iterdir()] == ["final"]
    assert (sshd.folder / "final").read_bytes() == DATA


@pytest.mark.parametrize("percent", [1, 50, 99])
def test_download_that_is_cut_raises_and_goes_on(sshd, new_proxy, connect, percent):
    """What came before the cut is good."""
    (sshd.folder / "a").write_bytes(DATA)
    proxy = new_proxy(sshd)
    remote = connect(sshd, proxy)

    class Sink(bytearray):
        def write(self, data):
            """Cut at the place."""
            self.extend(data)
            if len(self) >= len(DATA) * percent // 100:
                proxy.cut()
            return len(data)

    sink = Sink()
    with suppress(IncompleteError):  # all of it may have been under way already
        remote.download("a", sink, size=len(DATA))
    sink += download(connect(sshd), "a", len(DATA), offset=len(sink))
    assert bytes(sink) == DATA


def test_rename_whose_answer_is_lost_raises(sshd, new_proxy, connect):
    """The file may stand under either name: the caller must look."""
    proxy = new_proxy(sshd)
    remote = connect(sshd, proxy)
    upload(remote, f"{OURS}1", DATA[:1000])
    proxy.forget()
    proxy.cut_after = 1
    with pytest.raises(IncompleteError) as caught:
        remote.publish(f"{OURS}1", "final", replace=False)
    assert caught.value.transient
    assert len(list(sshd.folder.iterdir())) == 1


def test_server_that_is_killed_is_a_lost_connection(new_sshd, connect):
    """And a later run finds it again."""
    server = new_sshd()
    remote = connect(server)

    def kill(_):
        server.kill_sessions()

    with pytest.raises(IncompleteError, match="connection was lost") as caught:
        upload(remote, f"{OURS}1", DATA, progress=kill)
    assert caught.value.transient
    with pytest.raises(IncompleteError):
        remote.stat("a")
    finish(connect(server), f"{OURS}1", DATA)
    assert (server.folder / "final").read_bytes() == DATA


def test_sftp_server_that_dies_alone_is_a_lost_connection(new_sshd, connect):
    """The SSH connection stands, but nobody answers in it."""
    server = new_sshd(sftp="/usr/lib/openssh/sftp-server")
    remote = connect(server)
    for process in server.sessions():
        if "sftp-server" in Path(f"/proc/{process}/cmdline").read_text("utf-8"):
            os.kill(process, 9)
    with pytest.raises(IncompleteError) as caught:
        remote.stat("a")
    assert caught.value.transient


@pytest.mark.usefixtures("soon")
@pytest.mark.parametrize("after", [0, 100_000, 4 * MEGA])
def test_upload_that_stalls_raises_in_time(sshd, new_proxy, connect, after):
    """Whether the network takes no more, or the server's window stays shut."""
    proxy = new_proxy(sshd)
    remote = connect(sshd, proxy, timeouts=IMPATIENT)
    proxy.forget()
    proxy.stall_after = after
    with pytest.raises(IncompleteError, match="in time") as caught:
        upload(remote, "a", DATA)
    assert caught.value.transient
    remote.close()


@pytest.mark.usefixtures("soon")
def test_download_that_stalls_raises_in_time(sshd, new_proxy, connect):
    """As does any other question."""
    (sshd.folder / "a").write_bytes(DATA)
    proxy = new_proxy(sshd)
    remote = connect(sshd, proxy, timeouts=IMPATIENT)
    proxy.stall_after = 0
    with pytest.raises(IncompleteError, match="in time"):
        download(remote, "a", len(DATA))
    with pytest.raises(IncompleteError):
        remote.stat("a")


@pytest.mark.usefixtures("soon")
@pytest.mark.parametrize("share", [0, 0.02, 0.3, 0.6, 0.7, 0.8, 0.9, 0.97])
def test_connection_that_stalls_while_it_is_made_raises_in_time(sshd, new_proxy, connect, share):
    """At the banner, in the key exchange, at the login, at the first question."""
    proxy = new_proxy(sshd)
    connect(sshd, proxy)
    whole = proxy.sent
    proxy.forget()
    proxy.stall_after = int(share * whole)
    with pytest.raises((ConnectError, IncompleteError)) as caught:
        connect(sshd, proxy, timeouts=IMPATIENT)
    assert caught.value.transient


def test_server_that_is_busy_for_long_is_waited_for(sshd, new_proxy, connect):
    """A stall is silence without an end, not an answer that takes its time."""
    proxy = new_proxy(sshd)
    remote = connect(sshd, proxy, timeouts=IMPATIENT)
    proxy.delay = 0.4
    upload(remote, "a", DATA[:100_000])
    assert remote.stat("a").size == 100_000


def test_nobody_listens_is_told(sshd, connect, tmp_path):
    """The server may be started again."""
    closed = Sshd.__new__(Sshd)
    closed.__dict__.update(sshd.__dict__, port=1)
    with pytest.raises(ConnectError, match="no server listens") as caught:
        connect(closed)
    assert caught.value.transient


def test_host_that_is_unknown_is_told(sshd):
    """A name does not become right by itself."""
    url = parse_url("sftp://no-such-host.invalid/x/")
    with pytest.raises(ConnectError, match="name") as caught:
        open_remote(url, options_for(sshd))
    assert caught.value.exit_code == 8


def test_server_that_drops_connections_is_tried_again(sshd, new_proxy, connect):
    """As sshd does beyond MaxStartups."""
    proxy = new_proxy(sshd)
    proxy.refuse = 1
    with pytest.raises(ConnectError, match="does not say what it is") as caught:
        connect(sshd, proxy)
    assert caught.value.transient
    connect(sshd, proxy).stat("a")


def test_server_beyond_its_max_startups_is_tried_again(new_sshd, connect):
    """A real one says so in the banner's place."""
    import socket

    server = new_sshd("MaxStartups 1")
    with socket.create_connection(("127.0.0.1", server.port)) as waiting:
        waiting.recv(100)
        with pytest.raises(ConnectError) as caught:
            connect(server)
    assert caught.value.transient


@pytest.mark.usefixtures("soon")
def test_port_of_another_service_is_told(sshd, connect):
    """It says something, but not SSH."""
    import socket

    with socket.create_server(("127.0.0.1", 0)) as listener:

        def greet():
            with suppress(OSError):
                while True:
                    peer, _ = listener.accept()
                    peer.sendall(b"220 welcome\r\n" * 200)
                    peer.close()

        threading.Thread(target=greet, daemon=True).start()
        other = Sshd.__new__(Sshd)
        other.__dict__.update(sshd.__dict__, port=listener.getsockname()[1])
        with pytest.raises(ConnectError):
            connect(other, timeouts=IMPATIENT)


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("HostKeyAlgorithms ssh-rsa", "host key ssh-rsa"),
        ("KexAlgorithms diffie-hellman-group14-sha1", "key exchange diffie-hellman-group14-sha1"),
        ("Ciphers aes128-cbc,3des-cbc", "cipher aes128-cbc, 3des-cbc"),
        ("MACs hmac-md5", "MAC hmac-md5"),
    ],
)
def test_old_server_is_diagnosed(new_sshd, connect, line, offered):
    """The message tells what the server offers and what we know, the hint what that means."""
    server = new_sshd(line, *(["Ciphers aes128-ctr"] if "MACs" in line else []), hosts=("rsa",))
    with pytest.raises(ConnectError, match="in common") as caught:
        connect(server)
    assert offered in str(caught.value)
    assert "SHA-1" in caught.value.hint
    assert not caught.value.transient


def test_server_that_knows_chacha20_alone_is_not_called_old(new_sshd, connect):
    """It is paramiko that lacks it."""
    server = new_sshd("Ciphers chacha20-poly1305@openssh.com")
    with pytest.raises(
        ConnectError, match="no cipher in common: it offers the cipher cha"
    ) as caught:
        connect(server)
    assert "aes256-gcm@openssh.com" in caught.value.hint
    assert "old" not in caught.value.hint


@pytest.mark.parametrize("cipher", ["aes128-gcm@openssh.com", "aes256-ctr", "aes128-ctr"])
def test_other_ciphers_do_as_well(new_sshd, connect, cipher):
    """Slower, and as right."""
    server = new_sshd(f"Ciphers {cipher}")
    remote = connect(server)
    upload(remote, "a", DATA)
    assert (server.folder / "a").read_bytes() == DATA
    assert download(remote, "a", len(DATA)) == DATA


def test_server_that_wants_new_keys_often_is_obliged(new_sshd, connect):
    """In the middle of a transfer, in both directions."""
    server = new_sshd("RekeyLimit 1M")
    remote = connect(server)
    upload(remote, "a", DATA)
    assert (server.folder / "a").read_bytes() == DATA
    assert download(remote, "a", len(DATA)) == DATA


def test_new_keys_are_asked_for_often_enough(sshd, connect, monkeypatch):
    """RFC 4253 wants them after a gigabyte; here it is a megabyte."""
    monkeypatch.setattr(transport, "REKEY", MEGA)
    remote = connect(sshd)
    first = remote._connection.transport.H
    upload(remote, "a", DATA)
    assert download(remote, "a", len(DATA)) == DATA
    assert first != remote._connection.transport.H
    assert (sshd.folder / "a").read_bytes() == DATA


@pytest.mark.parametrize("mega", [1, 3, 16])
def test_disk_full_at_the_target_raises_and_says_so(small_disk, connect, mega):
    """Also for files that fit into the window, and before they have a final name."""
    server = small_disk(mega * MEGA // 2)
    remote = connect(server)
    with pytest.raises(IncompleteError) as caught:
        upload(remote, f"{OURS}1", os.urandom(mega * MEGA))
    if server.folder.is_mount():
        assert "disk at the destination is full" in str(caught.value)
        assert "make room" in caught.value.hint
        assert not caught.value.transient
    else:
        remote = connect(server)
    assert not (server.folder / "final").exists()
    remote.remove(f"{OURS}1")
    upload(remote, f"{OURS}1", DATA[: MEGA // 4])
    remote.publish(f"{OURS}1", "final", replace=False)


@pytest.mark.parametrize("mega", [1, 3])
def test_limit_of_the_size_of_files_raises(new_sshd, connect, mega):
    """As a quota does: the system refuses, and the server gives no reason or dies."""
    server = new_sshd(limits={"fsize": mega * MEGA // 2})
    with pytest.raises(IncompleteError):
        upload(connect(server), f"{OURS}1", os.urandom(mega * MEGA))
    assert (server.folder / f"{OURS}1").stat().st_size <= mega * MEGA // 2


def test_folder_that_is_read_only_raises(new_sshd, connect):
    """It will not pass by itself, and a dry run finds it."""
    server = new_sshd(account=PLAIN)
    server.folder.chmod(0o555)
    remote = connect(server)
    for action in (remote.can_write, lambda: upload(remote, "a", b"x")):
        with pytest.raises(IncompleteError, match="permission denied") as caught:
            action()
        assert not caught.value.transient
        assert caught.value.exit_code == 9


def test_folder_that_is_missing_or_a_file_raises(sshd, connect):
    """The message names the folder."""
    (sshd.folder / "file").touch()
    for name in ("missing", "file"):
        with pytest.raises(IncompleteError, match=f"no folder .*{name}"):
            connect(sshd, folder=sshd.folder / name)


def test_folder_that_may_not_be_entered_raises(new_sshd, connect):
    """Permission is told from absence."""
    server = new_sshd(account=PLAIN)
    inner = server.folder / "inner"
    inner.mkdir()
    server.folder.chmod(0o000)
    remote = connect(server, folder=inner)  # the server might just not tell of it
    for action in (lambda: upload(remote, "a", b"x"), remote.can_write, lambda: remote.stat("a")):
        with pytest.raises(IncompleteError, match="permission denied"):
            action()
    server.folder.chmod(0o755)


def test_server_of_a_plain_user_does_as_well(new_sshd, ssh_keys, connect):
    """Sshd need not be root's."""
    server = new_sshd(account=PLAIN, run_as=PLAIN if ROOT else None)
    remote = connect(server)
    upload(remote, "a", DATA)
    assert (server.folder / "a").read_bytes() == DATA


def test_two_clients_that_publish_at_once_deliver_one_file(sshd, connect):
    """Over two connections, again and again."""
    remotes = [connect(sshd), connect(sshd)]
    for turn in range(10):
        outcomes = []
        barrier = threading.Barrier(2)

        def push(number, turn=turn, barrier=barrier, outcomes=outcomes):
            upload(remotes[number], f"{OURS}{number}", str(number).encode())
            barrier.wait()
            try:
                remotes[number].publish(f"{OURS}{number}", f"final{turn}", replace=False)
                outcomes.append(number)
            except NameTakenError:
                remotes[number].remove(f"{OURS}{number}")

        threads = [threading.Thread(target=push, args=(number,)) for number in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(outcomes) == 1
        assert (sshd.folder / f"final{turn}").read_bytes() == str(outcomes[0]).encode()


@pytest.mark.parametrize("denied", ["posix-rename", "fsync", "limits", "statvfs", "fstat"])
def test_server_without_an_extension_does_as_well(new_sshd, connect, denied):
    """What is not offered is done without."""
    server = new_sshd(sftp=f"internal-sftp -P {denied}")
    remote = connect(server)
    for content in (DATA[: 2 * MEGA], DATA[MEGA : 2 * MEGA]):
        assert upload(remote, f"{OURS}1", content).size == len(content)
        remote.publish(f"{OURS}1", "a", replace=True)
        assert (server.folder / "a").read_bytes() == content
    upload(remote, f"{OURS}2", b"x")
    with pytest.raises(NameTakenError):
        remote.publish(f"{OURS}2", "a", replace=False)
    remote.remove(f"{OURS}2")
    assert (remote.free_space() is None) is (denied == "statvfs")
    assert [path.name for path in server.folder.iterdir()] == ["a"]


def test_replacing_without_posix_rename_puts_the_old_file_back_if_it_fails(new_sshd, connect):
    """At no moment is it lost."""
    server = new_sshd(sftp="internal-sftp -P posix-rename")
    remote = connect(server)
    (server.folder / "a").write_bytes(b"old")
    with pytest.raises(IncompleteError):
        remote.publish("missing", "a", replace=True)
    assert (server.folder / "a").read_bytes() == b"old"
    assert [path.name for path in server.folder.iterdir()] == ["a"]


def test_server_that_refuses_renames_takes_plain_files(new_sshd, connect):
    """Some receivers want the file written under its final name."""
    server = new_sshd(sftp="internal-sftp -P rename,posix-rename")
    remote = connect(server)
    upload(remote, f"{OURS}1", b"x")
    for replace in (True, False):
        with pytest.raises(IncompleteError, match="permission denied"):
            remote.publish(f"{OURS}1", "a", replace=replace)
    upload(remote, "b", DATA)
    assert (server.folder / "b").read_bytes() == DATA


def test_server_without_writing_is_found_by_a_dry_run(new_sshd, connect):
    """sftp-server -R."""
    remote = connect(new_sshd(sftp="internal-sftp -R"))
    with pytest.raises(IncompleteError, match="permission denied"):
        remote.can_write()


def test_upload_that_fails_on_this_side_leaves_the_connection_usable(sshd, connect):
    """A file that became shorter breaks nothing but its own upload."""
    remote = connect(sshd)
    with pytest.raises(Exception, match="shorter"):
        remote.upload("a", io.BytesIO(DATA), size=len(DATA) + 1)
    assert upload(remote, "b", DATA).size == len(DATA)
    with pytest.raises(RuntimeError):
        upload(remote, "c", DATA, progress=_fail)
    assert upload(remote, "d", DATA).size == len(DATA)


def _fail(_):
    raise RuntimeError


def test_nothing_is_printed_when_a_connection_fails(sshd, new_proxy, connect, capfd):
    """Paramiko would print tracebacks of its threads."""
    proxy = new_proxy(sshd)
    remote = connect(sshd, proxy)
    proxy.cut_after = proxy.sent + 1000
    with pytest.raises(IncompleteError):
        upload(remote, "a", DATA)
    remote.close()
    assert capfd.readouterr() == ("", "")


def test_close_leaves_no_thread_and_no_process(new_sshd, connect):
    """Also after errors."""
    server = new_sshd()
    before = set(threading.enumerate())
    remote = connect(server)
    upload(remote, "a", DATA)
    remote.close()
    with pytest.raises(ConnectError):
        connect(server, known_hosts=Path("/nowhere"))
    assert set(threading.enumerate()) <= before
    for _ in range(200):
        if not server.sessions():
            break
        time.sleep(0.01)
    assert server.sessions() == []


def test_memory_stays_flat_with_large_files(sshd, connect):
    """A sparse file of a gigabyte would show itself if it were held."""
    size = 64 * MEGA
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with tempfile.TemporaryFile() as file:
        file.truncate(size)
        remote = connect(sshd)
        remote.upload("a", file, size=size)

        class Nowhere:
            def write(self, data):
                """Drop it."""
                return len(data)

        remote.download("a", Nowhere(), size=size)
        told = remote.stat("a")
        assert told == FileAttributes(size, told.modified, mode=told.mode)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 80_000  # KiB
