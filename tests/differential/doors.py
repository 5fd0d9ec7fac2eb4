"""The ways into piienc: every one of them must give the same."""

from __future__ import annotations

import io
import subprocess
import sys
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from msgspec.structs import replace
from pyarrow import parquet as pq

import piienc
from differential.case import Wrong
from differential.engines import working_by
from differential.keysets import KEYSETS, before_rotation
from piienc import schema as schemas
from piienc.errors import PiiencError
from piienc.keys import KeyFolder
from piienc.keys.openpgp.folder import PgpFolder
from piienc.report.model import SchemaFacts
from piienc.state import CellCounter
from piienc.storage import FileSource, FileTarget, StreamSource, StreamTarget
from piienc.tables import UnitSize
from piienc.transform import crypt
from piienc.verification.request import VerifyRequest
from piienc.verification.verify import verify

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from differential.case import Run
    from piienc.report.model import Report
    from piienc.schema import Schema


class Stopped(Exception):  # noqa: N818  # as exceptions of the flow are told
    """A run has ended with a bug of piienc, exit code 1: maybe its own proof has stopped it."""


@dataclass(frozen=True)
class Ways:
    """A step, as functions of a source and a target, of two paths, and of a table."""

    flow: Callable[..., Any]
    api: Callable[..., Any]
    table: Callable[..., Any]


@dataclass
class Hands:
    """The keysets, as verification asks for them."""

    used: bool = True

    def open(self, name: str):
        """Return a keyset, if keys are to be used."""
        return KEYSETS[name] if self.used else None

    def facts(self, name: str):
        """Return what may be known of a keyset."""
        return KEYSETS[name].facts


@dataclass
class Workshop:
    """A folder with the keys, the state, and the files of the case that is under way."""

    folder: Path
    schema_text: str = ""
    _counter: CellCounter | None = None
    _schema: Schema | None = field(default=None)
    _target: Path | None = None

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        if not (self.folder / "keys").exists():
            for name, keyset in KEYSETS.items():
                KeyFolder(self.folder / "keys").create(name, keyset, None)

    @property
    def counter(self) -> CellCounter:
        """What counts the cells of sealed keys, for all cases."""
        if self._counter is None:
            self._counter = CellCounter(self.folder / "state")
        return self._counter

    def begin(self, schema: str) -> None:
        """Take up a case: write its schema, and remove the files of the one before."""
        for path in self.folder.glob("x-*"):
            path.unlink()
        (self.folder / "schema.toml").write_text(schema, "utf-8", newline="")
        self.schema_text = schema
        self._schema = schemas.load(self.folder / "schema.toml")

    def encrypt(self, run: Run, source: Path, target: Path, left_out: frozenset[str] = frozenset()):
        """Encrypt a file."""
        keys = before_or_now if run.rotated else KEYSETS.__getitem__

        def by_flow(source, target):
            return crypt.encrypt_file(
                source,
                target,
                schema=self._schema,
                keys=keys,
                counter=self.counter,
                options=options_of(run),
                treatments=dict.fromkeys(left_out, "omit"),
            )

        def by_api(source, target, **where):
            return piienc.encrypt_file(source, target, threads=run.threads, **where)

        def by_table(table, **where):
            return piienc.encrypt_table(table, threads=run.threads, **where)

        self._through("encrypt-file", run, source, target, Ways(by_flow, by_api, by_table))

    def decrypt(self, run: Run, source: Path, target: Path, *columns: str) -> None:
        """Decrypt a file, all columns of it or some; by its own record, if the run is such."""
        schema = None if run.by_record else self._schema

        def by_flow(source, target):
            return crypt.decrypt_file(
                source,
                target,
                schema=schema,
                keys=KEYSETS.__getitem__,
                columns=columns,
                options=options_of(run),
            )

        def by_api(source, target, **where):
            where |= {"threads": run.threads, "columns": columns}
            where |= {"schema": None} if run.by_record else {}
            return piienc.decrypt_file(source, target, **where)

        def by_table(table, **where):
            where |= {"threads": run.threads, "columns": columns}
            where |= {"schema": None} if run.by_record else {}
            return piienc.decrypt_table(table, **where)

        self._through("decrypt-file", run, source, target, Ways(by_flow, by_api, by_table))

    @property
    def has_output(self) -> bool:
        """Whether the last command has left an output behind, or anything hidden."""
        return bool(self._target and self._target.exists()) or any(self.folder.glob(".*"))

    def _through(self, command, run, source, target, ways: Ways) -> None:
        """Take the door of a run."""
        self._target = target
        target.unlink(missing_ok=True)
        with working_by(run.engine):
            self._enter(command, run, source, target, ways)

    def _enter(self, command, run, source, target, ways: Ways) -> None:
        try:
            if run.door == "flow":
                ways.flow(FileSource(source), FileTarget(target))
            elif run.door == "stream":
                out = io.BytesIO()
                stream = io.BufferedReader(io.BytesIO(source.read_bytes()))
                ways.flow(StreamSource(stream), StreamTarget(out))
                target.write_bytes(out.getvalue())
            elif run.door == "api":
                ways.api(source, target, **self._where)
            elif run.door == "table":
                made = ways.table(in_memory(pq.read_table(source), run.seed), **self._where)
                pq.write_table(pa.table(made), target)
            else:
                self._command(command, run, source, target)
        except (Stopped, Wrong):
            raise
        except Exception as error:
            if isinstance(error, PiiencError) and error.exit_code != 1:
                raise
            raise Stopped(f"{command} ends with {error!r}") from error

    def _command(self, command: str, run: Run, source: Path, target: Path) -> None:
        ends = ["-", "-"] if run.door == "pipe" else [str(source), str(target)]
        arguments = [command, *ends, *self._options, "--threads", str(run.threads), "--quiet"]
        data = source.read_bytes() if run.door == "pipe" else b""
        done = run_piienc(arguments, data)
        if done.returncode:
            said = done.stderr.decode("utf-8", "replace")
            if done.returncode == 1:
                raise Stopped(f"{command} ends with 1: {said}")
            raise Wrong(command, f"ends with {done.returncode}: {said}")
        if run.door == "pipe":
            target.write_bytes(done.stdout)

    @property
    def _where(self) -> dict[str, Path]:
        folder = self.folder
        places = {name: folder / name for name in ("keys", "state")}
        return {"schema": folder / "schema.toml", **places}

    @property
    def _options(self) -> list[str]:
        return [part for name, path in self._where.items() for part in (f"--{name}", str(path))]

    def verify(self, run: Run, file: Path, *, keys: bool = True, **wanted) -> Report:
        """Verify a file in the process."""
        more = {"threads": run.threads, "units": units_of(run), **wanted}
        if "against" in more:
            more["against"] = FileSource(more["against"])
        facts = SchemaFacts("random", 1, "schema.toml", "0" * 64)
        with working_by(run.engine):
            return verify(
                FileSource(file),
                VerifyRequest(schema=self._schema, facts=facts, **more),
                keys=Hands(used=keys),
                pgp=PgpFolder(self.folder / "keys"),
            )

    def verify_by_command(self, run: Run, file: Path, *more: str) -> int:
        """Return the exit code of `piienc verify`."""
        with working_by(run.engine):
            return run_piienc(["verify", str(file), *self._options, *more, "--quiet"]).returncode


def in_memory(table: pa.Table, seed: int) -> pa.Table | pa.RecordBatchReader:
    """Return a table in chunks of any size that are slices of others, or as a stream of them."""
    random = Random(seed)
    twice = pa.concat_tables([table, table]).combine_chunks()
    chunks, begin = [], 0
    while begin < table.num_rows:
        size = random.randint(1, max(1, table.num_rows))
        chunks.append(twice.slice(begin, min(size, table.num_rows - begin)))
        begin += size
    table = pa.concat_tables(chunks) if chunks else table
    # The order of categories is not known of a stream.
    ordered = any(pa.types.is_dictionary(kind) and kind.ordered for kind in table.schema.types)
    return table if ordered or random.random() < 0.5 else table.to_reader()


def before_or_now(name: str):
    """Return a keyset as it was before it was rotated, if it was."""
    return before_rotation(name) if name.endswith("rotated") else KEYSETS[name]


def units_of(run: Run) -> UnitSize:
    """Return how large units are to be."""
    usual = UnitSize()
    return replace(
        usual,
        csv_bytes=run.unit,
        parquet_rows=run.unit,
        parquet_bytes=run.weight or usual.parquet_bytes,
    )


def options_of(run: Run) -> crypt.CryptOptions:
    """Return how a run is to be run."""
    return crypt.CryptOptions(overwrite=True, threads=run.threads, units=units_of(run))


def run_piienc(arguments: list[str], data: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    """Run the command line in a process of its own."""
    command = [sys.executable, "-m", "piienc", *arguments]
    return subprocess.run(command, input=data, capture_output=True, timeout=120, check=False)
