"""The keys of hosts."""

import shlex
import subprocess

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from msgspec.structs import replace
from ssh_fixtures import options_for
from sshd import make_key, run

from piienc.errors import ConfigError, ConnectError, PolicyError
from piienc.remote import open_remote, parse_url
from piienc.remote.ssh.host_keys import KnownKey, read_known_hosts

BLOB = b"\x00\x00\x00\x0bssh-ed25519" + bytes(36)


def connect_to(server, known, **more):
    """Connect with these lines as known_hosts."""
    path = server.base / "these_hosts"
    path.write_text(known, "utf-8")
    with open_remote(parse_url(server.url()), options_for(server, known_hosts=path, **more)):
        return path


def public(server, kind="ed25519"):
    """Return a host key."""
    return server.keys.public(server.keys.hosts[kind])


def shown(path):
    """Return the fingerprint as OpenSSH prints it."""
    return run("ssh-keygen", "-l", "-f", f"{path}.pub").split()[1]


@pytest.mark.parametrize(
    "form",
    [
        "{name} {key}",
        "other,{name},third {key} a comment",
        "[127.0.0.*]:{port} {key}",
        "[127.0.0.?]:{port} {key}",
        "127.0.0.1 {key}",
        "# a comment\n\n\t\nnonsense\n{name} {key}",
        "{name} ssh-ed25519 !!!\n{name} {key}",
        "{name} {other}\n{name} {key}",
        "{name} {wrong}\n{name} {key}",
        "@revoked {name} {wrong}\n{name} {key}",
    ],
)
def test_host_key_that_is_known_is_accepted(sshd, tmp_path, form):
    """In any form that OpenSSH writes or people do."""
    values = {
        "name": sshd.name,
        "port": sshd.port,
        "key": public(sshd),
        "other": public(sshd, "rsa"),
        "wrong": sshd.keys.public(sshd.keys.user),
    }
    connect_to(sshd, form.format(**values))


def test_host_key_under_a_hashed_name_is_accepted(sshd, tmp_path):
    """As ssh-keygen -H writes it."""
    path = tmp_path / "known"
    path.write_text(f"{sshd.name} {public(sshd)}\n", "utf-8")
    run("ssh-keygen", "-q", "-H", "-f", path)
    hashed = path.read_text("utf-8")
    assert hashed.startswith("|1|")
    connect_to(sshd, hashed)


@pytest.mark.parametrize("kind", ["rsa", "ecdsa", "ed25519"])
def test_host_key_of_the_kind_that_is_known_is_asked_for(new_sshd, kind):
    """A server shows the key that the client names first."""
    server = new_sshd(hosts=("rsa", "ecdsa", "ed25519"))
    connect_to(server, f"{server.name} {public(server, kind)}\n")


@pytest.mark.parametrize("known", ["", "other {key}\n", "{name},!{name} {key}\n", "{name} {rsa}\n"])
def test_host_key_that_is_unknown_raises_with_fingerprint_and_command(sshd, known):
    """The hint's command, run after checking, makes it known."""
    lines = known.format(name=sshd.name, key=public(sshd), rsa=public(sshd, "rsa"))
    with pytest.raises(ConnectError, match="is unknown") as caught:
        connect_to(sshd, lines)
    error = caught.value
    assert f"ssh-ed25519 {shown(sshd.keys.hosts['ed25519'])}" in str(error)
    assert (error.exit_code, error.transient) == (8, False)
    assert "another way" in error.hint
    command = error.hint.partition("add it by: ")[2]
    subprocess.run(command, shell=True, check=True, capture_output=True)  # noqa: S602  # as a person would
    path = sshd.base / "these_hosts"
    connect_to(sshd, path.read_text("utf-8").replace(f"!{sshd.name}", "x"))


def test_host_key_that_changed_raises_with_the_commands_to_replace_it(sshd):
    """Somebody may be in between."""
    wrong = sshd.keys.public(sshd.keys.user)
    with pytest.raises(ConnectError, match="not the one in known_hosts") as caught:
        connect_to(sshd, f"{sshd.name} {wrong}\n")
    assert shown(sshd.keys.hosts["ed25519"]) in str(caught.value)
    assert not caught.value.transient
    command = caught.value.hint.partition("replace it by: ")[2]
    subprocess.run(command, shell=True, check=True, capture_output=True)  # noqa: S602
    connect_to(sshd, (sshd.base / "these_hosts").read_text("utf-8"))


def test_host_key_that_is_revoked_raises_though_it_is_known(sshd):
    """Revoked is revoked, whatever else is said."""
    lines = f"{sshd.name} {public(sshd)}\n@revoked * {public(sshd)}\n"
    with pytest.raises(ConnectError, match="is revoked"):
        connect_to(sshd, lines)


def test_host_key_is_checked_before_the_login(sshd):
    """No key and no password goes to a stranger."""
    before = sshd.log.read_text("utf-8").count("Accepted")
    with pytest.raises(ConnectError):
        connect_to(sshd, "")
    assert sshd.log.read_text("utf-8").count("Accepted") == before


def test_host_key_file_that_is_missing_knows_nobody(sshd, tmp_path):
    """Its path is in the hint, quoted for the shell."""
    path = tmp_path / "not there"
    with pytest.raises(ConnectError) as caught:
        open_remote(parse_url(sshd.url()), options_for(sshd, known_hosts=path)).close()
    assert shlex.split(caught.value.hint.partition("add it by: ")[2])[-1] == str(path)


def test_host_key_file_that_cannot_be_read_raises(sshd, tmp_path):
    """A folder, say."""
    with pytest.raises(ConfigError, match="cannot read"):
        open_remote(parse_url(sshd.url()), options_for(sshd, known_hosts=tmp_path)).close()


def test_host_key_under_an_alias(sshd, tmp_path):
    """HostKeyAlias is the name to look for, and the hint uses it."""
    config = tmp_path / "config"
    config.write_text("Host 127.0.0.1\n  HostKeyAlias cluster\n", "utf-8")
    connect_to(sshd, f"cluster {public(sshd)}\n", ssh_config=config)
    with pytest.raises(ConnectError, match="is unknown") as caught:
        connect_to(sshd, f"{sshd.name} {public(sshd)}\n", ssh_config=config)
    command = caught.value.hint.partition("add it by: ")[2]
    subprocess.run(command, shell=True, check=True, capture_output=True)  # noqa: S602
    connect_to(sshd, (sshd.base / "these_hosts").read_text("utf-8"), ssh_config=config)


@pytest.fixture
def certified(new_sshd, tmp_path):
    """Give a function that starts a server with a certificate beside its key."""

    def start(*more, kind="ed25519", authority=None, hosts="127.0.0.1", flags=("-h",)):
        path = make_key(tmp_path / "certified", kind)
        server = new_sshd(f"HostKey {path}", f"HostCertificate {path}-cert.pub", hosts=())
        signer = authority or server.keys.authority
        names = ("-n", hosts) if hosts else ()
        run("ssh-keygen", "-q", "-s", signer, "-I", "test", *flags, *names, *more, f"{path}.pub")
        server.stop()
        server.start()
        return server, path

    return start


@pytest.mark.parametrize("kind", ["ed25519", "rsa", "ecdsa"])
@pytest.mark.parametrize("pattern", ["{name}", "127.0.0.1", "*", "127.0.0.*,[127.0.0.*]:*"])
def test_host_certificate_of_a_known_authority_is_accepted(certified, kind, pattern):
    """The key itself is nowhere in known_hosts."""
    server, _ = certified(kind=kind)
    authority = server.keys.public(server.keys.authority)
    connect_to(server, f"@cert-authority {pattern.format(name=server.name)} {authority}\n")


@pytest.mark.parametrize("hosts", ["other,127.0.0.1", "127.0.0.*"])
def test_host_certificate_may_name_hosts_by_patterns(certified, hosts):
    """A certificate for several hosts is usual."""
    server, _ = certified(hosts=hosts)
    connect_to(server, f"@cert-authority * {server.keys.public(server.keys.authority)}\n")


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"hosts": "other.example"}, "is for another host"),
        ({"hosts": ""}, "is for another host"),
        ({"flags": ("-h", "-V", "20200101:20200102")}, "has expired"),
        ({"flags": ("-h", "-V", "20990101:20990102")}, "has expired, or is not valid yet"),
        ({"flags": ()}, "is a user's"),
    ],
)
def test_host_certificate_that_does_not_speak_for_the_host_raises(certified, more, told):
    """Each condition of a certificate is looked at."""
    try:
        server, path = certified(**more)
    except AssertionError as error:  # sshd itself may refuse to start with such a certificate
        pytest.fail(str(error))
    authority = server.keys.public(server.keys.authority)
    lines = f"@cert-authority * {authority}\n"
    with pytest.raises(ConnectError, match=f"has a certificate that {told}") as caught:
        connect_to(server, lines)
    assert shown(path) in str(caught.value)
    # But for the certificate it is the known key:
    connect_to(server, f"{lines}{server.name} {server.keys.public(path)}\n")


def test_host_certificate_of_a_stranger_raises(certified, tmp_path):
    """Anybody can sign."""
    server, _ = certified(authority=make_key(tmp_path / "stranger"))
    authority = server.keys.public(server.keys.authority)
    with pytest.raises(ConnectError, match="is not signed by a @cert-authority"):
        connect_to(server, f"@cert-authority * {authority}\n")


def test_host_certificate_of_an_authority_for_other_hosts_is_not_asked_for(certified):
    """What an authority may sign is limited by its line."""
    server, _ = certified()
    authority = server.keys.public(server.keys.authority)
    with pytest.raises(ConnectError, match="is unknown"):
        connect_to(server, f"@cert-authority *.example.com {authority}\n")


def test_host_certificate_of_a_revoked_authority_raises(certified):
    """Revoked is revoked."""
    server, _ = certified()
    authority = server.keys.public(server.keys.authority)
    with pytest.raises(ConnectError, match="is not signed by a @cert-authority"):
        connect_to(server, f"@cert-authority * {authority}\n@revoked * {authority}\n")


def test_host_certificate_with_a_revoked_key_raises(certified):
    """The authority cannot make good what is revoked."""
    server, path = certified()
    authority = server.keys.public(server.keys.authority)
    lines = f"@cert-authority * {authority}\n@revoked * {server.keys.public(path)}\n"
    with pytest.raises(ConnectError, match="is revoked"):
        connect_to(server, lines)


def test_host_without_certificate_is_known_by_its_key_beside_an_authority(sshd):
    """An authority for all hosts does not shut out the others."""
    authority = sshd.keys.public(sshd.keys.authority)
    connect_to(sshd, f"@cert-authority * {authority}\n{sshd.name} {public(sshd)}\n")


NAMES = st.text("ab.1-", min_size=1, max_size=8)


@given(NAMES, st.integers(1, 65535))
def test_known_name_fits_itself_and_no_other_port(name, port):
    """Brackets are no set of letters, and dots no wild cards."""
    key = KnownKey("", f"[{name}]:{port}", "ssh-ed25519", BLOB)
    assert key.fits(f"[{name.upper()}]:{port}")
    assert not key.fits(name)
    assert not key.fits(f"[{name}]:{port + 1}")
    assert not key.fits(f"{name[0]}:{port}")
    assert not KnownKey("", name.replace(".", "x") + "y", "ssh-ed25519", BLOB).fits(name)


@given(st.binary())
@example("host kind \xe9".encode())
@example("|1|\xe9|\xe9 kind AAAABGtpbmQ=".encode())
def test_known_hosts_of_any_bytes_is_read(tmp_path_factory, data):
    """A broken file knows nobody, and breaks nothing."""
    path = tmp_path_factory.mktemp("known") / "known_hosts"
    path.write_bytes(data)
    for key in read_known_hosts(path):
        key.fits("host")


def test_url_with_another_case_finds_the_host(sshd):
    """Names of hosts ignore case."""
    url = replace(parse_url(sshd.url()), host="LocalHost")
    path = sshd.base / "these_hosts"
    path.write_text(f"[localhost]:{sshd.port} {public(sshd)}\n", "utf-8")
    open_remote(url, options_for(sshd, known_hosts=path)).close()


def test_known_hosts_that_others_may_change_is_refused(tmp_path):
    """Whoever writes to it decides which server is the right one."""
    path = tmp_path / "known_hosts"
    path.write_text("")
    assert read_known_hosts(path) == []
    path.chmod(0o646)
    with pytest.raises(PolicyError, match="may be written to by everybody"):
        read_known_hosts(path)
