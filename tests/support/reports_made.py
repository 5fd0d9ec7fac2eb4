"""Reports of verifications, made by hand: of all that a report may tell."""

from __future__ import annotations

from msgspec.structs import replace

from piienc.report.model import ColumnReport, Finding, Report, SchemaFacts
from piienc.report.receipt import FileFacts

HOSTILE = (
    "<script>document.title='run'</script>",
    '"><img src=x onerror="document.title=\'run\'">',
    "a'b\"c&d|e`f*g_h[i](javascript:j)",
    "\u202egpj.exe\u200f",
    "\x1b[31mred\x07\r\n::error::forged%0A",
    "[bold]markup[/bold] :smile:",
    "]]><![CDATA[",
    "{{ 7 * 7 }}{% raw %}",
    "@everyone #1 www.example.com",
    "long" * 500,
    "\ud800",
)
"""Names of columns that mean something to somebody who reads them."""

CLEAN = Report(
    step="verify",
    tool="piienc 0.1.0",
    time="2026-11-24T18:00:00Z",
    file=FileFacts("exports/people.enc.csv", 118_000_000, "ab" * 32),
    schema=SchemaFacts("people", 3, "schema.toml", "cd" * 32),
    expect="encrypted",
    against=None,
    profile=None,
    wrapped=False,
    round_trip=(),
    rows=5_000,
    columns={
        "id": ColumnReport("integer", marked=False),
        "email": ColumnReport(
            "string",
            marked=True,
            key="lookup",
            mode="searchable",
            context="email",
            key_ids=(1111111111,),
            encrypted=5_000,
            authentic=5_000,
            distinct=4_800,
            most_frequent=3,
        ),
        "note": ColumnReport(
            "string",
            marked=True,
            key="vault",
            mode="sealed",
            context="note",
            key_ids=(2222222222,),
            nulls=2_000,
            encrypted=3_000,
            authentic=3_000,
        ),
    },
    findings=(),
    counts={},
    errors=0,
    missing_keys=(),
    seconds=1.25,
)
"""Nothing was found."""

EMPTY = replace(CLEAN, file=FileFacts("-", 0, "00" * 32), rows=0, columns={})
"""A stream without columns."""

FULL = replace(
    CLEAN,
    against=FileFacts("people.csv", 40_000, "ef" * 32),
    profile="clevertap",
    round_trip=("columns", "message"),
    columns={
        **CLEAN.columns,
        "id": replace(CLEAN.columns["id"], failures={"unique": 12, "type": 1}),
        "email": replace(
            CLEAN.columns["email"],
            authentic=1_985,
            failures={"authentic": 3_015, "leak": 1},
            distinct=7,
            most_frequent=4_100,
        ),
        "phone": ColumnReport(
            "string",
            marked=False,
            nulls=17,
            suspicious={"phone": 4_983},
            failures={"max_length": 2},
        ),
        "stray": ColumnReport(None, marked=False, failures={"columns": 1}),
    },
    findings=(
        Finding(None, None, "rows", "5,000 rows here, 5,001 rows there"),
        Finding(
            None, "email", "leak", "7 different values; 82.0% of the cells are alike", "warning"
        ),
        Finding(None, "gone", "columns", "the file lacks it"),
        Finding(None, "phone", "personal", "4,983 cells look like phone numbers", "warning"),
        Finding(None, "stray", "columns", "the schema does not name it"),
        Finding(3, "id", "type", "not an integer"),
        Finding(5, "id", "unique", "stands in row 2 already"),
        Finding(9, "id", "unique", "stands in row 2 already"),
        Finding(17, "email", "authentic", "not authentic"),
        Finding(18, "email", "authentic", "not authentic"),
        Finding(40, "email", "authentic", "not authentic"),
        Finding(40, "phone", "max_length", "longer than 80 characters"),
        Finding(41, "phone", "max_length", "longer than 80 characters"),
    ),
    counts={
        "rows": 1,
        "leak": 1,
        "columns": 2,
        "personal": 4_983,
        "type": 1,
        "unique": 12,
        "authentic": 3_015,
        "max_length": 2,
    },
    errors=3_033,
    warnings=("the ledger does not know this file",),
)
"""Errors and warnings of many kinds, compared with an original."""

_FOR_LACK = {"authentic": "key vault is not there", "value": "key vault is not there"}
LOCKED = replace(
    CLEAN,
    file=FileFacts("people.parquet.pgp", 9_000, "ab" * 32),
    wrapped=True,
    columns={
        **CLEAN.columns,
        "note": replace(
            CLEAN.columns["note"], mode=None, key_ids=(), authentic=None, unchecked=_FOR_LACK
        ),
    },
    missing_keys=("vault",),
)
"""A wrapped file, and a key that is not there."""

HOSTILE_NAMES = replace(
    CLEAN,
    file=FileFacts("x\n::error::forged,:%<script>document.title='run'</script>.csv", 1, "ab" * 32),
    columns={
        name: ColumnReport("string", marked=False, failures={"required": 1}) for name in HOSTILE
    },
    findings=tuple(Finding(1, name, "required", "null") for name in HOSTILE),
    counts={"required": len(HOSTILE)},
    errors=len(HOSTILE),
    warnings=("a warning of <script>document.title='run'</script>\r\n::error::forged",),
)
"""Each name is somebody's attempt."""

LARGE = replace(
    CLEAN,
    rows=1_000_000,
    columns={
        f"column_{number:03}": ColumnReport(
            "string",
            marked=False,
            nulls=number * 1_000,
            failures={"pattern": 250} if number % 7 == 0 else {},
        )
        for number in range(300)
    },
    findings=tuple(
        Finding(row * 3 + 1, f"column_{number:03}", "pattern", "does not match the pattern")
        for number in range(0, 300, 7)
        for row in range(233)
    ),
    counts={"pattern": 43 * 250},
    errors=43 * 250,
)
"""300 columns, and about 10,000 findings that are listed."""

ALL = {
    "clean": CLEAN,
    "empty": EMPTY,
    "full": FULL,
    "locked": LOCKED,
    "hostile": HOSTILE_NAMES,
    "large": LARGE,
}
