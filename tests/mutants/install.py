"""Puts a mutant into the modules that are loaded already."""

from __future__ import annotations

import ast
import gc
import inspect
import sys
from enum import Enum
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from mutate import Mutant

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "piienc"


class Put(Enum):
    """Where a change has taken effect."""

    EVERYWHERE = "everywhere"
    PARTLY = "but for what other modules have made of it when they were imported"
    NOWHERE = "nowhere: the module must be imported anew"


def module_name(file: str) -> str:
    """Return the name of the module of a file, given below `src/piienc`."""
    name = "piienc." + file.removesuffix(".py").replace("/", ".")
    return name.removesuffix(".__init__")


def is_ours(module: object) -> bool:
    """Tell whether a module is the project's or one of its tests."""
    file = getattr(module, "__file__", None) or ""
    own = (str(ROOT / "src"), str(ROOT / "tests"))
    return file.startswith(own) and not file.startswith(str(ROOT / "tests" / "mutants"))


def functions_of(paths: Mapping[str, str]) -> dict[tuple[str, str, int], list[FunctionType]]:
    """Find the functions that were made at import: by file, qualified name and first line.

    Args:
        paths: the files, by their paths as the code has them.
    """
    found: dict[tuple[str, str, int], list[FunctionType]] = {}
    for thing in gc.get_objects():
        if isinstance(thing, FunctionType) and (file := paths.get(thing.__code__.co_filename)):
            code = thing.__code__
            found.setdefault((file, code.co_qualname, code.co_firstlineno), []).append(thing)
    return found


def put_function(module: CodeType, mutant: Mutant, functions: Sequence[FunctionType]) -> Put:
    """Give functions that are there their changed code: whoever has them, has the change."""
    code = _code_of(module, mutant)
    if code is None or not functions:
        return Put.NOWHERE
    if any(function.__code__.co_freevars != code.co_freevars for function in functions):
        return Put.NOWHERE
    for function in functions:
        function.__code__ = code
    return Put.EVERYWHERE


def _code_of(module: CodeType, mutant: Mutant) -> CodeType | None:
    for constant in module.co_consts:
        if isinstance(constant, CodeType):
            same = constant.co_qualname == mutant.function
            if same and constant.co_firstlineno == mutant.first_line:
                return constant
            if (inner := _code_of(constant, mutant)) is not None:
                return inner
    return None


def put_statement(tree: ast.Module, name: str, mutant: Mutant) -> Put:
    """Run the changed statement of a module again, and all that depends on what it assigns."""
    module = sys.modules.get(name)
    statements = list(_affected(tree, mutant))
    if module is None or any(isinstance(one, ast.ClassDef) for one in statements):
        return Put.NOWHERE
    if not _names(statements[0], ast.Store) and not isinstance(statements[0], ast.FunctionDef):
        return Put.NOWHERE
    assigned = set()
    for statement in statements:
        if isinstance(statement, ast.FunctionDef):
            _give_defaults(statement, module)
        else:
            names = _names(statement, ast.Store)
            assigned |= names
            before = {one: vars(module).get(one) for one in names}
            exec(_compiled(statement), vars(module))  # noqa: S102  # our own code, changed
            _give_to_others(before, module)
    return Put.EVERYWHERE if all(one.startswith("_") for one in assigned) else Put.PARTLY


def names_at_import(tree: ast.Module, mutant: Mutant) -> set[str]:
    """Return the names that a changed statement and those that depend on it assign."""
    names: set[str] = set()
    for statement in _affected(tree, mutant):
        if isinstance(statement, ast.FunctionDef | ast.ClassDef):
            names.add(statement.name)
        else:
            names |= _names(statement, ast.Store)
    return names


def lines_that_use(tree: ast.Module, mutant: Mutant) -> list[int]:
    """Return the lines of the functions that use what a changed statement assigns.

    Empty if the module is not alone with it, or if this cannot be told.
    """
    statements = list(_affected(tree, mutant))
    names = names_at_import(tree, mutant)
    if not all(isinstance(one, ast.Assign | ast.AnnAssign) for one in statements):
        return []
    if not all(name.startswith("_") for name in names):
        return []
    return [
        line
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef) and names & _names(function, ast.Load)
        for line in range(function.body[0].lineno, (function.end_lineno or 0) + 1)
    ]


def _affected(tree: ast.Module, mutant: Mutant) -> Iterator[ast.stmt]:
    """Yield the statement of the module that is changed, and those that depend on it."""
    index = mutant.path[0][1]
    first, *later = tree.body[index:]
    yield first
    names = _names(first, ast.Store)
    for statement in later:
        if isinstance(statement, ast.FunctionDef):
            at_import = [*statement.args.defaults, *statement.args.kw_defaults]
            if any(one is not None and names & _names(one, ast.Load) for one in at_import):
                yield statement
        elif isinstance(statement, ast.ClassDef):
            if names & {name for one in statement.body for name in _at_import(one)}:
                yield statement
        elif names & _names(statement, ast.Load):
            yield statement
            names |= _names(statement, ast.Store)


def _at_import(statement: ast.stmt) -> set[str]:
    return set() if isinstance(statement, ast.FunctionDef) else _names(statement, ast.Load)


def _names(node: ast.AST, context: type[ast.expr_context]) -> set[str]:
    if isinstance(node, ast.FunctionDef) and context is ast.Store:
        return set()
    return {
        one.id
        for one in ast.walk(node)
        if isinstance(one, ast.Name) and isinstance(one.ctx, context)
    }


def _give_defaults(statement: ast.FunctionDef, module: ModuleType) -> None:
    scratch = dict(vars(module))
    exec(_compiled(statement), scratch)  # noqa: S102  # the same
    new: Any = inspect.unwrap(scratch[statement.name])
    old: Any = inspect.unwrap(vars(module)[statement.name])
    old.__defaults__, old.__kwdefaults__ = new.__defaults__, new.__kwdefaults__


def _give_to_others(before: Mapping[str, object], module: ModuleType) -> None:
    """Give what was assigned to the modules that have imported it by name."""
    for other in [one for one in sys.modules.values() if is_ours(one) and one is not module]:
        for name, value in before.items():
            if name in vars(other) and vars(other)[name] is value:
                setattr(other, name, vars(module)[name])


def _compiled(statement: ast.stmt) -> CodeType:
    """Compile a statement; as in all modules, annotations stay text."""
    return compile(ast.Module([statement], []), "<mutant>", "exec")
