"""What pytest is told for a mutant: limits, which tests, what is shared, and the module itself."""

from __future__ import annotations

import importlib.machinery
import resource
import signal
from typing import TYPE_CHECKING, Any

import pytest
from install import SOURCE, module_name

if TYPE_CHECKING:
    import ast
    from collections.abc import Sequence

    from mutate import Mutant

SHARED = "partner"
"""A fixture of the session that takes seconds: made once, for all processes."""

_SECONDS, _TIMES = 5, 10  # a test may take so long, and so many times as long as unchanged


class Limits:
    """Ends the process in which a test takes too long, and knows whether one has failed.

    Args:
        seconds: how long each test has taken, by its node id.
    """

    def __init__(self, seconds: dict[str, float]) -> None:
        self._seconds = seconds
        self.failed: str | None = None

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """Set the limits: of time for what waits, and of processor time for what runs for ever."""
        limit = _SECONDS + _TIMES * self._seconds.get(nodeid, 0)
        used = resource.getrusage(resource.RUSAGE_SELF)
        _, hard = resource.getrlimit(resource.RLIMIT_CPU)
        soft = int(used.ru_utime + used.ru_stime + limit + 1)
        resource.setrlimit(resource.RLIMIT_CPU, (soft, hard))
        signal.setitimer(signal.ITIMER_REAL, 20 * limit)  # others may use the processors, too

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take note of a failure."""
        if report.failed:
            self.failed = self.failed or report.nodeid


class Selection:
    """Of what is collected anew, keeps some tests, in their order."""

    def __init__(self, tests: Sequence[str]) -> None:
        self._order = {test: index for index, test in enumerate(tests)}

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Keep them."""
        items[:] = [item for item in items if item.nodeid in self._order]
        items.sort(key=lambda item: self._order[item.nodeid])


class Shared:
    """Gives what a fixture of another session has made."""

    def __init__(self, value: Any) -> None:
        self._value = value

    @pytest.hookimpl(tryfirst=True)
    def pytest_fixture_setup(self, fixturedef: Any, request: Any) -> Any:
        """Give it, instead of making it anew."""
        if fixturedef.argname != SHARED:
            return None
        fixturedef.cached_result = self._value, fixturedef.cache_key(request), None
        return self._value


class MutatedModule(importlib.machinery.PathFinder):
    """Finds one module as it is changed."""

    def __init__(self, mutant: Mutant, tree: ast.Module) -> None:
        self._name = module_name(mutant.file)
        self._code = compile(tree, SOURCE / mutant.file, "exec")

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:  # type: ignore[override]
        """Return the specification of the module, with the changed code."""
        if name != self._name:
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path, target)
        if spec is not None and spec.loader is not None:
            spec.loader.get_code = lambda _name: self._code  # type: ignore[attr-defined]
        return spec
