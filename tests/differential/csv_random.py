"""Random CSV files."""

from __future__ import annotations

from dataclasses import replace
from string import digits
from typing import TYPE_CHECKING

from differential.case import Column, Mark, Run
from differential.csv_case import IN_TWO_ORDERS, CsvCase, Field
from differential.engines import NATIVE, PLAIN
from differential.keysets import KEYSETS
from differential.texts import LETTERS, WIDE, Texts, typed_text, written_in
from piienc.base.charsets import EAST_ASIAN, SUPPORTED

if TYPE_CHECKING:
    from random import Random

SUFFIXES = ("", "", "", "", "", ".gz", ".zst", ".bz2", ".xz")
DELIMITERS = ",,,,,;;\t\t||: ^~\x01\x1f&#"
QUOTES = '""""""\'\'\'`|~$'
MANY = 8192  # cells that the core works on together, at the most
HEAVY = 16_000  # characters of a cell, of which few make more bytes than that
# No text by themselves, or the beginning of some.
STRANGE = b"\x80\x81\x8d\x8f\x90\x98\x9d\xa0\xa4\xc3\xe2\xed\xfa\xfd\xff"
TYPES = ("integer", "float", "boolean", "date", "timestamp", "decimal")


def random_csv(random: Random) -> CsvCase:
    """Return a CSV file of any kind that is valid."""
    delimiter = random.choice(DELIMITERS)
    quote = random.choice(QUOTES.replace(delimiter, ""))
    encoding = "utf-8" if random.random() < 0.5 else random.choice((*SUPPORTED, *EAST_ASIAN))
    columns = _columns(random, encoding, delimiter + quote)
    count = _row_count(random, len(columns))
    strange = random.random() < 0.15 and _may_be_strange(encoding, delimiter + quote)
    rows = _rows(random, columns, count, encoding, delimiter + quote, strange=strange)
    single = len(columns) == 1
    unended = random.random() < 0.2 and not (single and rows and rows[-1][0].text is None)
    some = frozenset(random.sample(range(count), random.randint(0, min(count, 5))))
    case = CsvCase(
        columns,
        rows,
        delimiter=delimiter,
        quote=quote,
        encoding=encoding,
        mark=_has_mark(random, encoding),
        big=random.random() < 0.5,
        header_quoted=random.random() < 0.15,
        line_end=random.choice(("\n", "\n", "\r\n")),
        odd=some if random.random() < 0.1 else frozenset(),
        blank=_blank(random, some) if not single else frozenset(),
        ended=not unended,
        trailing=random.random() < 0.08,
        strange=strange,
        packed=(packed := random.choice(SUFFIXES)),
        suffix=packed if random.random() < 0.8 else "",
        sealed_suffix=random.choice(SUFFIXES),
    )
    return _with_run(random, case)


def _may_be_strange(encoding: str, marks: str) -> bool:
    """Tell whether a file is kept whose unmarked fields hold any bytes, by docs/files.md."""
    if encoding in ("cp864", "iso2022_jp", "johab") or encoding.startswith(("utf-16", "utf-32")):
        return False
    if "a".encode(encoding) != b"a":  # EBCDIC
        return False
    whole = encoding not in EAST_ASIAN or encoding in ("euc_jp", "euc_kr", "gb2312")
    return whole or max(marks) < "@"


def _has_mark(random: Random, encoding: str) -> bool:
    """Tell whether a file has a byte order mark: if it must, or in one of six if it may."""
    if encoding in IN_TWO_ORDERS:
        return True
    return encoding.startswith(("utf-8", *IN_TWO_ORDERS)) and random.random() < 0.15


def random_mark(random: Random) -> Mark:
    """Return a column's key and context."""
    context = random.choice((None, None, None, "", "email", "Kontext ü", "c" * 300))
    return Mark(random.choice(sorted(KEYSETS)), context)


def random_run(random: Random, *, unit: int, stream: bool) -> Run:
    """Return how a case is run: mostly in the fastest way, sometimes as users do."""
    door = random.choices(("flow", "stream", "api", "cli", "pipe"), (80, 14, 5, 0.6, 0.4))[0]
    if not stream and door in ("stream", "pipe"):
        door = "flow"
    inside = door in ("flow", "stream")
    return Run(
        door,
        threads=random.randint(1, 4),
        unit=unit if inside else 0,
        seed=random.getrandbits(32),
        rotated=inside and random.random() < 0.2,
        mixed=random.random() < 0.25,
        finders=inside and random.random() < 0.1,
        others=random.random() < 0.25,
        engine=random.choice((NATIVE, NATIVE, PLAIN)),
        both=random.random() < 0.25,
        weight=random.choice((0, 64, 64, 300)) if inside else 0,
    )


def _with_run(random: Random, case: CsvCase) -> CsvCase:
    size = len(case.data())
    unit = random.choice((0, 0, 8, max(8, size // random.randint(2, 12))))
    unit = max(unit, size // 20) if unit else 0  # more blocks only take time
    run = random_run(random, unit=unit, stream=not case.suffix + case.sealed_suffix)
    marked = case.marked
    # Two columns stay: a null alone on its line is refused.
    if (
        run.door in ("flow", "stream") and len(case.columns) > 2 and random.random() < 0.1
    ):  # one goes
        omitted = random.randrange(len(case.columns))
        # A later one of the same name would take it: that is refused.
        if case.columns[omitted].name not in {column.called for column in case.columns}:
            run = replace(run, omitted=omitted)
    if run.door in ("flow", "stream") and len(marked) > 1 and random.random() < 0.1:
        run = replace(run, only=random.choice(marked), mixed=False)
    return replace(case, run=run)


def _blank(random: Random, rows: frozenset[int]) -> frozenset[int]:
    """Choose what blank lines stand behind: mostly nothing, sometimes rows, and the header."""
    chosen = rows if random.random() < 0.15 else frozenset()
    return chosen | {-1} if random.random() < 0.05 else chosen


def _columns(random: Random, encoding: str, marks: str) -> tuple[Column, ...]:
    count = 60 if random.random() < 0.01 else random.choice((1, 1, 2, 2, 3, 3, 4, 5, 6, 8, 12, 25))
    share = random.choice((0.3, 0.6, 1))
    chosen = [random.random() < share for _ in range(count)]
    chosen[random.randrange(count)] = True
    names = _names(random, count, encoding, marks)
    keep = random.random() < 0.1
    columns = []
    for name, marked in zip(names, chosen, strict=True):
        kind = random.choice(TYPES) if random.random() < 0.15 else "string"
        listed = marked or not keep or random.random() < 0.5
        columns.append(Column(name, kind, random_mark(random) if marked else None, listed))
    if random.random() < 0.1:
        columns = _called_alike(random, columns)
    return tuple(columns)


def _called_alike(random: Random, columns: list[Column]) -> list[Column]:
    """Call some columns like one of them; they have numbers then, and the schema names them all."""
    first, *others = sorted(random.sample(range(len(columns)), min(len(columns), 3)))
    name = columns[first].name
    if any(column.name.startswith(f"{name}.") for column in columns):
        return columns
    columns[first] = replace(columns[first], listed=True)
    for number, at in enumerate(others, 1):
        columns[at] = replace(columns[at], name=f"{name}.{number}", called=name, listed=True)
    return columns


def _names(random: Random, count: int, encoding: str, marks: str) -> list[str]:
    if random.random() < 0.7:
        return [f"c{number}" for number in range(count)]
    usable = written_in(encoding, LETTERS + WIDE + marks + " \n\r.'#")
    names = ["".join(random.choices(usable, k=random.randint(0, 8))) for _ in range(count)]
    return [f"{name.rstrip(digits)}{number}" for number, name in enumerate(names)]


def _row_count(random: Random, columns: int) -> int:
    if random.random() < 0.04:
        return max(1, 4000 // columns)
    if columns < 3 and random.random() < 0.12:
        return random.choice((MANY, MANY + 1, MANY + 900, MANY + 3000))
    if random.random() < 0.002:  # over a block of the usual size
        return max(1, 40_000 // columns)
    return min(random.choice((0, 1, 2, 3, 5, 8, 12, 20, 40, 90)), 400 // columns + 1)


def _rows(random, columns, count, encoding, marks, *, strange):
    case = CsvCase((), (), delimiter=marks[0], quote=marks[1])
    always = random.choice((0, 0, 0, 0.3, 1))  # quotes that are not needed
    heavy = len(columns) < 5 and 19 < count < MANY and random.random() < 0.6
    made = []
    for column in columns:
        texts = Texts(random, encoding, marks, long=count < MANY)
        nulls = random.choice((0, 0, 0.1, 0.5, 1) if count <= MANY and not heavy else (0, 0.1, 0.5))
        fields = []
        for _ in range(count):
            if random.random() < nulls:
                fields.append(Field(None))
                continue
            text = texts.one() if column.type == "string" else typed_text(random, column.type)
            if heavy and column.type == "string" and text:
                text = (text * (HEAVY // len(text)))[: random.choice((HEAVY, HEAVY - 16, 17, 1))]
            if strange and not column.mark:
                octet = bytes([random.choice(STRANGE)])
                text = random.choice(("", text)) + octet.decode("ascii", "surrogateescape")
            fields.append(Field(text, case.needs_quotes(text) or random.random() < always))
        made.append(fields)
    return tuple(zip(*made, strict=True))
