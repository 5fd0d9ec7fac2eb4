"""Mutation testing: changes the code at one place at a time, and sees whether a test fails.

    make mutants                 all files of `ROOMS`
    make mutants ONLY=keys       those whose paths begin so; several with blanks between
    make mutants MATCH=_key_id   the mutants whose names a regular expression finds
    make mutants JOBS=1          in one process at a time, instead of two

pytest is loaded once, and has collected. For each mutant, a process is forked that changes the
function in memory, or runs a statement of the module again, and then runs the tests of the room
that come by the changed lines, as a run with coverage has told, fastest first, until one fails.
What takes effect at import alone is imported anew, with all that imports it.

A mutant that no test notices must stand in `equivalent.toml`, with the reason why nobody could see
the change; `make mutants` fails for any other, and for what stands there and does not survive.
"""

from __future__ import annotations

import ast
import contextlib
import functools
import gc
import importlib
import importlib.machinery
import os
import pickle
import re
import shutil
import sys
import tempfile
import time
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import coverage
import pytest
from hypothesis import HealthCheck, Phase, settings
from install import (
    ROOT,
    SOURCE,
    Put,
    functions_of,
    is_ours,
    lines_that_use,
    module_name,
    names_at_import,
    put_function,
    put_statement,
)
from mutate import Mutant, mutants_of
from plugins import SHARED, Limits, MutatedModule, Selection, Shared
from processes import end_of, in_processes

from report import report

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import FunctionType

    from processes import Task

_PARQUET = [
    f"tests/transform/{path.name}" for path in sorted(ROOT.glob("tests/transform/test_parquet*.py"))
]
ROOMS = {
    "audit/begun.py": ["tests/audit"],
    "audit/keys.py": ["tests/audit"],
    "keys/": ["tests/keys"],
    "core/plain/": [
        "tests/core",
        "tests/columns/test_plain_path.py",
        "tests/transform/test_proof.py",
    ],
    "checks/": ["tests/checks", "tests/receivers"],
    "receivers/demands.py": ["tests/checks", "tests/receivers"],
    "receivers/row_checks.py": ["tests/checks", "tests/receivers"],
    "receivers/stored.py": ["tests/checks", "tests/receivers"],
    "columns/typed.py": ["tests/columns/test_typed.py", *_PARQUET],
    "tables/parquet/source.py": ["tests/tables", "tests/transform/test_limits.py", *_PARQUET],
    "transform/marks.py": ["tests/transform", "tests/verification"],
    "transform/treatments/encrypt.py": ["tests/transform", "tests/verification"],
    "transform/treatments/decrypt.py": ["tests/transform", "tests/verification"],
    "transform/plan.py": ["tests/transform", "tests/verification"],
}
"""What is changed, and whose tests have to notice."""

_ARGUMENTS = [
    "-qq",
    "-s",
    *("-p", "no:randomly", "-p", "no:xdist", "-p", "no:cacheprovider", "-p", "no:faulthandler"),
    *("-p", "no:unraisableexception"),  # it collects garbage for half a second at each end
    *("-W", "ignore::pytest.PytestAssertRewriteWarning"),
    "--hypothesis-profile=mutants",
]
settings.register_profile(
    "mutants",
    derandomize=True,
    database=None,
    deadline=None,
    max_examples=25,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


class Run:
    """The run, a plugin of pytest's: takes the place of its loop."""

    def __init__(self, files: Sequence[str], match: str, jobs: int) -> None:
        self._match, self._jobs = re.compile(match), jobs
        self._trees = {file: ast.parse((SOURCE / file).read_text("utf-8")) for file in files}
        self._folder = Path(tempfile.mkdtemp(prefix="m-", dir="/tmp"))  # short, for sockets
        self.items: list[pytest.Item] = []
        self.lines: dict[tuple[str, int], set[str]] = {}
        self.seconds: dict[str, float] = {}
        self.ends: dict[Mutant, tuple[str, str]] = {}
        self._shared: Any = None

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef: Any) -> Any:
        """Remember what all processes share."""
        value = yield
        if fixturedef.argname == SHARED:
            self._shared = value
        return value

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Measure, and then change one thing after the other."""
        self.items = session.items
        if session.testsfailed:
            raise session.Failed("the tests cannot be collected")
        try:
            self._measure()
            self._prepare()
            self._try_all()
        finally:
            shutil.rmtree(self._folder, ignore_errors=True)
        return True

    def _measure(self) -> None:
        """Run all tests once: how long they take, and which lines they come by."""
        begun = time.monotonic()
        parts = [self.items[number :: self._jobs] for number in range(self._jobs)]
        results = in_processes(
            (functools.partial(self._measured, part) for part in parts), self._jobs, self._folder
        )
        modules: set[str] = set()
        for _, status, answer in results:
            if status or not answer:
                raise pytest.UsageError(f"a process that measures the tests ended with {status}")
            failed, seconds, lines, names = pickle.loads(answer)  # noqa: S301  # our own
            if failed:
                raise pytest.UsageError(f"the tests must pass before anything is changed: {failed}")
            self.seconds |= seconds
            modules |= names
            for line, tests in lines.items():
                self.lines.setdefault(line, set()).update(tests)
        with warnings.catch_warnings(), contextlib.suppress(Exception):
            warnings.simplefilter("ignore")
            for name in sorted(modules - set(sys.modules)):  # once, instead of in each process
                importlib.import_module(name)
        _say(f"{len(self.items)} tests measured in {time.monotonic() - begun:.0f} s")

    def _measured(self, items: Sequence[pytest.Item]) -> bytes:
        failed = []
        seconds = {}
        measured = coverage.Coverage(
            data_file=None, config_file=False, include=[str(SOURCE / file) for file in self._trees]
        )
        limits = Limits(dict.fromkeys((item.nodeid for item in items), 60.0))
        items[0].config.pluginmanager.register(limits)
        measured.start()
        for item, following in zip(items, [*items[1:], None], strict=True):
            measured.switch_context(item.nodeid)
            begun = time.monotonic()
            item.ihook.pytest_runtest_protocol(item=item, nextitem=following)
            seconds[item.nodeid] = time.monotonic() - begun
            if limits.failed:
                failed.append(limits.failed)
                limits.failed = None
        measured.stop()
        data = measured.get_data()
        lines = {
            (file, line): set(tests) - {""}
            for file in self._trees
            for line, tests in data.contexts_by_lineno(str(SOURCE / file)).items()
        }
        names = {
            name
            for name, module in list(sys.modules.items())
            if not is_ours(module) and name != "__main__"
        }
        return pickle.dumps((failed, seconds, lines, names))

    def _prepare(self) -> None:
        """Make what all processes shall share."""
        sharing = [item for item in self.items if SHARED in getattr(item, "fixturenames", ())]
        if sharing:
            first = sharing[0]
            first.ihook.pytest_runtest_protocol(item=first, nextitem=self.items[-1])
        for thing in gc.get_objects():
            if isinstance(thing, functools._lru_cache_wrapper):
                thing.cache_clear()
        gc.collect()
        gc.freeze()

    def _try_all(self) -> None:
        functions = functions_of({str(SOURCE / file): file for file in self._trees})
        by_id = {item.nodeid: item for item in self.items}
        mutants = [
            mutant
            for file in self._trees
            for mutant in mutants_of(file, (SOURCE / file).read_text("utf-8"))
            if self._match.search(mutant.name)
        ]
        work: dict[Task, Mutant] = {}
        for mutant in mutants:
            tests = self._tests_of(mutant)
            if not tests:
                self.ends[mutant] = "survived", "no test comes by"
                continue
            of = functions.get((mutant.file, mutant.function, mutant.first_line), [])
            work[functools.partial(self._tried, mutant, of, [by_id[test] for test in tests])] = (
                mutant
            )
        begun = time.monotonic()
        for task, status, answer in in_processes(work, self._jobs, self._folder):
            mutant, end = work[task], end_of(status, answer.decode())
            self.ends[mutant] = end
            if end[0] == "survived":
                _say(f"survived, line {mutant.line}: {mutant.name}")
            if len(self.ends) % 100 == 0:
                spent = time.monotonic() - begun
                _say(f"{len(self.ends)} of {len(mutants)} mutants, {spent:.0f} s")

    def _tests_of(self, mutant: Mutant) -> list[str]:
        """Return the tests of the room that come by, fastest first."""
        folders = next(tests for room, tests in ROOMS.items() if mutant.file.startswith(room))
        everywhere = [line for file, line in self.lines if file == mutant.file]
        lines: Sequence[int] = mutant.lines
        if not mutant.function:
            lines = lines_that_use(self._trees[mutant.file], mutant) or everywhere
        if not any((mutant.file, line) in self.lines for line in lines):
            lines = everywhere  # as it is run at import alone
        found = {test for line in lines for test in self.lines.get((mutant.file, line), ())}
        if not mutant.function:  # a table may be looked at without a line that is run
            found |= self._tests_that_name(names_at_import(self._trees[mutant.file], mutant))
        return sorted(
            (test for test in found or self.seconds if test.startswith(tuple(folders))),
            key=lambda test: self.seconds[test],
        )

    def _tests_that_name(self, names: set[str]) -> set[str]:
        files = {test.partition("::")[0] for test in self.seconds}
        naming = {file for file in files if any(one in _text_of(file) for one in names)}
        return {test for test in self.seconds if test.partition("::")[0] in naming}

    def _tried(
        self, mutant: Mutant, functions: Sequence[FunctionType], items: Sequence[pytest.Item]
    ) -> bytes:
        """Change the code and run the tests; return the first that fails, if any."""
        try:
            tree = mutant.applied(self._trees[mutant.file])
            code = compile(tree, SOURCE / mutant.file, "exec")
        except (SyntaxError, ValueError) as error:
            return str(error).encode()
        tests = [item.nodeid for item in items]
        if not any((mutant.file, line) in self.lines for line in mutant.lines) and mutant.function:
            return self._imported_anew(mutant, tree, tests)
        try:
            if mutant.function:
                everywhere = put_function(code, mutant, functions)
            else:
                everywhere = put_statement(tree, module_name(mutant.file), mutant)
        except Exception as error:  # noqa: BLE001  # whatever the changed code raises
            return repr(error).encode()
        if everywhere is not Put.NOWHERE and (failed := self._failing(items)):
            return failed
        if everywhere is Put.EVERYWHERE:
            return b""
        return self._imported_anew(mutant, tree, tests)

    def _failing(self, items: Sequence[pytest.Item]) -> bytes:
        limits = Limits(self.seconds)
        items[0].config.pluginmanager.register(limits)
        for item, following in zip(items, [*items[1:], self.items[-1]], strict=True):
            item.ihook.pytest_runtest_protocol(item=item, nextitem=following)
            if limits.failed:
                return limits.failed.encode()
        return b""

    def _imported_anew(self, mutant: Mutant, tree: ast.Module, tests: Sequence[str]) -> bytes:
        for name, module in list(sys.modules.items()):
            if is_ours(module):
                del sys.modules[name]
        sys.meta_path.insert(0, MutatedModule(mutant, tree))
        files = sorted({test.partition("::")[0] for test in tests})
        limits = Limits(self.seconds)
        plugins = [Selection(tests), limits, *([Shared(self._shared)] if self._shared else [])]
        code = pytest.main([*_ARGUMENTS, "-x", *files], plugins)
        return b"" if code == 0 else (limits.failed or "it cannot be imported").encode()


@functools.cache
def _text_of(file: str) -> str:
    return (ROOT / file).read_text("utf-8")


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def main() -> int:
    """Run, for the files and mutants that `ONLY` and `MATCH` name, in `JOBS` processes."""
    os.chdir(ROOT)
    only = os.environ.get("ONLY", "").split()
    files = [
        str(path.relative_to(SOURCE))
        for room in ROOMS
        for path in sorted((SOURCE / room).rglob("*.py") if room.endswith("/") else [SOURCE / room])
    ]
    files = [file for file in dict.fromkeys(files) if not only or file.startswith(tuple(only))]
    rooms = [room for room in ROOMS if any(file.startswith(room) for file in files)]
    tests = sorted({folder for room in rooms for folder in ROOMS[room]})
    tests = [one for one in tests if not any(one.startswith(f"{more}/") for more in tests)]
    match = os.environ.get("MATCH", "")
    run = Run(files, match, int(os.environ.get("JOBS") or 2))
    code = pytest.main([*_ARGUMENTS, *tests], [run])
    if code != 0 or not run.ends:
        return int(code) or 1
    return report(run.ends, files, match)


if __name__ == "__main__":
    sys.exit(main())
