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
import resource
import select
import shutil
import signal
import sys
import tempfile
import time
import tomllib
import warnings
from collections import Counter
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
    put_function,
    put_statement,
)
from mutate import Mutant, mutants_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from types import FunctionType

EQUIVALENT = Path(__file__).with_name("equivalent.toml")

ROOMS = {
    "keys/audit.py": ["tests/audit"],
    "keys/": ["tests/keys"],
    "checks/": ["tests/checks"],
    "columns/typed.py": ["tests/columns", "tests/flow"],
    "tables/parquet.py": ["tests/tables", "tests/flow"],
    "flow/steps.py": ["tests/flow"],
    "flow/marks.py": ["tests/flow"],
}
"""What is changed, and whose tests have to notice."""

_ARGUMENTS = [
    "-qq",
    "-s",
    *("-p", "no:randomly", "-p", "no:xdist", "-p", "no:cacheprovider", "-p", "no:faulthandler"),
    *("-p", "no:unraisableexception"),  # it collects garbage for half a second at each end
    *("-W", "ignore::pytest.PytestAssertRewriteWarning"),
    "--hypothesis-profile=mutants",
    "--ignore=tests/flow/reports",  # of browsers and schemas
]
_SHARED = "partner"  # a fixture of the session that takes seconds: made once, for all processes
_SECONDS, _TIMES = 5, 10  # a test may take so long, and so many times as long as unchanged

settings.register_profile(
    "mutants",
    derandomize=True,
    database=None,
    deadline=None,
    max_examples=25,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


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
        if fixturedef.argname != _SHARED:
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
        if fixturedef.argname == _SHARED:
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
        results = _in_processes(
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
        sharing = [item for item in self.items if _SHARED in getattr(item, "fixturenames", ())]
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
        work: dict[Callable[[], bytes], Mutant] = {}
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
        for task, status, answer in _in_processes(work, self._jobs, self._folder):
            mutant, end = work[task], _end(status, answer.decode())
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
        return sorted(
            (
                test
                for test in found or self.seconds
                if any(test.startswith(f"{one}/") for one in folders)
            ),
            key=lambda test: self.seconds[test],
        )

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


def _in_processes(
    tasks: Any, jobs: int, folder: Path
) -> Iterator[tuple[Callable[[], bytes], int, bytes]]:
    """Run tasks in forked processes, some at a time: yield each, its exit status, its answer."""
    waiting = iter(tasks)
    running: dict[int, tuple[int, Callable[[], bytes], Path]] = {}  # by the pipe's end
    number = 0
    while True:
        while len(running) < jobs and (task := next(waiting, None)) is not None:
            number += 1
            own = folder / str(number)
            reading, process = _forked(task, own)
            running[reading] = process, task, own
        if not running:
            return
        ready, _, _ = select.select(list(running), [], [])
        for reading in ready:
            process, task, own = running.pop(reading)
            with open(reading, "rb") as pipe:  # noqa: PTH123  # a descriptor
                answer = pipe.read()
            _, status = os.waitpid(process, 0)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process, signal.SIGKILL)  # what a test has left
            shutil.rmtree(own, ignore_errors=True)
            yield task, status, answer


def _forked(task: Callable[[], bytes], folder: Path) -> tuple[int, int]:
    """Run a task in a process with a folder for temporary files: return a pipe and the process."""
    reading, writing = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # threads: there are none that hold anything
        process = os.fork()
    if process:
        os.close(writing)
        return reading, process
    status = 1
    try:
        os.setpgid(0, 0)
        os.close(reading)
        folder.mkdir()
        os.environ["TMPDIR"] = os.environ["PYTEST_DEBUG_TEMPROOT"] = str(folder)
        tempfile.tempdir = str(folder)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        nothing = os.open(os.devnull, os.O_RDWR)
        for descriptor in range(3):
            os.dup2(nothing, descriptor)
        os.write(writing, task())
        status = 0
    finally:
        os._exit(status)


def _end(status: int, answer: str) -> tuple[str, str]:
    """Name how a mutant has ended, and what ended it."""
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        late = number in {signal.SIGXCPU, signal.SIGALRM, signal.SIGKILL}
        return ("time-out" if late else "crash"), signal.Signals(number).name
    if status:
        return "crash", f"exit {os.waitstatus_to_exitcode(status)}"
    return ("failed test", answer) if answer else ("survived", "")


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _explained() -> dict[str, str]:
    """Read the list of mutants that change nothing: by name, the reason."""
    groups = tomllib.loads(EQUIVALENT.read_text("utf-8"))["same"]
    return {name: group["reason"] for group in groups for name in group["mutants"]}


def report(ends: dict[Mutant, tuple[str, str]], files: Sequence[str], match: str) -> int:
    """Print what came of the mutants; return the exit code."""
    explained = _explained()
    survivors = {m.name: m for m, (end, _) in ends.items() if end == "survived"}
    open_ones = [mutant for name, mutant in survivors.items() if name not in explained]
    tried = [n for n in explained if n.partition(":")[0] in files and re.search(match, n)]
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


def main() -> int:
    """Run, for the files and mutants that `ONLY` and `MATCH` name, in `JOBS` processes."""
    os.chdir(ROOT)
    only = os.environ.get("ONLY", "").split()
    files = [
        str(path.relative_to(SOURCE))
        for room in ROOMS
        for path in sorted((SOURCE / room).glob("*.py") if room.endswith("/") else [SOURCE / room])
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
