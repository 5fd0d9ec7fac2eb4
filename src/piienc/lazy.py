"""Names and modules that are imported when they are first used: PEP 562."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


def lazily(package: str, **homes: str) -> Callable[[str], object]:
    """Return the `__getattr__` of a package, which stays cheap to import.

    Args:
        package: its name.
        homes: names with blanks between, by the module in which they are at home; of one in a
            package, two underscores stand for the dot.
    """
    modules = {name: home for home, names in homes.items() for name in names.split()}

    def __getattr__(name: str) -> object:  # noqa: N807  # it is one
        if name not in modules:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        module = modules[name].replace("__", ".")
        return getattr(import_module(f"{package}.{module}"), name)

    return __getattr__


class _LazyModule(ModuleType):
    """A module that is imported when one of its names is asked for."""

    def __getattr__(self, name: str) -> object:
        return getattr(import_module(self.__name__), name)


def module(name: str) -> ModuleType:
    """Return a heavy module that code may name without importing it."""
    return _LazyModule(name)
