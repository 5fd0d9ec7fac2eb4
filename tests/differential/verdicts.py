"""`verify` in all its forms: silent on a good file, and not on one with one damaged cell or row."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

from differential.case import Wrong
from differential.damage import AGAINST, BY_FORM, BY_KEY, DECRYPT, VERIFY, damages, shuffled
from piienc.errors import PiiencError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from differential.case import Column, Run
    from differential.damage import Grid, Table
    from differential.doors import Workshop
    from piienc.report.model import Report

FORMS = 2  # of verification, of a good file; there are six
DAMAGED_FORMS = 1  # and of a damaged one
FINDINGS = 10  # the exit code
INNOCENT = {"personal", "leak"}  # rules that random values may well break


def judge(shop: Workshop, run: Run, table: Table, plain: Path, sealed: Path) -> None:
    """Hold a good file to its schema, to its original, and without keys; and the original, too."""
    if run.door in ("cli", "pipe"):
        _judge_by_command(shop, run, table, plain, sealed)
        return
    name = table.columns[table.key].name
    forms: dict[str, tuple[Path, dict[str, object]]] = {
        "verify": (sealed, {}),
        "--against": (sealed, {"against": plain}),
        "--key-column": (sealed, {"against": plain, "key_column": name}),
        "--without-keys": (sealed, {"keys": False}),
        "--expect plain": (plain, {"expect": "plain"}),
        "--round-trip": (plain, {"expect": "plain", "round_trip": True}),
    }
    for form in Random(run.seed).sample(sorted(forms), FORMS):
        file, wanted = forms[form]
        report = _verified(shop, run, form, file, wanted)
        if errors := _errors(report, table.columns):
            raise Wrong(f"verify {form}", f"finds {errors[0]}")
        _count(form, report, table.columns, table.plain)


def _judge_by_command(shop: Workshop, run: Run, table: Table, plain: Path, sealed: Path) -> None:
    by_key = ["--key-column", table.columns[table.key].name]
    for file, options in (
        (sealed, ["--against", str(plain), *Random(table.rows).choice(([], by_key))]),
        (plain, ["--expect", "plain", "--round-trip"]),
    ):
        code = shop.verify_by_command(run, file, *options)
        if code and (code != FINDINGS or all(column.type for column in table.columns)):
            raise Wrong("verify", f"{options} ends with {code}")


def judge_damage(
    shop: Workshop, run: Run, table: Table, plain: Path, write: Callable[[Grid], Path]
) -> None:
    """Damage the encrypted file, and see that it is found; another order is no damage by key."""
    name = table.columns[table.key].name
    forms: dict[str, dict[str, object]] = {
        VERIFY: {},
        AGAINST: {"against": plain},
        BY_KEY: {"against": plain, "key_column": name},
        BY_FORM: {"keys": False},
    }
    if (other := shuffled(table, run.seed)) is not None:
        report = _verified(shop, run, BY_KEY, write(other), forms[BY_KEY])
        if errors := _errors(report, table.columns):
            raise Wrong("verify --key-column", f"finds in another order: {errors[0]}")
    if (damage := next(damages(table, run.seed), None)) is None:
        return
    file = write(damage.sealed)
    able = sorted(damage.found_by & set(forms))
    for form in Random(run.seed).sample(able, min(len(able), DAMAGED_FORMS)):
        report = _verified(shop, run, form, file, forms[form])
        if not _errors(report, table.columns):
            raise Wrong(f"verify {form}", f"does not find: {damage.name}")
    if DECRYPT in damage.found_by:
        _require_refusal(shop, run, file, damage.name)


def _require_refusal(shop: Workshop, run: Run, file: Path, what: str) -> None:
    target = file.with_name(f"x-refused{file.name[file.name.index('.') :]}")
    try:
        shop.decrypt(run, file, target)
    except PiiencError:
        pass
    except Wrong:  # an exit code that is neither 0 nor 1
        if run.door not in ("cli", "pipe"):
            raise
    else:
        raise Wrong("decrypt", f"takes: {what}")
    if target.exists():
        raise Wrong("decrypt", f"leaves a file behind: {what}")


def _verified(shop: Workshop, run: Run, form: str, file: Path, wanted: dict) -> Report:
    try:
        return shop.verify(run, file, **wanted)
    except PiiencError as error:
        raise Wrong(f"verify {form}", f"refuses the file: {error}") from error


def _errors(report: Report, columns: tuple[Column, ...]) -> list[str]:
    untyped = {column.name for column in columns if column.type is None}
    return [
        f"{one.rule}: {one.detail} in {one.column!r}, row {one.row}"
        for one in report.findings
        if one.severity == "error"
        and one.rule not in INNOCENT
        and not (one.rule == "type" and one.row is None and one.column in untyped)
    ]


def _count(form: str, report: Report, columns: tuple[Column, ...], plain: Grid) -> None:
    """Compare what was counted with what is there."""
    if report.rows != len(plain[0]):
        raise Wrong(f"verify {form}", f"counts {report.rows} rows of {len(plain[0])}")
    for column, cells in zip(columns, plain, strict=True):
        found, nulls = report.columns[column.name], sum(cell is None for cell in cells)
        if found.nulls != nulls:
            raise Wrong(f"verify {form}", f"counts {found.nulls} nulls of {nulls}")
        if column.mark and found.authentic not in (None, len(cells) - nulls):
            raise Wrong(f"verify {form}", f"counts {found.authentic} of {len(cells) - nulls}")
