"""What workers of Spark do, without Spark: they ask the driver, and travel without a secret."""

from __future__ import annotations

import base64
import pickle
import socket
from contextlib import closing
from itertools import islice

import pyarrow as pa
import pytest
from tables_made import people

from piienc import schema as schemas
from piienc.base.secret import SecretBytes
from piienc.engines.spark_cells import CellClient, counting
from piienc.engines.spark_task import Task, TaskError, error_in
from piienc.errors import AuthenticationError, ConfigError, ConnectError, KeyAccessError
from piienc.keys import KeyFolder, Mode, generate
from piienc.state import CellCounter
from piienc.state.cells import CELL_LIMIT

PASSPHRASE = "nowhere else"
LOOPBACK = "127.0.0.1"
SCHEMA = """
name = "people"
version = 1
[columns.id]
type = "integer"
[columns.email]
type = "string"
encrypt = "look"
[columns.born]
type = "date"
encrypt = "seal"
"""


@pytest.fixture
def keysets(tmp_path):
    made = {"look": generate(Mode.SEARCHABLE), "seal": generate(Mode.SEALED)}
    for name, keyset in made.items():
        KeyFolder(tmp_path / "keys").create(name, keyset, SecretBytes(PASSPHRASE.encode()))
    (tmp_path / "passphrase").write_text(PASSPHRASE)
    (tmp_path / "passphrase").chmod(0o600)
    (tmp_path / "schema.toml").write_text(SCHEMA)
    return made


@pytest.fixture
def counter(tmp_path):
    with CellCounter(tmp_path / "state") as counting_:
        yield counting_


@pytest.fixture
def ticket(keysets, counter):
    key = keysets["seal"].primary
    return counting(counter, {key.fingerprint: key}, LOOPBACK, bind=LOOPBACK, port=0)


@pytest.fixture
def task(tmp_path, keysets, ticket):
    schema = schemas.load(tmp_path / "schema.toml")
    places = (str(tmp_path / "keys"), str(tmp_path / "passphrase"))
    return Task(schema, *places, ticket=ticket)


def counted(state) -> int:
    with CellCounter(state) as counter, counter.database() as database:
        rows = database.execute("SELECT coalesce(sum(cells), 0) FROM sealed_keys").fetchone()
        return int(rows[0])


def spend(ticket, key, cells):
    with closing(CellClient(ticket)) as client:
        client.spend(key, cells)


def batches(rows=10, size=4):
    return people(rows).to_batches(max_chunksize=size)


def test_worker_encrypts_what_another_decrypts(task):
    """A task that went through pickle does what it did."""
    travelled = pickle.loads(pickle.dumps(task))  # noqa: S301  # our own
    there = [*travelled.run(iter(batches()))]
    types = people().schema.serialize().to_pybytes()
    decrypting = Task(task.schema, task.keys, task.passphrase_file, decrypt=True, types=types)
    back = pa.Table.from_batches(decrypting.run(iter(there)))
    assert back.select(["id", "email", "born"]).equals(people(10))
    assert not any("@" in str(cell) for cell in there[0]["email"].to_pylist())


def test_what_travels_has_no_key_and_no_passphrase(task, keysets):
    """Not in clear, in hex or in base64; before it has run and after."""
    [*task.run(iter(batches()))]
    pickled = pickle.dumps(task)
    for keyset in keysets.values():
        key = keyset.primary.material.reveal()
        for form in (key, key.hex().encode(), base64.b64encode(key)[:-4]):
            assert form not in pickled
    assert PASSPHRASE.encode() not in pickled


def test_cells_are_counted_batch_by_batch_before_they_leave(task, counter, tmp_path):
    """A task that Spark stops after one batch has counted that one."""
    running = task.run(iter(batches()))
    [*islice(running, 1)]
    running.close()
    counter.close()
    assert counted(tmp_path / "state") == 4


def test_error_travels_as_text_with_class_row_and_hint(task):
    """The row is that in the partition."""
    first, _, third = batches()
    there = [*task.run(iter([first, third]))]
    place = there[1].schema.get_field_index("born")
    broken = there[1].set_column(place, "born", pa.array(["CANARY"] * third.num_rows))
    decrypting = Task(task.schema, task.keys, task.passphrase_file, decrypt=True)
    with pytest.raises(TaskError) as refused:
        [*decrypting.run(iter([there[0], broken]))]
    text = f"Traceback\n  x: {refused.value}\n at java"
    error = error_in(text)
    assert isinstance(error, AuthenticationError)
    assert "partition: column 'born', rows 5, 6: " in str(error)
    assert error.hint
    assert "CANARY" not in text


@pytest.mark.parametrize(
    "text", ["x", "piienc-error:", "piienc-error:[]", 'piienc-error:{"class": "Path"}']
)
def test_other_text_is_no_error_of_ours(text):
    """Whoever wrote it."""
    assert error_in(text) is None


def test_key_that_is_used_up_is_refused_by_the_driver(keysets, counter, ticket):
    """The worker raises what the counter says."""
    key = keysets["seal"].primary
    spend(ticket, key, CELL_LIMIT)
    with pytest.raises(KeyAccessError, match="safe for AES-GCM"):
        spend(ticket, key, 1)


def test_key_that_the_driver_does_not_have_is_refused(ticket):
    """Nobody would count its cells."""
    with pytest.raises(KeyAccessError, match="none of the driver's"):
        spend(ticket, generate(Mode.SEALED).primary, 1)


def test_stranger_cannot_count(keysets, counter, ticket, tmp_path):
    """Whoever does not know the secret is not heard."""
    stranger = type(ticket)(ticket.host, ticket.port, ticket.name, bytes(32))
    with pytest.raises(ConnectError, match="the driver does not answer"):
        spend(stranger, keysets["seal"].primary, 5)
    with socket.create_connection((ticket.host, ticket.port), 5) as connection:
        connection.sendall(b"\xff" * 10_000 + b"\n")
        assert b"challenge" in connection.recv(100)
    spend(ticket, keysets["seal"].primary, 7)
    counter.close()
    assert counted(tmp_path / "state") == 7


def test_driver_that_is_gone_is_an_error_with_the_place(keysets, ticket):
    """And a hint at its setting."""
    with socket.create_server((LOOPBACK, 0)) as listening:
        port = listening.getsockname()[1]
    gone = type(ticket)(LOOPBACK, port, ticket.name, ticket.secret)
    with pytest.raises(ConnectError, match=f"{LOOPBACK} port {port}") as refused:
        spend(gone, keysets["seal"].primary, 1)
    assert "spark.piienc.port" in str(refused.value.hint)


@pytest.mark.parametrize("taken", [True, False])
def test_port_that_cannot_be_had_is_an_error(counter, taken):
    """With the settings that tell where to listen."""
    with socket.create_server((LOOPBACK, 0)) as listening:
        port = listening.getsockname()[1] if taken else 1 << 16
        with pytest.raises(ConfigError, match=f"port {port}") as refused:
            counting(counter, {}, LOOPBACK, bind=LOOPBACK, port=port)
    assert "spark.piienc.port" in str(refused.value.hint)
