"""`piienc demo`: the whole way, with no configuration, and nothing left behind."""

import socket
import tempfile
import time
from pathlib import Path

import paramiko
import pytest

from piienc.demo.server import demo_server


@pytest.fixture
def temporary(tmp_path, monkeypatch, temp):
    """Have temporary folders made where they can be counted."""
    folder = tmp_path / "t"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def test_demo_goes_all_the_way_and_leaves_nothing(project, temporary):
    """In a folder with a broken configuration, which is nothing to it."""
    project.write("piienc.toml", "nonsense")
    began = time.monotonic()
    with project.unchanged():
        ended = project.run("demo")
    assert time.monotonic() - began < 10
    assert ended.code == 0
    for said in (
        "verified, encrypted and wrapped 3 rows, in one pass",
        "delivered customers.csv.pgp to sftp://demo@127.0.0.1:",
        "a second run sends nothing",
        "verified: as it should be",
        "decrypted: equal to the export, byte for byte",
        "decrypt-file then ends with exit code 6: tampered.csv: column 'email', row 2: ",
        "verify finds it, too, exit code 6",
        "nothing was left behind",
    ):
        assert said in ended.err
    assert not [*temporary.iterdir()]
    assert not (project.folder / ".piienc").exists()


def test_demo_shows_the_table_in_clear_encrypted_and_decrypted(project, temporary):
    """Equal values of the searchable column are equal cells, and none is in clear between."""
    scenes = project.run("demo", "--json").document["scenes"]
    assert {name for scene in scenes for name in scene} == {"told", "title", "head", "rows"}
    before, encrypted, after = (scene["rows"] for scene in scenes if scene["rows"])
    assert before == after
    names, emails = [row[1] for row in encrypted], [row[2] for row in encrypted]
    assert (len({*names}), len({*emails})) == (3, 2)
    assert not {*names, *emails} & {cell for row in before for cell in row}


def test_demo_keeps_its_folder_if_asked_and_takes_no_other(project, temporary):
    """What is there is never written into."""
    ended = project.run("demo", "--keep", "shown", "-q")
    assert ended.normal() == (0, "", "")
    assert (project.folder / "shown" / "server" / "inbox" / "customers.csv.pgp").is_file()
    with project.unchanged():
        ended = project.run("demo", "--keep", "shown")
    assert ended.code == 12
    assert "shown is there already" in ended.err


def test_demo_server_lets_in_one_key_and_serves_one_folder(tmp_path):
    """Another key is refused, and no path leads out."""
    root, keys = tmp_path / "root", tmp_path / "keys"
    (root / "inbox").mkdir(parents=True)
    keys.mkdir()
    (tmp_path / "outside").write_text("secret")
    with demo_server(root, keys) as server:
        port = int(server.url.rpartition(":")[2].partition("/")[0])
        right = paramiko.Ed25519Key.from_private_key_file(str(server.identity))
        transport = paramiko.Transport(("127.0.0.1", port))
        transport.connect(username="demo", pkey=right)
        with paramiko.SFTPClient.from_transport(transport) as client:
            assert client.listdir("/") == ["inbox"]
            assert client.listdir("/../..") == ["inbox"]
            with pytest.raises(FileNotFoundError):
                client.open("/../outside")
        transport.close()
        other = paramiko.Transport(("127.0.0.1", port))
        with pytest.raises(paramiko.AuthenticationException):
            other.connect(username="demo", pkey=paramiko.RSAKey.generate(2048))
        other.close()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port))
    assert Path(server.known_hosts).read_text().startswith(f"[127.0.0.1]:{port} ssh-ed25519 ")
