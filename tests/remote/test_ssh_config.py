"""The SSH configuration, held against what OpenSSH itself makes of it."""

import subprocess
from pathlib import Path

import pytest
from msgspec.structs import replace

from piienc.errors import ConfigError, PolicyError
from piienc.remote import ConnectOptions, parse_url
from piienc.remote.ssh.config import resolve


@pytest.fixture
def config(tmp_path, monkeypatch):
    """Give a function that writes ~/.ssh/config and resolves a URL by it."""
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".ssh").mkdir()

    def write(text, url="sftp://alias/x/", **options):
        (tmp_path / ".ssh" / "config").write_text(text, "utf-8")
        return resolve(parse_url(url), ConnectOptions(**options))

    return write


def by_openssh(path, host="alias"):
    """Return what ssh makes of a configuration."""
    command = ["ssh", "-G", "-F", path, host]
    told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return dict(line.split(" ", 1) for line in told.splitlines() if " " in line)


CASES = [
    "Host alias\n  HostName real.example\n  Port 2222\n  User me\n",
    "Host other\n  Port 1\nHost al*\n  Port 2\nHost alias\n  Port 3\n  User me\n",
    "Host !alias *\n  User no\nHost *\n  User yes\n",
    "User early\nHost alias\n  User late\n  HostName=real.example\n",
    "Match host alias\n  User matched\nHost *\n  User no\n",
    "# comment\n\nHost alias  other\n\tUser me\n",
    "Include more\nHost alias\n  User main\n",
    "Host alias\n  Include more\n  Port 2222\n",
    "Host nobody\n  Include more\nHost alias\n  User main\n",
    "Host alias other # behind it\n  Port 2222 # a port\n  User me\t#nobody\n",
    'Host alias\n  User "a # b" # c\n  HostName real#1.example\n',
    "Match Host alias\n  User matched\n",
    "Match host nobody # alias\n  User stranger\nHost *\n  User me\n",
    "Host alias\n  ConnectTimeout 7\n  HostKeyAlias known\n  IdentitiesOnly yes\n",
    "",
]


@pytest.mark.parametrize("text", CASES)
def test_config_is_read_as_openssh_reads_it(config, tmp_path, text):
    """Host, port and user are the same."""
    (tmp_path / ".ssh" / "more").write_text("User included\n", "utf-8")
    hop = config(text)
    # ssh looks for included files in the real home, whatever HOME says.
    path = tmp_path / "for-ssh"
    path.write_text(text.replace("Include more", f"Include {tmp_path}/.ssh/more"), "utf-8")
    told = by_openssh(path)
    assert hop.host == told["hostname"]
    assert hop.port == int(told["port"])
    assert hop.user == told["user"]
    assert hop.only_these == (told["identitiesonly"] == "yes")
    assert (hop.connect or 0) == (0 if told["connecttimeout"] == "none" else 7)
    assert hop.known_as[0] == told.get("hostkeyalias", hop.known_as[0])


def test_config_names_files(config, tmp_path):
    """Keys, certificates and known_hosts, with ~ and tokens replaced."""
    hop = config(
        "Host alias\n  HostName real\n  IdentityFile ~/a\n  IdentityFile %d/%h.key\n"
        "  CertificateFile ~/a-cert.pub\n  UserKnownHostsFile ~/known /etc/known\n"
        "  GlobalKnownHostsFile none\n"
    )
    assert hop.identities == (tmp_path / "a", tmp_path / "real.key")
    assert hop.certificates == (tmp_path / "a-cert.pub",)
    assert hop.known_hosts == (tmp_path / "known", Path("/etc/known"))
    assert not hop.only_these


def test_config_is_silent_about_what_it_does_not_name(config, tmp_path):
    """The usual places are looked at."""
    hop = config("")
    assert hop.identities == ()
    assert hop.known_hosts[0] == tmp_path / ".ssh" / "known_hosts"
    assert Path("/etc/ssh/ssh_known_hosts") in hop.known_hosts
    assert (hop.host, hop.port, hop.proxied) == ("alias", 22, ())


def test_url_and_options_come_before_the_config(config, tmp_path):
    """What is said now is meant."""
    hop = config(
        "Host alias\n  Port 1\n  User no\n  IdentityFile ~/no\n  CertificateFile ~/no\n"
        "  UserKnownHostsFile ~/no\n",
        "sftp://me@alias:2222/x/",
        identity_file=Path("~/key"),
        certificate_file=tmp_path / "cert",
        known_hosts=tmp_path / "known",
    )
    assert (hop.port, hop.user) == (2222, "me")
    assert hop.identities == (tmp_path / "key",)
    assert hop.certificates == (tmp_path / "cert",)
    assert hop.known_hosts == (tmp_path / "known",)
    assert hop.only_these


@pytest.mark.parametrize(
    ("host", "port", "alias", "names"),
    [
        ("Real.Example", 22, "", ("real.example",)),
        ("real", 2222, "", ("[real]:2222", "real")),
        ("::1", 22, "", ("::1",)),
        ("real", 2222, "known", ("known",)),
    ],
)
def test_names_in_known_hosts_are_those_of_openssh(config, host, port, alias, names):
    """With the port only where it is not the usual one."""
    text = f"Host alias\n  HostName {host}\n  Port {port}\n"
    hop = config(text + (f"  HostKeyAlias {alias}\n" if alias else ""))
    assert hop.known_as == names


def test_hosts_on_the_way_are_resolved_each_by_itself(config, tmp_path):
    """The options' key is for the destination alone."""
    hop = config(
        "Host alias\n  ProxyJump you@first:2201,second\n"
        "Host first\n  HostName first.example\n  IdentityFile ~/first\n  ProxyJump zero\n"
        "Host second\n  User second-user\n  ProxyJump never\n",
        identity_file=tmp_path / "mine",
    )
    assert [(one.host, one.port) for one in hop.proxied] == [
        ("zero", 22),
        ("first.example", 2201),
        ("second", 22),
    ]
    assert [one.user for one in hop.proxied[1:]] == ["you", "second-user"]
    assert hop.proxied[1].identities == (tmp_path / "first",)
    assert all(one.on_the_way for one in hop.proxied)
    assert not hop.on_the_way


def test_jump_to_none_is_none(config):
    """It switches off what a later block says."""
    assert config("Host alias\n  ProxyJump none\nHost *\n  ProxyJump x\n").proxied == ()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("Host alias\n  ProxyCommand nc %h %p\n", "ProxyCommand"),
        ("Host alias\n  ProxyJump alias\n", "without an end"),
        ("Host alias\n  Port many\n", "Port 'many'"),
        ("Host alias\n  ProxyJump a:b:c\n", "cannot be read"),
        ("Include config\n", "without an end"),
        ("nonsense\n", "cannot be understood"),
        ("Match\n", "cannot be understood"),
    ],
)
def test_config_that_cannot_be_followed_raises(config, text, told):
    """And nothing of it is run."""
    with pytest.raises(ConfigError, match=told):
        config(text)


@pytest.mark.parametrize("name", ["config", "more"])
def test_config_that_others_may_change_is_refused(config, tmp_path, name):
    """It names logins, keys and the hosts on the way; so does a file that it includes."""
    more = tmp_path / ".ssh" / "more"
    more.write_text("Host alias\n  User me\n")
    text = f"Include {more}\n"
    assert config(text).user == "me"
    (tmp_path / ".ssh" / name).chmod(0o646)
    with pytest.raises(PolicyError, match=f"{name} may be written to by everybody"):
        config(text)


@pytest.mark.parametrize(
    "criterion",
    [
        "tagged other",
        "localnetwork 127.0.0.0/8",
        "!localnetwork 10.0.0.0/8",
        "version *",
        "exec true",
        "x y",
    ],
)
def test_criterion_that_is_not_known_never_fits(config, criterion):
    """Or another user's login would be used; and no command is run."""
    hop = config(f"Match host alias {criterion}\n  User stranger\nHost *\n  User me\n")
    assert hop.user == "me"


def test_proxy_command_none_is_none(config):
    """It switches off what a later block says."""
    assert config("Host alias\n  ProxyCommand none\nHost *\n  ProxyCommand x\n").proxied == ()


def test_config_that_is_named_must_be_there(tmp_path):
    """The usual one need not."""
    with pytest.raises(ConfigError, match="cannot read"):
        resolve(parse_url("sftp://h/x/"), ConnectOptions(ssh_config=tmp_path / "missing"))
    with pytest.raises(ConfigError, match="cannot"):
        resolve(parse_url("sftp://h/x/"), ConnectOptions(ssh_config=tmp_path))


def test_destination_is_shown_with_its_port_where_that_is_unusual(config):
    """As people write it."""
    hop = config("")
    assert hop.shown == "alias"
    assert replace(hop, port=2222).shown == "alias:2222"
    assert replace(hop, host="::1", port=2222).shown == "[::1]:2222"
