"""Random CSV files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from differential.case import Column, Mark, Run
from differential.csv_case import CsvCase, Field, is_utf8
from differential.keysets import KEYSETS
from differential.texts import LETTERS, WIDE, Texts, typed_text, written_in

if TYPE_CHECKING:
    from random import Random

ENCODINGS = (
    *("ascii", "latin-1", "iso8859-2", "iso8859-5", "iso8859-7", "iso8859-15", "cp1250", "cp1251"),
    *("cp1252", "cp1253", "cp1254", "cp437", "cp850", "koi8-r", "mac-roman", "shift_jis", "cp932"),
    *("euc_jp", "gb18030", "gbk", "big5", "euc_kr", "cp949", "utf-16", "utf-16-le", "utf-16-be"),
    *("utf-32", "utf-32-le", "utf-32-be", "iso2022_jp", "cp950", "big5hkscs"),
)
"""Those that are supported, beside UTF-8."""

DELIMITERS = ",,,,,;;\t\t||: ^~\x01\x1f&#"
QUOTES = '""""""\'\'\'`|~$'
TYPES = ("integer", "float", "boolean", "date", "timestamp", "decimal")


def random_csv(random: Random) -> CsvCase:
    """Return a CSV file of any kind that is valid."""
    delimiter = random.choice(DELIMITERS)
    quote = random.choice(QUOTES.replace(delimiter, ""))
    encoding = "utf-8" if random.random() < 0.6 else random.choice(ENCODINGS)
    columns = _columns(random, encoding, delimiter + quote)
    count = _row_count(random, len(columns))
    rows = _rows(random, columns, count, encoding, delimiter + quote)
    single = len(columns) == 1
    unended = random.random() < 0.2 and not (single and rows and rows[-1][0].text is None)
    some = frozenset(random.sample(range(count), random.randint(0, min(count, 5))))
    case = CsvCase(
        columns,
        rows,
        delimiter=delimiter,
        quote=quote,
        encoding=encoding,
        mark=is_utf8(encoding) and random.random() < 0.15,
        header_quoted=random.random() < 0.15,
        line_end=random.choice(("\n", "\n", "\r\n")),
        odd=some if random.random() < 0.1 else frozenset(),
        blank=some if random.random() < 0.15 and not single else frozenset(),
        ended=not unended,
        suffix=random.choice(("", "", "", "", ".gz", ".zst")),
    )
    return _with_run(random, case)


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
    )


def _with_run(random: Random, case: CsvCase) -> CsvCase:
    from dataclasses import replace

    size = len(case.text().encode())
    unit = random.choice((0, 0, 8, max(8, size // random.randint(2, 12))))
    unit = max(unit, size // 20) if unit else 0  # more blocks only take time
    run = random_run(random, unit=unit, stream=not case.suffix)
    marked = case.marked
    if run.door in ("flow", "stream") and len(marked) > 1 and random.random() < 0.1:
        run = replace(run, only=random.choice(marked), mixed=False)
    return replace(case, run=run)


def _columns(random: Random, encoding: str, marks: str) -> tuple[Column, ...]:
    count = random.choice((1, 1, 2, 2, 3, 3, 4, 5, 6, 8, 12, 25))
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
    return tuple(columns)


def _names(random: Random, count: int, encoding: str, marks: str) -> list[str]:
    if random.random() < 0.7:
        return [f"c{number}" for number in range(count)]
    usable = written_in(encoding, LETTERS + WIDE + marks + " \n\r.'#")
    names = ["".join(random.choices(usable, k=random.randint(0, 8))) for _ in range(count)]
    return [f"{name}{number}" for number, name in enumerate(names)]


def _row_count(random: Random, columns: int) -> int:
    if random.random() < 0.04:
        return max(1, 4000 // columns)
    return min(random.choice((0, 1, 2, 3, 5, 8, 12, 20, 40, 90)), 400 // columns + 1)


def _rows(random, columns, count, encoding, marks):
    case = CsvCase((), (), delimiter=marks[0], quote=marks[1])
    always = random.choice((0, 0, 0, 0.3, 1))  # quotes that are not needed
    made = []
    for column in columns:
        texts = Texts(random, encoding, marks)
        nulls = random.choice((0, 0, 0.1, 0.5, 1))
        fields = []
        for _ in range(count):
            if random.random() < nulls:
                fields.append(Field(None))
                continue
            text = texts.one() if column.type == "string" else typed_text(random, column.type)
            fields.append(Field(text, case.needs_quotes(text) or random.random() < always))
        made.append(fields)
    return tuple(zip(*made, strict=True))
