"""The mutants of a module: its syntax tree, changed at one place each.

What is changed: comparisons, `and`, `or` and `not`, arithmetic, numbers (by one, up and down),
strings and bytes, True, False and None, conditions, slices, entries of a module's own tables,
`return` values, and statements that are left out. Default arguments are changed like all else.

What is not: what nobody can see (type hints, docstrings, `__repr__`, imports, decorators), and the
wording of errors: inside the call of an error, only what is no text.
"""

from __future__ import annotations

import ast
import copy
from collections import Counter
from dataclasses import dataclass
from functools import singledispatch
from typing import Any

_SWAPS: dict[type[ast.AST], type[ast.AST]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.And: ast.Or,
    ast.Or: ast.And,
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.FloorDiv: ast.Mult,
    ast.Div: ast.Mult,
    ast.Mod: ast.Mult,
    ast.Pow: ast.Mult,
    ast.LShift: ast.RShift,
    ast.RShift: ast.LShift,
    ast.BitOr: ast.BitAnd,
    ast.BitAnd: ast.BitOr,
    ast.BitXor: ast.BitAnd,
    ast.Break: ast.Continue,
    ast.Continue: ast.Break,
}
_ERRORS = {"malformed", "_malformed", "_refused", "_require"}
"""Functions whose texts are those of errors, beside all classes called `…Error`."""

Path = tuple[tuple[str, int | None], ...]


@dataclass(frozen=True)
class Mutant:
    """A module with one change.

    Attributes:
        file: the module's path below `src/piienc`.
        function: the qualified name of the outermost function; empty for what runs at import.
        line: where the change is.
        label: the function, or what is assigned at import.
        change: what stood there, and what stands there now.
        nth: which one, of those of the function that read alike; counted from 1.
        lines: those of which a test must have run one to see the change.
        first_line: of the outermost function, with its decorators.
        path: the way to the changed node, by field and index.
        node: the new node.
    """

    file: str
    function: str
    line: int
    label: str
    change: str
    nth: int
    lines: range
    first_line: int
    path: Path
    node: ast.AST

    @property
    def name(self) -> str:
        """What it is called in `equivalent.toml`: it stays when lines move."""
        again = f" [{self.nth}]" if self.nth > 1 else ""
        return f"{self.file}: {self.label}: {self.change}{again}"

    def applied(self, tree: ast.Module) -> ast.Module:
        """Make the change in the module's tree, and return it."""
        parent: ast.AST = tree
        for field, index in self.path[:-1]:
            child = getattr(parent, field)
            parent = child if index is None else child[index]
        field, index = self.path[-1]
        if index is None:
            setattr(parent, field, self.node)
        else:
            getattr(parent, field)[index] = self.node
        return ast.fix_missing_locations(tree)


def mutants_of(file: str, source: str) -> list[Mutant]:
    """Return all mutants of a module, in its order."""
    return _Mutator(file).all(ast.parse(source))


class _Mutator:
    """Goes through a tree and collects the changes."""

    def __init__(self, file: str) -> None:
        self._file = file
        self._mutants: list[Mutant] = []
        self._seen: dict[tuple[str, str], int] = {}
        self._names: list[str] = []  # of the classes and functions around
        self._function: ast.FunctionDef | None = None  # the outermost
        self._statement: ast.stmt | None = None
        self._in_error = False
        self._wordings: set[ast.AST] = set()

    def all(self, tree: ast.Module) -> list[Mutant]:
        self._wordings = _wordings(tree)
        self._visit_children(tree, ())
        return self._mutants

    def _visit(self, node: ast.AST, path: Path) -> None:
        if _is_passed_over(node) or node in self._wordings:
            return
        outer = self._statement, self._in_error
        if isinstance(node, ast.stmt):
            self._statement = node
        self._in_error = self._in_error or _is_error(node)
        constants = _constants(node.value, self._in_error) if isinstance(node, ast.Constant) else []
        for new in [*map(ast.Constant, constants), *_changes(node)]:
            self._add(node, new, path)
        if self._function is None:
            self._leave_out_entries(node, path)
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            self._visit_definition(node, path)
        else:
            self._visit_children(node, path)
        self._statement, self._in_error = outer

    def _visit_definition(self, node: ast.ClassDef | ast.FunctionDef, path: Path) -> None:
        outermost = isinstance(node, ast.FunctionDef) and self._function is None
        if isinstance(node, ast.FunctionDef):
            self._visit(node.args, (*path, ("args", None)))  # defaults are of what is around
        self._names.append(node.name)
        if outermost and isinstance(node, ast.FunctionDef):
            self._function = node
        for index, child in enumerate(node.body):
            self._visit(child, (*path, ("body", index)))
        if outermost:
            self._function = None
        self._names.pop()

    def _visit_children(self, node: ast.AST, path: Path) -> None:
        is_of_types = isinstance(node, ast.Call) and _is_called(node, "cast", "TypeVar")
        for field, value in ast.iter_fields(node):
            if field in {"annotation", "returns", "decorator_list", "format_spec"}:
                continue
            if isinstance(value, ast.AST):
                self._visit(value, (*path, (field, None)))
            elif isinstance(value, list):
                for index, child in enumerate(value):
                    if isinstance(child, ast.AST) and (index or not is_of_types):
                        self._visit(child, (*path, (field, index)))

    def _leave_out_entries(self, node: ast.AST, path: Path) -> None:
        """Leave an entry out of a table that is made at import."""
        if isinstance(node, ast.Dict):
            count = len(node.keys)
        elif isinstance(node, ast.Tuple | ast.List | ast.Set):
            count = len(node.elts)
        else:
            return
        for index in range(count if count > 1 else 0):
            new = copy.deepcopy(node)
            if isinstance(new, ast.Dict):
                gone: ast.AST = new.keys.pop(index) or new.values[index]
                new.values.pop(index)
            else:
                gone = new.elts.pop(index)
            self._add(gone, new, path, f"without the entry {_text(gone)}")

    def _add(self, node: ast.AST, new: ast.AST, path: Path, change: str | None = None) -> None:
        change = change or f"{_text(node)} -> {_text(new)}"
        place = node if isinstance(node, ast.expr | ast.stmt) else self._statement
        first = self._function
        name = ".".join(self._names)
        label = name if first else _label(self._names, self._statement)
        nth = self._seen[label, change] = self._seen.get((label, change), 0) + 1
        if not isinstance(place, ast.expr | ast.stmt):
            raise TypeError(place)
        lines = range(place.lineno, (place.end_lineno or place.lineno) + 1)
        if isinstance(place, ast.If | ast.While | ast.For | ast.With | ast.Try):
            lines = range(place.lineno, place.body[0].lineno)
        self._mutants.append(
            Mutant(
                self._file,
                name if first else "",
                place.lineno,
                label,
                change,
                nth,
                lines,
                min([first.lineno, *(one.lineno for one in first.decorator_list)]) if first else 0,
                path,
                ast.copy_location(new, place),
            )
        )


@singledispatch
def _changes(node: ast.AST) -> list[ast.AST]:
    """Return what a node may become."""
    return []


@_changes.register
def _(node: ast.Compare) -> list[ast.AST]:
    changed: list[ast.AST] = []
    for index, operator in enumerate(node.ops):
        ops = [*node.ops[:index], _swapped(operator), *node.ops[index + 1 :]]
        changed.append(ast.Compare(node.left, ops, node.comparators))
    return changed


@_changes.register
def _(node: ast.BoolOp) -> list[ast.AST]:
    rests = [[one for one in node.values if one is not gone] for gone in node.values]
    fewer = [rest[0] if len(rest) == 1 else ast.BoolOp(node.op, rest) for rest in rests]
    return [ast.BoolOp(_swapped(node.op), node.values), *fewer]


@_changes.register
def _(node: ast.UnaryOp) -> list[ast.AST]:
    return [node.operand] if isinstance(node.op, ast.Not | ast.Invert) else []


@_changes.register
def _(node: ast.BinOp) -> list[ast.AST]:
    swaps = type(node.op) in _SWAPS
    return [ast.BinOp(node.left, _swapped(node.op), node.right)] if swaps else []


@_changes.register
def _(node: ast.Slice) -> list[ast.AST]:
    without_lower = ast.Slice(None, node.upper, node.step)
    without_upper = ast.Slice(node.lower, None, node.step)
    return [*([without_lower] if node.lower else []), *([without_upper] if node.upper else [])]


@_changes.register
def _(node: ast.If | ast.IfExp | ast.While) -> list[ast.AST]:
    if not _is_plain(node.test):
        return []
    changed = copy.copy(node)
    changed.test = ast.UnaryOp(ast.Not(), node.test)
    return [changed]


@_changes.register
def _(node: ast.comprehension) -> list[ast.AST]:
    changed: list[ast.AST] = []
    for index, condition in enumerate(node.ifs):
        if _is_plain(condition):
            ifs = [*node.ifs]
            ifs[index] = ast.UnaryOp(ast.Not(), condition)
            changed.append(ast.comprehension(node.target, node.iter, ifs, node.is_async))
    return changed


@_changes.register
def _(node: ast.Break | ast.Continue) -> list[ast.AST]:
    return [_swapped(node)]


@_changes.register
def _(node: ast.Return) -> list[ast.AST]:
    is_false = isinstance(node.value, ast.Constant) and not node.value.value
    return [ast.Return(ast.Constant(None))] if node.value and not is_false else []


@_changes.register
def _(node: ast.AugAssign) -> list[ast.AST]:
    swaps = type(node.op) in _SWAPS
    swapped = [ast.AugAssign(node.target, _swapped(node.op), node.value)] if swaps else []
    return [ast.Pass(), *swapped]


@_changes.register
def _(node: ast.Raise | ast.Delete) -> list[ast.AST]:
    return [ast.Pass()]


@_changes.register
def _(node: ast.Expr) -> list[ast.AST]:
    return [ast.Pass()] if isinstance(node.value, ast.Call) else []


@_changes.register
def _(node: ast.Assign) -> list[ast.AST]:
    return [ast.Pass()] if isinstance(node.targets[0], ast.Attribute | ast.Subscript) else []


def _swapped(operator: ast.AST) -> Any:  # of the kind of the other
    return _SWAPS[type(operator)]()


def _constants(value: Any, in_error: bool) -> list[Any]:  # noqa: FBT001  # any constant
    """Return what a constant may become."""
    match value:
        case bool():
            return [not value]
        case int() | float():
            return [value + 1, value - 1]
        case str() if not in_error:
            return ["XX" + value]
        case bytes():
            return [b"XX" + value]
        case None:
            return [""]
    return []


def _is_passed_over(node: ast.AST) -> bool:
    match node:
        case (
            ast.Expr(value=ast.Constant(value=str()))  # a docstring
            | ast.Import()
            | ast.ImportFrom()
            | ast.If(test=ast.Name(id="TYPE_CHECKING"))
            | ast.FunctionDef(name="__repr__")
            | ast.ClassDef(bases=[ast.Name(id="Protocol")])
            | ast.Assign(targets=[ast.Name(id="__all__")])
            | ast.Return(value=ast.Constant(value=None))
        ):
            return True
    return False


def _is_error(node: ast.AST) -> bool:
    match node:
        case ast.Raise():
            return True
        case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name)):
            return name.endswith("Error") or name in _ERRORS
    return False


def _label(around: list[str], statement: ast.stmt | None) -> str:
    """Name what runs at import: what is assigned, or the function whose default it is."""
    if isinstance(statement, ast.FunctionDef):
        return ".".join([*around, statement.name])
    targets = getattr(statement, "targets", None) or [getattr(statement, "target", None)]
    return ".".join([*around, ast.unparse(targets[0]) if targets[0] else "at import"])


def _wordings(tree: ast.Module) -> set[ast.AST]:
    """Return the assignments of texts that are used in errors alone."""
    used = Counter(node.id for node in ast.walk(tree) if isinstance(node, ast.Name))
    errors = [node for node in ast.walk(tree) if _is_error(node)]
    inside = {node for error in errors for node in ast.walk(error) if isinstance(node, ast.Name)}
    in_errors = Counter(node.id for node in inside)
    return {
        node
        for node in tree.body
        if isinstance(node, ast.Assign)
        and isinstance(node.targets[0], ast.Name)
        and isinstance(node.value, ast.Constant | ast.JoinedStr)
        and not (isinstance(node.value, ast.Constant) and not isinstance(node.value.value, str))
        and in_errors[node.targets[0].id] == used[node.targets[0].id] - 1 > 0
    }


def _is_called(node: ast.Call, *names: str) -> bool:
    return isinstance(node.func, ast.Name) and node.func.id in names


def _is_plain(condition: ast.expr) -> bool:
    """Tell whether a condition has no operator that is changed for itself."""
    match condition:
        case ast.Compare() | ast.BoolOp() | ast.UnaryOp(op=ast.Not()) | ast.Constant():
            return False
    return True


def _text(node: ast.AST) -> str:
    """Return a node as Python, on one line, and of what has a body its head alone."""
    if isinstance(node, ast.If | ast.While):
        return f"{'if' if isinstance(node, ast.If) else 'while'} {ast.unparse(node.test)}"
    if isinstance(node, ast.comprehension):
        return ast.unparse(node).strip()
    return " ".join(ast.unparse(node).split())
