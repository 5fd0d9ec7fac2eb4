"""What has come of the mutants, held against the list of those that change nothing."""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mutate import Mutant

EQUIVALENT = Path(__file__).with_name("equivalent.toml")


def explained() -> dict[str, str]:
    """Read the list of mutants that change nothing: by name, the reason."""
    groups = tomllib.loads(EQUIVALENT.read_text("utf-8"))["same"]
    return {name: group["reason"] for group in groups for name in group["mutants"]}


def report(ends: dict[Mutant, tuple[str, str]], files: Sequence[str], match: str) -> int:
    """Print what came of the mutants; return the exit code."""
    known = explained()
    survivors = {m.name: m for m, (end, _) in ends.items() if end == "survived"}
    open_ones = [mutant for name, mutant in survivors.items() if name not in known]
    tried = [n for n in known if n.partition(":")[0] in files and re.search(match, n)]
    stale = [name for name in tried if name not in survivors]
    counts = Counter(end for end, _ in ends.values())
    killed = len(ends) - counts["survived"]
    for mutant in open_ones:
        why = f"  ({ends[mutant][1]})" if ends[mutant][1] else ""
        print(f"SURVIVED  src/piienc/{mutant.file}:{mutant.line}  {mutant.name}{why}")
    for name in stale:
        print(f"NOT SO    {EQUIVALENT.name} lists what does not survive, or is not there: {name}")
    by_file: dict[str, list[bool]] = {}
    for mutant, (end, _) in ends.items():
        by_file.setdefault(mutant.file, []).append(end != "survived")
    for file, flags in by_file.items():
        print(f"{file:24} {sum(flags):5} of {len(flags):5}  {sum(flags) / len(flags):7.1%}")
    kinds = ", ".join(f"{counts[kind]} by {kind}" for kind in ("failed test", "time-out", "crash"))
    print(f"{len(ends)} mutants, {killed} killed ({killed / max(1, len(ends)):.1%}): {kinds}")
    print(
        f"{counts['survived']} survived: {counts['survived'] - len(open_ones)} change nothing, "
        f"as {EQUIVALENT.name} says, and {len(open_ones)} are not explained"
    )
    return 1 if open_ones or stale else 0
