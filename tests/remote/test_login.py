"""Logging in, to a real OpenSSH server where that offers the way."""

import shutil
import traceback

import pytest
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_ssh_private_key,
)
from msgspec.structs import replace
from ssh_fixtures import QUICK, options_for
from sshd import make_key, run

from piienc.base.secret import SecretBytes
from piienc.errors import ConnectError, KeyAccessError
from piienc.keys import Unlocker
from piienc.remote import ConnectOptions, open_remote, parse_url

WRONG = SecretBytes(b"hunter2")


@pytest.fixture
def keys(sshd, tmp_path):
    """Give a function that makes a key of the test's own, which may log in or not."""
    allowed = sshd.base / "authorized_keys"
    before = allowed.read_text("utf-8")

    def make(kind="ed25519", passphrase="", *, allow=True, name="key"):
        path = make_key(tmp_path / name, kind, passphrase)
        if allow:
            with allowed.open("a") as file:
                file.write(sshd.keys.public(path) + "\n")
        return path

    yield make
    allowed.write_text(before, "utf-8")


def log_in(server, **more):
    """Log in, and look at the folder."""
    with open_remote(parse_url(server.url()), options_for(server, **more)) as remote:
        assert list(remote.entries()) == []


@pytest.mark.parametrize("kind", ["ed25519", "rsa", "ecdsa"])
def test_login_by_a_key_of_any_kind(sshd, keys, kind):
    """The usual kinds all do."""
    log_in(sshd, identity_file=keys(kind))


def test_login_by_a_key_in_the_old_pem_format(sshd, keys):
    """Keys of old are still in use."""
    path = keys("rsa")
    run("ssh-keygen", "-q", "-p", "-m", "PEM", "-N", "", "-f", path)
    assert "RSA PRIVATE KEY" in path.read_text("utf-8")
    log_in(sshd, identity_file=path)


@pytest.mark.parametrize("cipher", ["aes256-gcm@openssh.com", "aes256-cbc"])
def test_login_by_a_key_that_is_locked_by_another_cipher(sshd, keys, cipher):
    """OpenSSH's own choice is one of several."""
    path = keys(passphrase="sesame")
    run("ssh-keygen", "-q", "-p", "-Z", cipher, "-P", "sesame", "-N", "sesame", "-f", path)
    log_in(sshd, identity_file=path, unlocker=Unlocker(lambda _: SecretBytes(b"sesame")))
    with pytest.raises(KeyAccessError, match="not its own"):
        log_in(sshd, identity_file=path, unlocker=Unlocker(lambda _: WRONG))


@pytest.mark.parametrize("cipher", ["chacha20-poly1305@openssh.com", "aes128-gcm@openssh.com"])
def test_key_that_is_locked_by_a_cipher_that_is_not_known_names_the_command(sshd, keys, cipher):
    """And the command that is named mends it."""
    path = keys(passphrase="sesame")
    run("ssh-keygen", "-q", "-p", "-Z", cipher, "-P", "sesame", "-N", "sesame", "-f", path)
    with pytest.raises(KeyAccessError, match="cipher") as caught:
        log_in(sshd, identity_file=path, unlocker=Unlocker(lambda _: SecretBytes(b"sesame")))
    command = caught.value.hint.partition(": ")[2].partition(";")[0]
    run(*command.split(), "-P", "sesame", "-N", "sesame")
    log_in(sshd, identity_file=path, unlocker=Unlocker(lambda _: SecretBytes(b"sesame")))


@pytest.mark.parametrize("passphrase", ["", "sesame"])
@pytest.mark.parametrize("kind", ["ecdsa", "rsa", "ed25519"])
def test_login_by_a_key_in_pkcs8(sshd, keys, kind, passphrase):
    """As other programs than ssh-keygen write them."""
    path = keys(kind)
    key = load_ssh_private_key(path.read_bytes(), None)
    lock = BestAvailableEncryption(passphrase.encode()) if passphrase else NoEncryption()
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, lock))
    log_in(sshd, identity_file=path, unlocker=Unlocker(lambda _: SecretBytes(b"sesame")))


def test_key_of_putty_names_the_command_that_converts_it(sshd, tmp_path):
    """It is no broken key."""
    path = tmp_path / "key.ppk"
    path.write_text("PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\n", "utf-8")
    path.chmod(0o600)
    with pytest.raises(KeyAccessError, match="PuTTY") as caught:
        log_in(sshd, identity_file=path)
    assert f"puttygen {path} -O private-openssh-new" in caught.value.hint


@pytest.mark.parametrize("kind", ["ed25519", "rsa"])
def test_login_by_a_locked_key_asks_for_its_passphrase(sshd, keys, kind):
    """It is asked for once, with the key's path."""
    path, asked = keys(kind, "sesame"), []

    def passphrase(which):
        asked.append(which)
        return SecretBytes(b"sesame")

    log_in(sshd, identity_file=path, unlocker=Unlocker(passphrase))
    assert asked == [path]


@pytest.mark.parametrize(
    ("passphrase", "told"),
    [(lambda _: None, "is locked"), (lambda _: SecretBytes(b"x"), "not its")],
)
def test_login_by_a_locked_key_without_its_passphrase_raises(sshd, keys, passphrase, told):
    """It is said which key."""
    path = keys(passphrase="sesame")
    with pytest.raises(KeyAccessError, match=f"key.*{told}") as caught:
        log_in(sshd, identity_file=path, unlocker=Unlocker(passphrase))
    assert "sesame" not in "".join(traceback.format_exception(caught.value))


def test_login_by_a_key_that_others_may_read_raises(sshd, keys):
    """As ssh refuses it."""
    path = keys()
    path.chmod(0o644)
    with pytest.raises(KeyAccessError, match="0644"):
        log_in(sshd, identity_file=path)


def test_login_by_a_key_file_that_is_missing_or_none_raises(sshd, tmp_path):
    """It was named, so it is wanted."""
    with pytest.raises(KeyAccessError, match="no key file"):
        log_in(sshd, identity_file=tmp_path / "missing")
    (tmp_path / "none").write_text("nonsense", "utf-8")
    (tmp_path / "none").chmod(0o600)
    with pytest.raises(KeyAccessError, match="not a readable private key"):
        log_in(sshd, identity_file=tmp_path / "none")


def test_login_by_a_key_that_the_server_does_not_know_raises(sshd, keys):
    """It will not pass by itself."""
    with pytest.raises(ConnectError, match="rejected") as caught:
        log_in(sshd, identity_file=keys(allow=False))
    assert not caught.value.transient
    assert caught.value.exit_code == 8


def test_login_of_an_unknown_user_raises(sshd):
    """The message names the user."""
    url = parse_url(sshd.url())
    with pytest.raises(ConnectError, match="login for nobody-here was rejected"):
        open_remote(replace(url, user="nobody-here"), options_for(sshd))


def test_login_by_the_agent(sshd, keys, agent, tmp_path):
    """No key is named, and no file is there."""
    path = keys()
    agent(path)
    path.unlink()
    log_in(sshd, identity_file=None, agent=True)
    with pytest.raises(ConnectError, match="rejected"):
        log_in(sshd, identity_file=None, agent=False)


def test_login_by_a_locked_key_that_the_agent_holds_asks_nothing(sshd, keys, agent, tmp_path):
    """The agent has unlocked it already."""
    path = keys()
    agent(path)
    run("ssh-keygen", "-q", "-p", "-N", "sesame", "-f", path)
    log_in(sshd, identity_file=path, agent=True)


def test_login_by_the_public_half_of_a_key_that_the_agent_holds(sshd, keys, agent, tmp_path):
    """So one of many keys of an agent is chosen."""
    others = [keys(allow=False, name=f"other{n}") for n in range(8)]
    path = keys()
    agent(*others, path)
    path.unlink()
    log_in(sshd, identity_file=path.with_suffix(".pub"), agent=True)


def test_login_with_too_many_keys_of_the_agent_says_so(sshd, keys, agent):
    """The server ends the connection, and the hint tells what to do."""
    agent(*(keys(allow=False, name=f"other{n}") for n in range(8)))
    with pytest.raises(ConnectError, match="too many keys") as caught:
        log_in(sshd, identity_file=None, agent=True)
    assert "identity file" in caught.value.hint
    assert not caught.value.transient


def test_login_without_an_agent_that_can_be_reached_goes_on(sshd, monkeypatch):
    """A variable that leads nowhere is no error."""
    monkeypatch.setenv("SSH_AUTH_SOCK", "/nowhere/agent")
    log_in(sshd, agent=True)


def test_login_by_the_default_key_of_the_user(sshd, keys, tmp_path, monkeypatch):
    """As ssh does it, if nothing is said."""
    monkeypatch.setenv("HOME", str(tmp_path))
    path = keys()
    (tmp_path / ".ssh").mkdir()
    shutil.copy(path, tmp_path / ".ssh" / "id_ed25519")
    log_in(sshd, identity_file=None)


def certified(server, path, *more):
    """Have the authority sign a key."""
    command = ("ssh-keygen", "-q", "-s", server.keys.authority, "-I", "test")
    run(*command, "-n", server.account, *more, f"{path}.pub")
    return path.with_name(f"{path.name}-cert.pub")


@pytest.fixture
def trusting(new_sshd, ssh_keys):
    """Give a server that knows no keys, but who signs them."""
    server = new_sshd(f"TrustedUserCAKeys {ssh_keys.authority}.pub")
    (server.base / "authorized_keys").write_text("", "utf-8")
    return server


@pytest.mark.parametrize("kind", ["ed25519", "rsa", "ecdsa"])
def test_login_with_a_certificate_beside_the_key(trusting, tmp_path, kind):
    """It is found by its name."""
    path = make_key(tmp_path / "key", kind)
    with pytest.raises(ConnectError):
        log_in(trusting, identity_file=path)
    certified(trusting, path)
    log_in(trusting, identity_file=path)


def test_login_with_a_certificate_that_is_named(trusting, tmp_path):
    """It may stand elsewhere."""
    path = make_key(tmp_path / "key")
    elsewhere = certified(trusting, path).rename(tmp_path / "elsewhere.pub")
    log_in(trusting, identity_file=path, certificate_file=elsewhere)


def test_login_with_a_certificate_of_the_agent(trusting, tmp_path, agent):
    """An agent holds a key and its certificate."""
    path = make_key(tmp_path / "key")
    certified(trusting, path)
    agent(path)
    path.unlink()
    log_in(trusting, identity_file=None, agent=True)


def test_login_with_a_certificate_of_another_key_raises(trusting, tmp_path):
    """It is a mistake on this side."""
    path = make_key(tmp_path / "key", "rsa")
    other = certified(trusting, make_key(tmp_path / "other"))
    with pytest.raises(KeyAccessError, match="no certificate of that key"):
        log_in(trusting, identity_file=path, certificate_file=other)


def test_login_with_an_expired_certificate_uses_the_bare_key(sshd, keys):
    """The server may know the key, too."""
    path = keys()
    certified(sshd, path, "-V", "20200101:20200102")
    log_in(sshd, identity_file=path)


def log_in_to(server, tmp_path, **more):
    """Log in to a server of paramiko's."""
    config = tmp_path / "config"
    config.write_text("", "utf-8")
    known = server.known_hosts(tmp_path / "known_hosts")
    url = parse_url(f"sftp://me@127.0.0.1:{server.port}/x/")
    plain = ConnectOptions(known_hosts=known, ssh_config=config, agent=False, timeouts=QUICK)
    open_remote(url, replace(plain, **more)).close()


def test_login_by_password(py_server, tmp_path):
    """It is sent once, and no key is tried before."""
    py_server.ways, py_server.password = ["publickey", "password"], "sesame"
    log_in_to(py_server, tmp_path, password=SecretBytes(b"sesame"))
    assert py_server.asked == ["password sesame"]


def test_login_by_password_asked_for_interactively(py_server, tmp_path):
    """Many servers ask instead of offering the password as a way."""
    py_server.ways, py_server.password = ["keyboard-interactive"], "sesame"
    log_in_to(py_server, tmp_path, password=SecretBytes(b"sesame"))
    assert py_server.asked[-2:] == ["interactive", "answer sesame"]


def test_login_asked_for_more_than_a_password_tells_nothing(py_server, tmp_path):
    """The password is for the one question alone."""
    py_server.ways, py_server.password = ["keyboard-interactive"], "sesame"
    py_server.prompts = ["Password: ", "Token: "]
    with pytest.raises(ConnectError, match="rejected"):
        log_in_to(py_server, tmp_path, password=SecretBytes(b"sesame"))
    assert "answer sesame" not in py_server.asked


@pytest.mark.parametrize("ways", [["password"], ["keyboard-interactive"], ["publickey"]])
def test_login_by_a_wrong_password_raises_and_does_not_show_it(py_server, tmp_path, ways):
    """Neither the message nor the traceback has it."""
    py_server.ways, py_server.password = ways, "sesame"
    with pytest.raises(ConnectError, match="rejected") as caught:
        log_in_to(py_server, tmp_path, password=WRONG)
    assert not caught.value.transient
    assert "hunter2" not in "".join(traceback.format_exception(caught.value))


def test_login_by_key_and_password_together(py_server, ssh_keys, tmp_path):
    """Some servers want both."""
    py_server.ways, py_server.further, py_server.password = ["publickey"], ["password"], "sesame"
    more = {"identity_file": ssh_keys.user, "password": SecretBytes(b"sesame")}
    log_in_to(py_server, tmp_path, **more)
    assert py_server.asked == ["publickey", "password sesame"]


def test_login_by_a_key_of_the_configuration_and_a_password_together(py_server, ssh_keys, tmp_path):
    """A key that the configuration names is meant as much as one of the options."""
    py_server.ways, py_server.further, py_server.password = ["publickey"], ["password"], "sesame"
    config = tmp_path / "own_config"
    config.write_text(f"Host 127.0.0.1\n  IdentityFile {ssh_keys.user}\n", "utf-8")
    log_in_to(py_server, tmp_path, ssh_config=config, password=SecretBytes(b"sesame"))
    assert py_server.asked == ["publickey", "password sesame"]


def test_login_through_hosts_on_the_way(sshd, new_sshd, ssh_keys, tmp_path):
    """Each has its host key checked, and the destination is reached by the last."""
    first, second = new_sshd(), new_sshd()
    known = tmp_path / "known"
    known.write_text(
        "".join(s.known_hosts.read_text("utf-8") for s in (first, second, sshd)), "utf-8"
    )
    config = tmp_path / "config"
    config.write_text(
        f"Host first second\n  HostName 127.0.0.1\n  User {sshd.account}\n"
        f"  IdentityFile {ssh_keys.user}\n"
        f"Host first\n  Port {first.port}\nHost second\n  Port {second.port}\n"
        "Host there\n  HostName 127.0.0.1\n  ProxyJump first,second\n",
        "utf-8",
    )
    url = replace(parse_url(sshd.url()), host="there")
    with open_remote(url, options_for(sshd, ssh_config=config, known_hosts=known)) as remote:
        assert list(remote.entries()) == []
    assert "direct-tcpip" not in sshd.log.read_text("utf-8")
    for server in (first, second):
        assert "Accepted publickey" in server.log.read_text("utf-8")


def test_login_through_a_host_that_does_not_allow_it_raises(sshd, new_sshd, ssh_keys, tmp_path):
    """The hint leads to the line in the configuration."""
    jump = new_sshd("AllowTcpForwarding no")
    known = tmp_path / "known"
    known.write_text("".join(s.known_hosts.read_text("utf-8") for s in (jump, sshd)), "utf-8")
    config = tmp_path / "config"
    config.write_text(
        f"Host there\n  HostName 127.0.0.1\n"
        f"  ProxyJump {sshd.account}@127.0.0.1:{jump.port}\n"
        f"Host 127.0.0.1\n  IdentityFile {ssh_keys.user}\n",
        "utf-8",
    )
    url = replace(parse_url(sshd.url()), host="there")
    with pytest.raises(ConnectError, match="on the way does not allow") as caught:
        open_remote(url, options_for(sshd, ssh_config=config, known_hosts=known))
    assert "ProxyJump" in caught.value.hint


def test_login_to_an_account_without_sftp_raises(new_sshd):
    """The connection stands, but nothing answers."""
    server = new_sshd("ForceCommand /bin/false")
    with pytest.raises(ConnectError, match="ends the SFTP session at once"):
        log_in(server)


def test_login_to_an_account_that_prints_a_greeting_raises(new_sshd):
    """A profile that prints is a mistake that is often made."""
    server = new_sshd("ForceCommand echo welcome to this server, have a nice day")
    with pytest.raises(Exception, match=r"malformed|not an SFTP server") as caught:
        log_in(server)
    assert "greeting" in caught.value.hint
