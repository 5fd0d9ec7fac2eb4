"""Profiles by name: the user's own, and those that come with piienc.

`own` is the user's tables from `piienc.toml`, as `settings` has read them: `check_own` has
found nothing wrong, so every base is there and no profile is based on itself.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from piienc.base import document
from piienc.errors import ConfigError
from piienc.receivers.model import BuiltInProfile, Demands, Profile

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from piienc.base.document import Mistake

    Own = Mapping[str, Demands]

_DATA = Path(__file__).parent / "data"


def names(profiles: Own) -> list[str]:
    """Return the names of all profiles, sorted."""
    return sorted({*_built_in(), *profiles})


def load(name: str, profiles: Own) -> Profile:
    """Return a profile; of the built-in ones, only those that it takes are read.

    Raises:
        ConfigError: there is no such profile, or it does not fit its base.
    """
    base = Profile(name=name)
    if name in profiles:
        table: Demands = profiles[name]
        if table.based_on is not None:
            base = load(table.based_on, profiles)
    elif name in _built_in():
        content = (_DATA / f"{name}.toml").read_bytes()
        table = document.parse(content, Path(f"{name}.toml"), BuiltInProfile)
    else:
        near = document.closest(name, names(profiles))
        raise ConfigError(
            f"there is no profile {name}",
            hint=f"did you mean {near}?" if near else "see 'piienc profiles list' for their names",
        )
    return table.over(base, name)


def check_own(tables: Mapping[str, Mapping[str, Any]]) -> Iterator[Mistake]:
    """Find what is wrong between the user's profiles: their names, and what they are based on.

    Args:
        tables: the tables by name, as TOML gives them.

    Returns:
        Places, counted from where the tables are, and what is wrong there.
    """
    built_in = _built_in()
    for name in tables:
        if name in built_in:
            yield (name,), f'a built-in profile; take another name and say based_on = "{name}"'
            continue
        chain = [name]
        while base := tables.get(chain[-1], {}).get("based_on"):
            chain.append(base)
            if base in built_in or base in chain[:-1]:
                break
        here = (name, "based_on")
        if chain[-1] == name and len(chain) > 1:
            yield here, f"comes back to itself: {' -> '.join(chain)}"
        elif len(chain) > 1 and chain[1] not in {*built_in, *tables}:
            near = document.nearest(chain[1], [*built_in, *tables])
            yield here, f"there is no such profile{near}"


def _built_in() -> list[str]:
    return sorted(path.stem for path in _DATA.glob("*.toml"))
