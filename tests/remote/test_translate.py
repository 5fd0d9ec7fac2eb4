"""Foreign errors, and what they mean."""

import errno
import importlib
import inspect
import pickle
import pkgutil
import socket

import paramiko
import pytest

from piienc.errors import ConfigError, ConnectError, IncompleteError, KeyAccessError
from piienc.remote.ssh.translate import FOREIGN, MEANINGS, connecting, transferring

_NOT_HERE = {"paramiko._winapi", "paramiko.win_pageant"}  # they need another system


def exceptions():
    """Return all classes of exceptions that paramiko defines."""
    found = set()
    for info in pkgutil.iter_modules(paramiko.__path__, "paramiko."):
        if info.name in _NOT_HERE:
            continue
        for kind in vars(importlib.import_module(info.name)).values():
            if inspect.isclass(kind) and issubclass(kind, BaseException):
                found |= {kind} if kind.__module__.startswith("paramiko.") else set()
    return found


def test_every_exception_of_paramiko_has_a_meaning():
    """A class that is new in paramiko needs a line in the table; one that is gone, no more."""
    ours = {kind for kind in MEANINGS if kind.__module__.startswith("paramiko.")}
    assert ours == exceptions()


@pytest.mark.parametrize("kind", MEANINGS, ids=lambda kind: kind.__name__)
def test_exception_becomes_an_error_of_ours_with_a_hint(kind):
    """While a connection is made, and over one that stands."""
    error = kind.__new__(kind)
    with pytest.raises((ConnectError, ConfigError, KeyAccessError)) as caught, connecting("host"):
        raise error
    assert str(caught.value).startswith("host: ")
    assert caught.value.hint == MEANINGS[kind].hint
    assert caught.value.transient is MEANINGS[kind].transient
    told = pytest.raises(IncompleteError, match="cannot write a: host: ")
    with told as caught, transferring("host", "write a"):
        raise error
    assert caught.value.transient is MEANINGS[kind].transient
    assert pickle.loads(pickle.dumps(caught.value)).transient is MEANINGS[kind].transient  # noqa: S301


@pytest.mark.parametrize(
    ("error", "told", "transient"),
    [
        (OSError(errno.EHOSTUNREACH, "x"), "No route to host", True),
        (ConnectionResetError(errno.ECONNRESET, "x"), "reset by peer", True),
        (ConnectionRefusedError(errno.ECONNREFUSED, "x"), "no server listens", True),
        (TimeoutError("x"), "in time", True),
        (socket.gaierror(socket.EAI_NONAME, "x"), "name is not known", False),
        (socket.gaierror(socket.EAI_AGAIN, "x"), "does not answer", True),
        (paramiko.SSHException("evil\x1b[31m text"), "the SSH connection failed", True),
    ],
)
def test_error_of_the_network_is_told_without_foreign_words(error, told, transient):
    """A hostile server's words are not shown."""
    with pytest.raises(ConnectError, match=told) as caught, connecting("host"):
        raise error
    assert caught.value.transient is transient
    assert str(caught.value).isprintable()
    assert caught.value.__cause__ is error


def test_errors_of_ours_and_bugs_pass_through():
    """What is no fault of the connection is not called one."""
    for error in (ConfigError("x"), KeyError("x"), ZeroDivisionError("x")):
        assert not isinstance(error, FOREIGN)
        with pytest.raises(type(error)) as caught, transferring("host", "write a"):
            raise error
        assert caught.value is error
