"""The tree of errors: complete, documented, each with its own exit code."""

import ast
import pickle
import subprocess
import sys
from pathlib import Path

import pytest

import piienc
from piienc import errors

CODES = {
    "PiiencError": 1,
    "UsageError": 2,
    "ConfigError": 3,
    "InputError": 4,
    "KeyAccessError": 5,
    "AuthenticationError": 6,
    "PgpError": 7,
    "ConnectError": 8,
    "IncompleteError": 9,
    "VerificationError": 10,
    "LockError": 11,
    "PolicyError": 12,
}
TREE = [errors.PiiencError, *errors.PiiencError.__subclasses__()]


def test_tree_is_that_of_the_design():
    """Each exit code of the design has one class, and each class one exit code."""
    assert {kind.__name__: kind.exit_code for kind in TREE} == CODES
    assert len({kind.exit_code for kind in TREE}) == len(CODES)
    finer = [below for kind in TREE[1:] for below in kind.__subclasses__()]
    assert finer == [errors.MovedError, errors.OutOfOrderError, errors.NameTakenError]
    assert all(kind.__mro__[1].exit_code == kind.exit_code for kind in finer)


@pytest.mark.parametrize("kind", TREE)
def test_class_has_docstring_kind_meaning_and_hint(kind):
    """Whoever meets an error is told what it means and what to do."""
    own = vars(kind)
    assert own["__doc__"].strip()
    assert own["hint"].strip()
    assert own["kind"].strip()
    assert own["meaning"].strip()


@pytest.mark.parametrize("attribute", ["kind", "meaning", "hint"])
def test_classes_differ_in_what_they_tell(attribute):
    """A script can tell them apart by kind, a reader by meaning."""
    assert len({getattr(kind, attribute) for kind in TREE}) == len(TREE)


@pytest.mark.parametrize("kind", [*TREE, errors.NameTakenError])
def test_tree_in_the_docstring_shows_the_class_and_its_code(kind):
    """The drawing is the classes, no more and no less."""
    lines = [line.split() for line in (errors.__doc__ or "").splitlines()]
    assert any(kind.__name__ in line and str(kind.exit_code) in line for line in lines)


@pytest.mark.parametrize("kind", TREE)
def test_error_keeps_its_message_and_the_hint_given(kind):
    """A hint of its own replaces the class's, and only for that error."""
    assert str(kind("what happened")) == "what happened"
    assert kind("what").hint == kind.hint
    assert kind("what", hint="do this").hint == "do this"
    assert kind("what").hint == kind.hint


@pytest.mark.parametrize("kind", TREE)
def test_error_pickles_with_its_hint(kind):
    """An error may come out of another process."""
    error = pickle.loads(pickle.dumps(kind("what", hint="do this")))  # noqa: S301  # our own
    assert (type(error), str(error), error.hint) == (kind, "what", "do this")


def test_error_is_transient_only_where_it_says_so():
    """What will not pass by itself is not tried again."""
    assert not errors.ConnectError("what").transient
    error = errors.ConnectError("what", transient=True)
    assert pickle.loads(pickle.dumps(error)).transient  # noqa: S301  # our own
    assert not errors.ConnectError("what").transient


def test_exceptions_of_other_modules_are_of_the_tree_or_private():
    """No module raises a class of its own past the tree, but for the one that becomes one."""
    folder = Path(piienc.__file__).parent
    made = {
        (path.stem, node.name)
        for path in folder.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.ClassDef)
        and any(
            isinstance(b, ast.Name) and b.id.endswith(("Exception", "Error")) for b in node.bases
        )
        and path.stem != "errors"
    }
    assert made <= {
        ("bad_cells", "BadCells"),
        ("spark_task", "TaskError"),  # carries one of the tree through Spark
        ("interface", "RefusedField"),  # becomes one, too
        ("records", "_Broken"),  # within its module
        ("records", "_NotWhole"),  # within its module
        ("peer", "PeerError"),  # raised through paramiko
        ("segments", "NotRegularError"),  # an OSError, like all that opening may raise
        ("standing", "_UnsoundError"),  # within its module
        ("walk", "_WrongError"),  # within its module
    }


@pytest.mark.parametrize("kind", [*TREE, errors.NameTakenError])
def test_class_says_what_to_do_at_night(kind):
    """A paragraph of its own, for whoever is woken by the exit code."""
    paragraphs = (vars(kind)["__doc__"] or "").strip().split("\n\n")
    assert len(paragraphs) > 1
    assert "Attributes:" not in paragraphs[1]


def test_page_of_errors_is_made_of_the_classes():
    """docs/errors.md is what its generator writes."""
    root = Path(__file__).parents[1]
    made = subprocess.run(
        [sys.executable, root / ".ci" / "errors_page.py"], capture_output=True, check=True
    )
    assert made.stdout.decode() == (root / "docs" / "errors.md").read_text("utf-8")
