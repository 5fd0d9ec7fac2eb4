"""Encrypt and decrypt a folder of Parquet files, file by file, into another folder.

The folder appears when all of its files are complete; after an error, it does not appear. Names
are kept, including Hive partitions (`year=2026/month=11/part-0.parquet`). Such a name holds a
plain value, so a partition column cannot be marked.
"""

from __future__ import annotations

import time
from collections import Counter
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import unquote

from msgspec.structs import replace

from piienc.base.files import new_file, together
from piienc.base.folders import allow_open, files_below, new_folder, refuse_nested
from piienc.errors import InputError, PolicyError, UsageError
from piienc.report.receipt import ColumnFacts, FolderReceipt
from piienc.state import Marks
from piienc.storage import FileSource, StreamTarget
from piienc.tables import format_of
from piienc.transform import crypt
from piienc.transform.mark_policy import hold_to_marks

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence
    from pathlib import Path

    from piienc.keys import Keyset
    from piienc.report.receipt import Receipt
    from piienc.schema import Schema
    from piienc.state import CellCounter
    from piienc.storage import Source, Target
    from piienc.storage.progress import OnProgress


def encrypt(
    source: Source,
    target: Target,
    *,
    schema: Schema,
    keys: Callable[[str], Keyset],
    counter: CellCounter,
    options: crypt.CryptOptions = crypt.CryptOptions(),
) -> Receipt | FolderReceipt:
    """Encrypt the columns that the schema marks, of a file or of all files of a folder.

    Args:
        source: a file, or a folder of Parquet files.
        target: likewise; a folder must not be there yet.
        schema: as for `crypt.encrypt_file`.
        keys: likewise.
        counter: likewise.
        options: likewise.

    Raises:
        PiiencError: of the class that tells what is wrong; see `piienc.errors`.
    """
    one = partial(crypt.encrypt_file, keys=keys, counter=counter)
    if source.folder is None:
        return one(source, target, schema=schema, options=options)

    def check(in_names: frozenset[str]) -> None:
        hold_to_marks(schema, keys, Marks(counter.folder), in_names)

    return _each("encrypt-file", source.folder, target, schema, one, options, check=check)


def decrypt(
    source: Source,
    target: Target,
    *,
    schema: Schema | None,
    keys: Callable[[str], Keyset],
    columns: Collection[str] = (),
    options: crypt.CryptOptions = crypt.CryptOptions(),
) -> Receipt | FolderReceipt:
    """Decrypt encrypted columns, of a file or of all files of a folder.

    Args:
        source: a file, or a folder of Parquet files.
        target: likewise; a folder must not be there yet.
        schema: as for `crypt.decrypt_file`.
        keys: likewise.
        columns: likewise.
        options: likewise.

    Raises:
        PiiencError: of the class that tells what is wrong; see `piienc.errors`.
    """
    one = partial(crypt.decrypt_file, keys=keys, columns=columns)
    if source.folder is None:
        return one(source, target, schema=schema, options=options)
    return _each("decrypt-file", source.folder, target, schema, one, options)


def _each(
    step: str,
    source: Path,
    target: Target,
    schema: Schema | None,
    one: Callable[..., Receipt],
    options: crypt.CryptOptions,
    *,
    check: Callable[[frozenset[str]], object] = lambda _: None,
) -> FolderReceipt:
    """Do one step to each file of a folder, in the order of their names.

    `check` is called before, with the columns whose values are in the names of folders.
    """
    path = target.path
    if path is None:
        raise UsageError("a folder cannot go to a stream", hint="name a folder to be made")
    started = time.monotonic()
    refuse_nested(source, path)
    files = list(files_below(source))
    _require_parquet(source, files)
    in_names = frozenset(
        name for file in (source.name / each for each in files) for name in _told(file)
    )
    if schema:
        _refuse_marked(schema, in_names)
    check(in_names)
    file_schema = _without(schema, in_names) if schema else None
    total, done = sum((source / file).stat().st_size for file in files), 0
    receipts: list[Receipt] = []
    allow_open(len(files), str(source))
    # No file has a name before all are whole: a kill leaves nothing of them behind.
    with new_folder(path) as folder, together() as enter:
        for file in files:
            (folder / file).parent.mkdir(parents=True, exist_ok=True)
            stream = enter(new_file(folder / file, shown=path / file), folder / file)
            before = sum(receipt.rows for receipt in receipts)
            size = (source / file).stat().st_size
            how = replace(options, progress=_progress(options, before, done, size, total))
            ends = FileSource(source / file), StreamTarget(stream, str(path / file))
            receipts.append(one(*ends, schema=file_schema, options=how))
            done += size
    seconds = round(time.monotonic() - started, 3)
    return FolderReceipt(
        step,
        str(source),
        target.name,
        tuple(receipts),
        sum(receipt.rows for receipt in receipts),
        _columns(receipts),
        seconds,
        warnings=tuple(
            dict.fromkeys(warning for receipt in receipts for warning in receipt.warnings)
        ),
    )


def _require_parquet(source: Path, files: Sequence[Path]) -> None:
    if not files:
        raise InputError(
            f"{source}: no Parquet file is in the folder",
            hint="files whose names begin with _ or . are passed over",
        )
    others = [file for file in files if not _is_part(source / file)]
    if others:
        raise InputError(
            f"{source}: {len(others)} of {len(files)} files in the folder are not Parquet: "
            f"{others[0].name!r} is one",
            hint="a folder is worked on if all of its files are Parquet: take the others out",
        )


def _is_part(path: Path) -> bool:
    """Return whether a folder of such files is one table."""
    with FileSource(path).opened() as file:
        return format_of(file.head).in_folders


def _told(file: Path) -> Iterable[str]:
    """Return the columns whose values are in the names of a file's folders."""
    return (unquote(part.partition("=")[0]) for part in file.parent.parts if "=" in part)


def _refuse_marked(schema: Schema, in_names: frozenset[str]) -> None:
    """Refuse names that hold values of a marked column.

    Raises:
        PolicyError: a name holds one.
    """
    open_ = [name for name in schema.marked if name in in_names]
    if open_:
        raise PolicyError(
            f"the values of {', '.join(map(repr, open_))} stand in the names of folders, in clear, "
            f"and the schema {schema.name!r} marks the column",
            hint="write the files partitioned by other columns",
        )


def _without(schema: Schema, names: frozenset[str]) -> Schema:
    """Return a schema without the columns that are not in the files but in their names."""
    columns = {name: column for name, column in schema.columns.items() if name not in names}
    return replace(schema, columns=columns)


def _columns(receipts: Iterable[Receipt]) -> dict[str, ColumnFacts]:
    """Return the facts of all files' columns together."""
    cells, nulls = Counter[str](), Counter[str]()
    ids: dict[str, set[int]] = {}
    last: dict[str, ColumnFacts] = {}
    for receipt in receipts:
        for name, facts in receipt.columns.items():
            cells[name] += facts.cells
            nulls[name] += facts.nulls
            ids.setdefault(name, set()).update(facts.key_ids)
            last[name] = facts
    return {
        name: ColumnFacts(facts.key, facts.mode, tuple(sorted(ids[name])), cells[name], nulls[name])
        for name, facts in last.items()
    }


def _progress(
    options: crypt.CryptOptions, rows: int, done: int, size: int, total: int
) -> OnProgress | None:
    """Return a callback that converts the progress in one file to that in all files."""
    report = options.progress
    if report is None:
        return None
    return lambda file_rows, _, share: report(
        rows + file_rows,
        done + int(size * (share or 0)),
        (done + size * (share or 0)) / max(1, total),
    )
