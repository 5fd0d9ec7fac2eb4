"""The user's SSH configuration: what an alias stands for, and the way to it.

paramiko reads the configuration, and knows no `Include`; so these lines are replaced before.
"""

from __future__ import annotations

import getpass
import glob
import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct
from paramiko.config import SSHConfig
from paramiko.ssh_exception import SSHException

from piienc.base.home import expanded, if_at_home
from piienc.base.trust import open_trusted
from piienc.errors import ConfigError
from piienc.remote.url import RemoteUrl, address_of, shown, split

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from piienc.remote.options import ConnectOptions

SSH_PORT = 22
_DEEPEST = 16  # files that include files, and hosts that are reached through hosts
_SYSTEM_HOSTS = Path("/etc/ssh/ssh_known_hosts")
_HEAD = re.compile(r"\s*(host|match)[\s=]", re.IGNORECASE)
_INCLUDE = re.compile(r"\s*include(?:\s*=\s*|\s+)(.+)", re.IGNORECASE)
_MATCH = re.compile(r"\s*match(?:\s*=\s*|\s+)(.+)", re.IGNORECASE)
_COMMAND = re.compile(r"\s*\w+command\b", re.IGNORECASE)  # to the end of its line
_ALONE = frozenset({"all", "canonical", "final"})
_CRITERIA = _ALONE | {"host", "originalhost", "user", "localuser"}
_NOBODY = "Host !*"
_YES = frozenset({"yes", "true"})


class Hop(Struct, frozen=True):
    """A host to log in to: the destination, or one on the way to it.

    Attributes:
        host: the name or address to connect to.
        port: the port to connect to.
        user: the login name.
        known_as: the names under which known_hosts may have its key, in order of preference.
        identities: private keys to log in with; empty if none is named.
        certificates: OpenSSH certificates for these keys.
        only_these: use no other keys.
        known_hosts: files with host keys; the first is the user's own.
        connect: the timeout of the connection in seconds; None if not configured.
        proxied: the proxy hosts on the way, in order.
        on_the_way: this is a proxy host; key options apply to the destination only.
    """

    host: str
    port: int
    user: str
    known_as: tuple[str, ...]
    identities: tuple[Path, ...]
    certificates: tuple[Path, ...]
    only_these: bool
    known_hosts: tuple[Path, ...]
    connect: float | None
    proxied: tuple[Hop, ...] = ()
    on_the_way: bool = False

    @property
    def shown(self) -> str:
        """What messages call it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == SSH_PORT else f"{host}:{self.port}"


def resolve(url: RemoteUrl, options: ConnectOptions) -> Hop:
    """Find out what a URL's host stands for; what the URL and the options say comes first.

    Raises:
        ConfigError: the configuration cannot be read, or asks for what is not offered.
    """
    path = options.ssh_config or if_at_home("~/.ssh/config")
    config = _read(path, required=options.ssh_config is not None) if path else None
    return _resolve(url, options, config, depth=0)


def _resolve(
    url: RemoteUrl, options: ConnectOptions, config: SSHConfig | None, *, depth: int
) -> Hop:
    if depth > _DEEPEST:
        raise ConfigError(
            f"the SSH configuration reaches {url.host} through hosts without an end",
            hint="see the ProxyJump lines in ~/.ssh/config",
        )
    fields = _looked_up(config, url.host)
    if fields.get("proxycommand"):
        raise ConfigError(
            f"the SSH configuration has a ProxyCommand for {url.host}: no command is run for a "
            "connection",
            hint="use ProxyJump, which serves the same end",
        )
    host = str(fields["hostname"])
    port = url.port or _number(fields.get("port"), "Port", url.host) or SSH_PORT
    identity, certificate = options.identity_file, options.certificate_file
    if depth:
        identity = certificate = None
    connect = _number(fields.get("connecttimeout"), "ConnectTimeout", url.host)
    return Hop(
        host=host,
        port=port,
        user=url.user or str(fields.get("user") or _own_name(url.host)),
        known_as=_known_as(host, port, fields.get("hostkeyalias")),
        identities=_named(identity, fields.get("identityfile")),
        certificates=_named(certificate, fields.get("certificatefile")),
        only_these=identity is not None or str(fields.get("identitiesonly", "no")).lower() in _YES,
        known_hosts=_known_hosts(fields, options),
        connect=float(connect) if connect else None,
        proxied=_proxied(fields.get("proxyjump"), options, config, depth=depth),
        on_the_way=depth > 0,
    )


def _looked_up(config: SSHConfig | None, host: str) -> dict[str, object]:
    if config is None:
        return {"hostname": host}
    try:
        return dict(config.lookup(host))
    except (SSHException, ImportError, ValueError, KeyError, OSError) as error:
        _own_name(host)  # which paramiko asks for, too
        raise ConfigError(
            f"the SSH configuration for {host} cannot be applied",
            hint="see what 'ssh -G HOST' says of it",
        ) from error


def _proxied(
    jumps: object, options: ConnectOptions, config: SSHConfig | None, *, depth: int
) -> tuple[Hop, ...]:
    if not jumps or str(jumps).lower() == "none":
        return ()
    hops: list[Hop] = []
    for number, jump in enumerate(str(jumps).split(",")):
        text = jump.strip().removeprefix("ssh://")
        hop = _resolve(_address(text), options, config, depth=depth + 1)
        # As with ssh: only the way to the first host of a list is looked up.
        hops += [*hop.proxied, hop] if number == 0 else [hop]
    return tuple(hops)


def _address(text: str) -> RemoteUrl:
    url = f"sftp://{text}"
    try:
        return address_of(split(url))
    except ValueError as reason:
        raise ConfigError(
            f"the ProxyJump {shown(url).removeprefix('sftp://')}: {reason}",
            hint="write user@host:port, and several with commas between",
        ) from None


def _known_as(host: str, port: int, alias: object) -> tuple[str, ...]:
    if alias:
        return (str(alias),)
    name = host.lower()
    return (name,) if port == SSH_PORT else (f"[{name}]:{port}", name)


def _named(option: Path | None, configured: object) -> tuple[Path, ...]:
    """Return the file that an option names, or else those that the configuration does."""
    if option:
        return (expanded(option),)
    names = configured if isinstance(configured, list) else [configured] if configured else []
    return _at_home(names)


def _known_hosts(fields: dict[str, object], options: ConnectOptions) -> tuple[Path, ...]:
    if options.known_hosts:
        return (expanded(options.known_hosts),)
    users = str(fields.get("userknownhostsfile") or "~/.ssh/known_hosts ~/.ssh/known_hosts2")
    system = str(fields.get("globalknownhostsfile") or _SYSTEM_HOSTS)
    names = [name for name in shlex.split(f"{users} {system}") if name != "none"]
    return _at_home(names)


def _at_home(names: Iterable[object]) -> tuple[Path, ...]:
    """Return the paths that a configuration names; one in no home is as one that is not there."""
    return tuple(path for name in names if (path := if_at_home(str(name))))


def _own_name(host: str) -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError) as error:  # a number without a name, as in many containers
        raise ConfigError(
            f"who logs in at {host} is not known: this user has no name",
            hint="name the user in the URL, and if ~/.ssh/config is to count: export LOGNAME=NAME",
        ) from error


def _number(value: object, what: str, host: str) -> int | None:
    if value is None or str(value).lower() == "none":
        return None
    if not str(value).isdecimal():
        raise ConfigError(f"the SSH configuration for {host} has {what} {str(value)[:20]!r}")
    return int(str(value))


def _read(path: Path, *, required: bool) -> SSHConfig | None:
    if not required and not path.exists():
        return None
    try:
        return SSHConfig.from_text("\n".join(_lines(path, path.parent, depth=0)))
    except (SSHException, ValueError, OSError) as error:
        reason = error.strerror if isinstance(error, OSError) else "a line cannot be understood"
        raise ConfigError(
            f"cannot read the SSH configuration {path}: {reason}",
            hint="see what 'ssh -G HOST' says of it",
        ) from error


def _lines(path: Path, folder: Path, *, depth: int) -> Iterator[str]:
    """Give the lines of a file, with those of the files that it includes."""
    if depth > _DEEPEST:
        raise ConfigError(f"{path} is included without an end")
    head = "Host *"
    with open_trusted(path) as file:
        text = file.read().decode()
    for raw in text.splitlines():
        line = _as_known(raw)
        include = _INCLUDE.match(line)
        if not include:
            head = line if _HEAD.match(line) else head
            yield line
            continue
        for pattern in shlex.split(include[1], comments=True):
            below = if_at_home(pattern)
            for name in sorted(glob.glob(str(folder / below))) if below else ():  # noqa: PTH207  # an absolute pattern
                yield from _lines(Path(name), folder, depth=depth + 1)
        yield head  # what follows belongs again to the block in which the include stood


def _as_known(line: str) -> str:
    """Return a line as paramiko understands it: without a comment behind its value.

    paramiko takes a criterion that it does not know, or that begins with a capital, for one that
    fits. No command is run to find out whether one fits.
    """
    line = _without_comment(line)
    match = _MATCH.match(line)
    if not match:
        return line
    words = iter(shlex.split(match[1]))
    criteria = []
    for word in words:
        name = word.lower().removeprefix("!")
        if name not in _CRITERIA:
            return _NOBODY
        value = () if name in _ALONE else (shlex.quote(next(words, "")),)
        criteria += [word.lower(), *value]
    return f"Match {' '.join(criteria)}"


def _without_comment(line: str) -> str:
    """Cut a comment off: it begins with a word, outside of quotes; a command may hold anything."""
    if _COMMAND.match(line):
        return line
    quote, before = "", " "
    for at, letter in enumerate(line):
        if quote:
            quote = "" if letter == quote else quote
        elif letter in "\"'":
            quote = letter
        elif letter == "#" and before.isspace():
            return line[:at].rstrip()
        before = letter
    return line
