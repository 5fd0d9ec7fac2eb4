"""Commands in hints and messages: a name in them is always one word for the shell."""

from __future__ import annotations

import ast
import re
import shlex
from pathlib import Path

import pytest
from msgspec.structs import replace

import piienc
from piienc import receivers
from piienc.errors import PiiencError
from piienc.openpgp.preflight import check_name, check_sent
from piienc.remote.ssh import private_keys
from piienc.remote.ssh.config import Hop
from piienc.remote.ssh.host_keys import KnownHosts

HOSTILE = "a;touch PWN;$(id) 'b'.csv"
SOURCES = [*Path(piienc.__file__).parent.rglob("*.py")]
# What begins a command line, and is not just told of.
COMMAND = re.compile(
    r"\b(piienc (audit|decrypt-file|demo|encrypt-file|history|init|inspect|keys|manifest|profiles|"
    r"pull|push|report|schema|send|unwrap-file|verify|wrap-file) |ssh-keygen |ssh-keyscan |"
    r"puttygen |chmod |chown |export |gpg -|mv |cp |rm )"
)
QUOTED = {"command", "shlex.quote", "shlex.join"}


def unquoted(text: ast.JoinedStr) -> list[str]:
    """Return what stands in a command's words without being quoted."""
    begun, found = False, []
    for part in text.values:
        if isinstance(part, ast.Constant):
            begun = begun or bool(COMMAND.search(part.value))
        elif begun and not part.format_spec:  # a number otherwise
            call = part.value.func if isinstance(part.value, ast.Call) else None
            if call is None or ast.unparse(call) not in QUOTED:
                found.append(ast.unparse(part.value))
    return found


# What needs no quotes: a constant, a number, what was quoted before; and what is no command.
FINE = {"VARIABLE", "folder.st_uid", "trust", "extent", "RULES[rule]", "request.schema"}


def test_no_command_is_written_with_a_name_as_it_is():
    """What is put into the text of a command comes out of `command`, which quotes."""
    texts = [
        (source.name, each)
        for source in SOURCES
        for each in ast.walk(ast.parse(source.read_text("utf-8")))
        if isinstance(each, ast.JoinedStr)
    ]
    assert len(texts) > 500
    assert [(name, bad) for name, text in texts for bad in unquoted(text) if bad not in FINE] == []


def sent(folder):
    """Push a file in clear to a destination with recipients."""
    path = folder / HOSTILE
    path.write_text("in clear")
    with path.open("rb") as file:
        check_sent(path, file, receivers.load("generic", {}), {"partner": frozenset({"1"})})


def named(folder):
    """Wrap a file whose name the profile does not take."""
    profile = replace(receivers.load("generic", {}), name=HOSTILE, names="x")
    check_name(folder / "y", profile)


def putty(folder):
    """Log in with a key of PuTTY's."""
    path = folder / HOSTILE
    path.write_text("PuTTY-User-Key-File-3: ssh-ed25519\n")
    path.chmod(0o600)
    private_keys.load_private_key(path, None)


def locked(folder):
    """Log in with a key that a strange cipher locks."""
    raise private_keys._unknown(folder / HOSTILE)


def hop(folder):
    """Return a host with names as a configuration may have them."""
    return Hop(
        HOSTILE,
        22,
        "me",
        (HOSTILE + "/&",),
        (),
        (),
        only_these=False,
        known_hosts=(folder / HOSTILE,),
        connect=None,
    )


def unknown(folder):
    """Meet a host whose key is not known."""
    raise KnownHosts(hop(folder))._unknown(b"\0\0\0\x0bssh-ed25519")


def changed(folder):
    """Meet a host whose key has changed."""
    raise KnownHosts(hop(folder))._changed(b"\0\0\0\x0bssh-ed25519")


@pytest.mark.parametrize("meet", [sent, named, putty, locked, unknown, changed])
def test_command_of_a_hint_has_a_hostile_name_as_one_word(tmp_path, meet):
    """Whoever pastes it runs nothing else."""
    with pytest.raises(PiiencError) as caught:
        meet(tmp_path)
    pasted = COMMAND.search(caught.value.hint)
    words = shlex.split(caught.value.hint[pasted.start() :])
    assert any(word.endswith(HOSTILE) for word in words)
    assert all(Path(HOSTILE).stem in word for word in words if "touch" in word or "$(" in word)
