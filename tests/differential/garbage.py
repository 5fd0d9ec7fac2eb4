"""Garbage for both engines: blocks of bytes in any dialect, and cells that are no ciphertexts.

Whatever it is, both must say the same of it: records, verdicts, the fault and its place, and the
same bytes where they write something.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass, field, replace
from functools import cache
from random import Random
from typing import TYPE_CHECKING, Any

from differential.keysets import KEYSETS
from piienc.core import ColumnKey, Dialect, NativeEngine, PlainEngine, Strings
from piienc.core.choice import LIBRARY
from piienc.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from piienc.core import Engine, FoundRecords

BLOCKS, BATCHES = 100, 10  # of each seed
MANY = 9000  # cells: more than the core works on together
LENGTHS = (0, 1, 15, 16, 17, 31, 32, 33, 63, 64, 100, 1023, 1024, 1025, 3000)
WORDS = (b"", b"a", b"ab", b"NULL", b"\\N", b"\xff\xfe", "é€😀".encode(), b"\0", b" ", b"x" * 70)
NAMES = sorted(KEYSETS)


@dataclass
class Compared:
    """How much was compared, and what differs."""

    blocks: int = 0
    cells: int = 0
    differences: list[str] = field(default_factory=list)

    def add(self, other: Compared) -> None:
        """Take what another seed has given."""
        self.blocks += other.blocks
        self.cells += other.cells
        self.differences += other.differences


@dataclass(frozen=True)
class Garbage:
    """What may be records, and the seed of what is written into them."""

    data: bytes
    dialect: Dialect
    columns: int
    final: bool
    seed: int


@cache
def engines() -> tuple[Engine, ...]:
    """Return the plain engine, and the native one if a core was compiled."""
    native = NativeEngine.load(LIBRARY)
    return (PlainEngine(), native) if native else (PlainEngine(),)


def compare_garbage(seed: int) -> Compared:
    """Give the garbage of a seed to both engines; to none, if there is one only."""
    found = Compared()
    if len(engines()) == 1:
        return found
    random = Random(seed)
    for _ in range(BLOCKS):
        block = _block(random)
        found.blocks += 1
        if _block_differs(block):
            block = _shrunk(block)
            plain, native = (_told_of_block(engine, block) for engine in engines())
            found.differences.append(f"{block}: plain {plain}, native {native}")
    for _ in range(BATCHES):
        count = MANY if random.random() < 0.002 else random.randint(0, 30)
        found.cells += count
        found.differences += _compare_cells(random, count)
    return found


def _block_differs(block: Garbage) -> bool:
    plain, native = (_told_of_block(engine, block) for engine in engines())
    return plain != native


def _shrunk(block: Garbage) -> Garbage:
    """Return the smallest block that is found to differ still."""
    smaller = next(filter(_block_differs, _smaller(block)), None)
    return block if smaller is None else _shrunk(smaller)


def _smaller(block: Garbage) -> Iterator[Garbage]:
    size = len(block.data)
    while size:
        for at in range(0, len(block.data), size):
            yield replace(block, data=block.data[:at] + block.data[at + size :])
        size //= 2


def _told_of_block(engine: Engine, block: Garbage) -> Any:
    """Return all that an engine says of a block."""
    try:
        with engine.find(block.data, block.dialect, block.columns, final=block.final) as records:
            facts = records.count, records.columns, records.size, records.lines, records.fault
            columns = [records.column(number) for number in range(records.columns)]
            values = [(column.null_count, column.to_list()) for column in columns]
            return facts, [*records.starts()], values, _told_of_splice(records, block)
    except Exception as error:  # noqa: BLE001  # whatever it is, it is compared
        return repr(error)


def _told_of_splice(records: FoundRecords, block: Garbage) -> Any:
    if not records.columns:
        return None
    random = Random(block.seed)
    actions = random.choices(("keep", "drop", "write"), k=records.columns)
    actions[random.randrange(records.columns)] = random.choice(("keep", "write"))
    pieces = [*WORDS, *_special(block.dialect)]
    nulls = random.choice((0, 0.3))
    changes = {
        number: _laid_out(random, [_value(random, pieces, nulls) for _ in range(records.count)])
        for number, action in enumerate(actions)
        if action == "write"
    }
    dropped = [number for number, action in enumerate(actions) if action == "drop"]
    try:
        spliced = records.spliced(changes, dropped)
    except Exception as error:  # noqa: BLE001  # the same
        return repr(error)
    return bytes(spliced.data), [*spliced.starts]


def _value(random: Random, pieces: Sequence[bytes], nulls: float) -> bytes | None:
    if random.random() < nulls:
        return None
    return b"".join(random.choices(pieces, k=random.choice((0, 1, 1, 2, 4))))


def _laid_out(random: Random, strings: Sequence[bytes | None]) -> Strings:
    """Lay strings out as they may well be: among others' bytes, and in wide offsets."""
    plain = Strings.of(strings)
    before, wide = random.choice((b"", b"", b'x,"\n')), random.random() < 0.3
    offsets = [len(before) + each for each in memoryview(plain.offsets).tolist()]
    width = 8 if wide else 4
    packed = b"".join(each.to_bytes(width, "little") for each in offsets)
    validity = plain.validity and bytearray(plain.validity)
    if validity and len(strings) % 8:
        validity[-1] |= 0xFF << len(strings) % 8 & 0xFF  # bits of no string
    moved = memoryview(b"-" + packed)[1:]  # not aligned
    return Strings(
        len(strings),
        random.choice((packed, moved)),
        before + plain.data + random.choice((b"", b'"\n')),
        validity,
        wide,
    )


def _dialect(random: Random) -> Dialect:
    if random.random() < 0.4:
        return Dialect(delimiter=random.choice((b",", b";")), quote=random.choice((b'"', b"'")))
    while True:
        try:
            return Dialect(
                delimiter=random.choice((b",", b",", b"\t", b"||", b"<->", b"\xa7\xa7\xa7\xa7")),
                quote=random.choice((b'"', b'"', b"'", b"")),
                escape=random.choice((b"", b"", b"\\", b"/")),
                comment=random.choice((b"", b"", b"#", b"//", b"-- ")),
                nulls=random.choice(((b"",), (), (b"\\N", b"NULL"), (b"", b"a"), (b"#",))),
                line_end=random.choice((b"\n", b"\r\n", b"\r", b"\r\r\n")),
                lenient=random.random() < 0.4,
                trailing=random.random() < 0.3,
            )
        except ConfigError:  # such a dialect is none
            continue


def _special(dialect: Dialect) -> list[bytes]:
    marks = [dialect.delimiter, dialect.quote, dialect.quote * 2, dialect.escape, dialect.comment]
    marks += [dialect.delimiter[:1], *dialect.nulls, b"\n", b"\r", b"\r\n", dialect.line_end]
    return [mark for mark in marks if mark]


def _block(random: Random) -> Garbage:
    dialect = _dialect(random)
    columns = random.choice((0, 1, 1, 2, 2, 3, 4))
    data = (_soup if random.random() < 0.4 else _nearly_right)(random, dialect, columns or 2)
    return Garbage(data, dialect, columns, random.random() < 0.5, random.getrandbits(32))


def _soup(random: Random, dialect: Dialect, _: int) -> bytes:
    pieces = [*WORDS, *_special(dialect) * random.choice((1, 3))]
    return b"".join(random.choices(pieces, k=random.randint(0, 40)))


def _nearly_right(random: Random, dialect: Dialect, columns: int) -> bytes:
    """Write records, and do some damage to them, or none."""
    pieces, plain = [*WORDS, *_special(dialect)], [*WORDS[:4], b"x" * random.randrange(70)]
    quote, end = dialect.quote, dialect.line_end
    odd = random.choice((0, 0.1, 0.5))

    def written() -> bytes:
        if random.random() >= odd or not quote:
            return random.choice(plain)
        value = _value(random, pieces, 0) or b""
        if dialect.escape:
            value = value.replace(dialect.escape, dialect.escape * 2)
        return quote + value.replace(quote, quote * 2) + quote

    lines = []
    for _ in range(random.randint(0, 12)):
        lines.append(dialect.delimiter.join(written() for _ in range(columns)))
        lines.append(
            end if random.random() >= odd / 4 else random.choice((b"\n", b"\r\n", b"\n\n"))
        )
    data = b"".join(lines)
    for _ in range(random.choice((0, 0, 1, 2))):
        at = random.randint(0, len(data))
        data = data[:at] + random.choice((b"", *pieces)) + data[at + random.randint(0, 2) :]
    return data[: random.randint(0, len(data))] if random.random() < 0.2 else data


def _keys(random: Random) -> list[ColumnKey]:
    """Return some keys of one mode."""
    mode = random.choice(("searchable", "sealed"))
    context = random.choice((b"", b"email", b"c" * 33))
    sets = [KEYSETS[name] for name in NAMES if name.startswith(mode)]
    keys = [key for keyset in sets for key in keyset.keys]
    chosen = random.sample(keys, random.randint(1, len(keys)))
    return [ColumnKey(mode, key.material, context, key.output_prefix) for key in chosen]


def _compare_cells(random: Random, count: int) -> list[str]:
    """Seal, damage and open some cells by both engines; return what differs."""
    plain, native = engines()
    keys, text, nulls = _keys(random), random.random() < 0.5, random.choice((0, 0.2))
    values = [_plaintext(random, nulls, short=count == MANY) for _ in range(count)]
    laid, key = _laid_out(random, values), random.choice(keys)
    sealed = [engine.seal(laid, key, text=text).to_list() for engine in engines()]
    told = []
    if key.mode == "searchable" and sealed[0] != sealed[1]:
        told.append("seal")
    for engine, cells in ((plain, sealed[1]), (native, sealed[0])):
        if engine.open(Strings.of(cells), [key], text=text).cells.to_list() != values:
            told.append(f"{engine.name} does not open what the other one has sealed")
    others = plain.seal(laid, random.choice(keys), text=text).to_list()
    pools = list(zip(*sealed, others, strict=True))
    stored = [_stored(random, random.choice(pool), keys) for pool in pools]
    cells, short = _laid_out(random, stored), stored[:3]
    begins = [cell[: random.randint(1, 8)] for cell in short if cell] or [b"\x01"]
    for name, tell in {
        "open": lambda engine, some: _opened(engine, some, keys, text=text),
        "decoded": lambda engine, some: engine.decoded(some).to_list(),
        "beginning": lambda engine, some: engine.beginning(some, begins),
        "not_text": lambda engine, some: engine.not_text(some),
    }.items():
        if tell(plain, cells) == tell(native, cells):
            continue
        single = [Strings.of([cell]) for cell in stored]
        alone = next((one for one in single if tell(plain, one) != tell(native, one)), None)
        what = (
            f"{alone.to_list()}: plain {tell(plain, alone)}, native {tell(native, alone)}"
            if alone
            else ""
        )
        told.append(f"{name}: {what or 'only side by side'}")
    return [f"cells: {what}; {len(keys)} {key.mode} keys, text={text}" for what in told]


def _opened(engine: Engine, cells: Strings, keys: Sequence[ColumnKey], *, text: bool) -> Any:
    opened = engine.open(cells, keys, text=text)
    return bytes(opened.verdicts), opened.cells.to_list(), opened.cells.null_count


def _plaintext(random: Random, nulls: float, *, short: bool) -> bytes | None:
    if random.random() < nulls:
        return None
    return random.randbytes(random.randrange(40) if short else random.choice(LENGTHS))


def _stored(random: Random, cell: bytes | None, keys: Sequence[ColumnKey]) -> bytes | None:
    """Return a cell as it is, or damaged, or something else."""
    if cell is None or random.random() < 0.5:
        return cell
    at = random.randint(0, len(cell))
    prefix = random.choice(keys).prefix
    noise = random.randbytes(random.choice(LENGTHS[:11]))
    return random.choice(
        (
            cell[:at] + cell[at + 1 :],
            cell[:at],
            cell[at:],
            cell[:at] + random.choice((b"=", b"\n", b"A", b"\0", b" ")) + cell[at + 1 :],
            cell[: len(cell) // 4 * 4 - 1] + random.choice((b"=", b"==", b"B", b"")),
            prefix + noise,
            base64.b64encode(prefix + noise),
            noise,
            b"",
        )
    )
