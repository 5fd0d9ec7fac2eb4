"""What is told of the connection, and what is not."""

import logging

import pytest
from ssh_fixtures import upload

from piienc.base.secret import SecretBytes
from piienc.errors import ConnectError
from piienc.remote.ssh.debug import NAME, following


def test_debug_tells_what_the_connection_does(sshd, connect):
    """Line by line, and printable."""
    lines = []
    remote = connect(sshd, on_debug=lines.append)
    upload(remote, "secret-name", b"x" * 100)
    remote.close()
    assert any("aes256-gcm" in line for line in lines)
    assert any("Authentication (publickey) successful" in line for line in lines)
    assert all(line.isprintable() and len(line) <= 300 for line in lines)
    assert not any("secret-name" in line for line in lines)


def test_debug_is_silent_unless_asked(sshd, connect, capfd, caplog):
    """Not even a failed connection prints anything."""
    with caplog.at_level(logging.NOTSET, logger="other"):
        connect(sshd).close()
    with pytest.raises(ConnectError):
        connect(sshd, known_hosts=sshd.no_config)
    assert capfd.readouterr() == ("", "")


def test_debug_ends_with_the_connection(sshd, connect):
    """Nobody is told afterwards."""
    lines = []
    connect(sshd, on_debug=lines.append).close()
    count = len(lines)
    logging.getLogger(NAME).error("later")
    connect(sshd).close()
    assert len(lines) == count


def test_debug_leaves_out_secrets_and_what_may_be_one():
    """The password, and long runs of base64."""
    lines = []
    with following(lines.append, SecretBytes(b"hunter2")):
        log = logging.getLogger(NAME)
        log.debug("password hunter2 and key %s", "A" * 60)
        log.debug("two\nlines \x1b[31m")
        log.error("%s", "long " * 200)
    assert lines[0] == "password *** and key ..."
    assert lines[1:3] == ["two", "lines ?[31m"]
    assert len(lines[3]) == 300


def test_debug_of_an_embedding_program_is_left_alone():
    """A program may log what it likes of paramiko."""
    logger = logging.getLogger("paramiko")
    before = logger.level
    with following(lambda _: None, None):
        assert logger.level == logging.DEBUG
    assert logger.level == before
