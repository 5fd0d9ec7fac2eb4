"""A server that answers what it likes."""

import contextlib
import struct

import pytest
from fake_channel import Channel, frame
from hypothesis import given
from hypothesis import strategies as st

from piienc.errors import IncompleteError, PiiencError
from piienc.remote import ConnectOptions, is_safe, open_remote, parse_url
from piienc.remote.sftp import calls, protocol
from piienc.remote.sftp.listing import listing
from piienc.remote.sftp.protocol import Fields, string, u32
from piienc.remote.sftp.refusals import refusal
from piienc.remote.sftp.session import Answer, Session


def session_with(kind, body):
    """Return a session whose server gives the same answer to everything."""
    return Session(Channel(lambda _, number, __: frame(kind, number, body)), stall=0.2)


ACTIONS = [
    lambda session: calls.stat(session, "/x"),
    lambda session: calls.room(_offering(session), "/x"),
    lambda session: calls.limits(_offering(session))(),
    lambda session: calls.remove(session, "/x", "x"),
    lambda session: calls.rename(session, "/x", "/y", "y"),
    lambda session: calls.replace(session, "/x", "/y", "y", "/z"),
    lambda session: calls.replace(_offering(session), "/x", "/y", "y", "/z"),
    lambda session: _enter(calls.opened(session, "/x", "read x", write=False)),
    lambda session: _enter(calls.created(session, "/x", "x")),
    lambda session: next(listing(session, "/x"), None),
]


def _offering(session):
    session.extensions = dict.fromkeys(
        (protocol.FSYNC, protocol.LIMITS, protocol.POSIX_RENAME, protocol.STATVFS), b"1"
    )
    return session


def _enter(context):
    with context as file:
        file.finish("write x", patience=1)


@pytest.mark.parametrize("action", ACTIONS)
@given(
    kind=st.sampled_from([protocol.STATUS, protocol.HANDLE, protocol.DATA, protocol.NAME, 105, 201])
    | st.integers(1, 255),
    body=st.binary(max_size=60) | st.integers(0, 20).map(lambda code: u32(code) + string("a\x1b")),
)
def test_answer_of_any_kind_is_used_or_refused(action, kind, body):
    """A mad server makes an error of ours, and no other."""
    try:
        action(session_with(kind, body))
    except PiiencError as error:
        shown = [str(error), error.hint]
    else:
        shown = []
    assert all(text.isprintable() for text in shown)


@pytest.mark.parametrize(
    "data",
    [
        u32(0),
        u32(2**31) + b"x",
        frame(protocol.STATUS, u32(999), u32(0)),
        frame(protocol.STATUS, b"", b""),
    ],
)
def test_answer_that_is_none_raises(data):
    """Of no length, of a mad length, to another question, to none."""
    session = Session(Channel(lambda *_: data), stall=0.2)
    with pytest.raises(IncompleteError, match=r"malformed|without a request"):
        session.call(protocol.STAT, string("/x"))


def test_answer_that_does_not_come_raises_and_closes_the_channel():
    """A late answer would be taken for another."""
    channel = Channel(lambda *_: b"")
    session = Session(channel, stall=0.2)
    with pytest.raises(TimeoutError):
        session.call(protocol.STAT, string("/x"))
    assert channel.closed


def test_answers_out_of_order_find_their_questions():
    """A server may answer as it likes."""
    held = []

    def respond(_, number, body):
        held.append(frame(protocol.DATA, number, string(body)))
        return b"".join(reversed(held)) if len(held) == 3 else b""

    session = Session(Channel(respond), stall=0.2)
    asked = [session.ask(protocol.READ, bytes([n])) for n in range(3)]
    for number, answer in enumerate(asked):
        got = session.wait(answer).fields(protocol.DATA).string()
        assert bytes(got) == bytes([number])


def test_read_that_gives_more_than_was_asked_for_is_cut():
    """A file has no more bytes than were meant."""
    from piienc.remote.sftp.calls import OpenFile
    from piienc.remote.sftp.transfer import Span, fetch

    session = session_with(protocol.DATA, string(b"x" * 50))
    blocks = fetch(OpenFile(session, b"h"), Span(0, 10, 10), "read x")
    assert [bytes(block) for block in blocks] == [b"x" * 10]


def test_read_that_gives_less_is_asked_for_the_rest():
    """In order, though the next block is under way."""
    from piienc.remote.sftp.calls import OpenFile
    from piienc.remote.sftp.transfer import Span, fetch

    source = bytes(range(100))

    def respond(_, number, body):
        at, count = struct.unpack(">QI", body[-12:])
        return frame(protocol.DATA, number, string(source[at : at + min(count, 7)]))

    session = Session(Channel(respond), stall=0.2)
    blocks = fetch(OpenFile(session, b"h"), Span(0, 100, 30), "read x")
    assert b"".join(blocks) == source


@pytest.mark.parametrize(
    ("code", "told", "transient"),
    [
        (protocol.NO_SUCH_FILE, "not there", False),
        (protocol.PERMISSION_DENIED, "permission denied", False),
        (protocol.FAILURE, "gives no reason but 'bad\\x1b\\nthing'", False),
        (protocol.UNSUPPORTED, "cannot do that", False),
        (protocol.CONNECTION_LOST, "lost its storage", True),
        (protocol.NO_SPACE, "disk is full", False),
        (protocol.QUOTA, "quota", False),
        (999, "gives no reason", False),
    ],
)
def test_refusal_says_what_is_known(code, told, transient):
    """A hostile server's words are shown without what is dangerous in them."""
    answer = Answer(1)
    answer.kind, answer.body = protocol.STATUS, memoryview(u32(code) + string("bad\x1b\nthing"))
    error = refusal(answer, "write x")
    assert told in str(error)
    assert str(error).startswith("cannot write x: ")
    assert error.transient is transient


@given(st.binary(max_size=80))
def test_fields_of_any_bytes_end_in_an_error_of_ours(data):
    """No read goes beyond the answer."""
    for read in (Fields.u32, Fields.u64, Fields.string, Fields.text, Fields.facts):
        with contextlib.suppress(IncompleteError):
            read(Fields(data))


HOSTILE = ["../../etc/cron.d/x", "/etc/passwd", "a/b", "..", ".", "x\ny", "\x1b[2J", "ok.csv"]


@given(st.lists(st.text(max_size=300) | st.sampled_from(HOSTILE), max_size=8))
def test_listing_that_is_hostile_gives_plain_names_alone(names):
    """Whatever the server lists."""
    body = u32(len(names)) + b"".join(
        string(name.encode("utf-8", "surrogatepass")) + string("") + u32(0) for name in names
    )
    once = [frame(protocol.STATUS, b"....", u32(protocol.EOF))]

    def respond(kind, number, _):
        if kind == protocol.OPENDIR:
            return frame(protocol.HANDLE, number, string("h"))
        if kind == protocol.READDIR and once:
            once.clear()
            return frame(protocol.NAME, number, body)
        code = protocol.EOF if kind == protocol.READDIR else protocol.OK
        return frame(protocol.STATUS, number, u32(code) + string("") + string(""))

    found = [name for name, _ in listing(Session(Channel(respond), stall=0.2), "/x")]
    assert len(found) == len(names)
    for name in found:
        assert not is_safe(name, ours=True) or ("/" not in name and name not in {"", ".", ".."})


def test_listing_of_a_hostile_server_is_filtered(py_server, ssh_keys, tmp_path):
    """Through the whole of it, over a real connection."""
    py_server.names = HOSTILE
    (tmp_path / "config").touch()
    options = ConnectOptions(
        known_hosts=py_server.known_hosts(tmp_path / "known"),
        identity_file=ssh_keys.user,
        ssh_config=tmp_path / "config",
        agent=False,
    )
    url = parse_url(f"sftp://me@127.0.0.1:{py_server.port}/x/")
    refused = []
    with open_remote(url, options) as remote:
        assert [entry.name for entry in remote.entries(refused.append)] == ["ok.csv"]
    assert len(refused) == len(HOSTILE) - 1 - 2  # `.` and `..` are in every listing
    assert all(name.isprintable() for name in refused)
