"""What the program says of itself."""

import os
import re
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from typer.main import get_command

from piienc import errors
from piienc.cli.app import app


def _commands(command, path=()):
    yield path, command
    for name, child in getattr(command, "commands", {}).items():
        yield from _commands(child, (*path, name))


COMMANDS = dict(_commands(get_command(app)))
LEAVES = [path for path, command in COMMANDS.items() if not hasattr(command, "commands")]
TREE = [errors.PiiencError, *errors.PiiencError.__subclasses__()]


def test_program_has_the_commands_of_the_design():
    """What is promised is there, and what is not yet is not."""
    assert set(LEAVES) >= {
        ("encrypt-file",),
        ("decrypt-file",),
        *(("keys", verb) for verb in ("generate-aes", "import-aes", "list", "export")),
        *(("schema", verb) for verb in ("infer", "check", "show", "mark")),
    }


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
@pytest.mark.parametrize("flag", ["--help", "-h"])
def test_help_of_every_command_mentions_every_option_with_a_text(project, path, flag):
    """No option is a secret, and each is explained."""
    ended = project.run(*path, flag, env={"COLUMNS": "200"})
    assert (ended.code, ended.err) == (0, "")
    for parameter in COMMANDS[path].params:
        for name in parameter.opts if parameter.opts[0].startswith("-") else [parameter.metavar]:
            assert name in ended.out
        assert parameter.name == "help" or getattr(parameter, "help", None)
    assert COMMANDS[path].help.splitlines()[0] in ended.out


def test_help_of_the_program_lists_every_exit_code(project):
    """Scripts rely on them, so they stand where people look."""
    lines = [line.split(maxsplit=1) for line in project.start("--help").out.splitlines()]
    for kind in TREE:
        assert [str(kind.exit_code), kind.meaning] in lines
    assert ["0", "done"] in lines


NAMED = "import sys; sys.argv[0] = 'piienc'"  # as the program that is installed
GROUPS = [path for path, command in COMMANDS.items() if path and hasattr(command, "commands")]


@pytest.mark.parametrize("path", GROUPS, ids=" ".join)
def test_group_without_a_command_shows_its_help_and_cuts_nothing(project, path):
    """It is wrong usage, so that standard output stays empty."""
    ended = project.run(*path)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err == project.run(*path, "--help").out
    assert ended.err.count("...") == 1  # of the usage
    for name in COMMANDS[path].commands:
        assert re.search(rf"^  {name}  +\w", ended.err, re.MULTILINE)


@pytest.mark.parametrize("path", [(), *GROUPS], ids=" ".join)
def test_shell_completes_the_commands_of_a_group(project, path):
    """By what completion scripts of Bash set."""
    words = ["piienc", *path, ""]
    env = {"COMP_WORDS": " ".join(words), "COMP_CWORD": str(len(words) - 1)}
    ended = project.start(env={**env, "_PIIENC_COMPLETE": "complete_bash"}, prelude=NAMED)
    assert ended.err == ""
    assert ended.out.split() == sorted(COMMANDS[path].commands) or ended.out.split() == [
        *COMMANDS[path].commands
    ]


@pytest.mark.parametrize("path", LEAVES, ids=" ".join)
def test_help_of_every_command_tells_where_exit_codes_are(project, path):
    """Who writes a script reads the help of one command."""
    assert "exit code" in project.run(*path, "--help").out.lower()


@pytest.mark.parametrize("path", LEAVES, ids=" ".join)
def test_help_of_every_command_has_an_example_that_is_understood(project, path):
    """The command line that stands there names this command, and the parser takes it."""
    shown = project.run(*path, "--help", env={"COLUMNS": "200"}).out
    (line,) = re.findall(r"^ *Example:\n +(.+)$", shown, re.MULTILINE)
    words = shlex.split(line)
    assert words[: len(path) + 1] == ["piienc", *path]
    COMMANDS[path].make_context(path[-1], words[len(path) + 1 :])


def test_overview_cuts_nothing_and_imports_no_command(project):
    """Who looks for a command waits for none, and reads each line to its end."""
    program = "from piienc.cli.app import app\ntry:\n    app()\nexcept SystemExit:\n    pass\n"
    tell = "import sys\nprint([*sys.modules], file=sys.stderr)\n"
    ended = subprocess.run(
        [sys.executable, "-c", program + tell, "--help"],
        capture_output=True,
        text=True,
        env={**os.environ, "COLUMNS": "80"},
        check=True,
    )
    listed = ended.stdout.partition("Commands:\n")[2].partition("\n\n")[0]
    assert "..." not in listed
    assert "piienc.cli.commands" not in ended.stderr
    names = [line.split()[0] for line in listed.splitlines()]
    assert names == list(dict.fromkeys(path[0] for path in LEAVES))


@pytest.mark.parametrize("path", LEAVES, ids=" ".join)
@pytest.mark.parametrize(
    "option", ["--keys", "--config", "--state", "--json", "--quiet", "--no-input"]
)
def test_options_for_everywhere_are_everywhere(path, option):
    """A script may give the same options to every command."""
    options = [name for parameter in COMMANDS[path].params for name in parameter.opts]
    assert option in options


def test_version_is_the_packages_own(project):
    """`--version` says what is installed."""
    from importlib.metadata import version

    core = "no compiled" if os.environ.get("PIIENC_CORE") == "off" else "compiled"
    assert project.run("--version").normal() == (
        0,
        f"piienc {version('piienc')} ({core} core)\n",
        "",
    )


@pytest.mark.parametrize("arguments", [(), ("keys",)])
def test_program_without_a_command_shows_its_help_and_fails(project, arguments):
    """Nothing was asked for, which is wrong usage."""
    ended = project.run(*arguments)
    assert ended.code == 2
    assert "Usage:" in ended.out + ended.err


@pytest.mark.parametrize(
    "arguments",
    [
        ("nonsense",),
        ("encrypt-file",),
        ("encrypt-file", "a", "b"),
        ("encrypt-file", "a", "b", "--schema"),
        ("encrypt-file", "a", "b", "c", "--schema", "s"),
        ("encrypt-file", "a", "b", "--schema", "s", "--nonsense"),
        ("encrypt-file", "a", "b", "--schema", "s", "--threads", "-1"),
        ("decrypt-file", "a", "b", "--threads", "many"),
        ("keys", "nonsense"),
        ("keys", "generate-aes", "x"),
        ("keys", "generate-aes", "x", "--mode", "open"),
        ("keys", "generate-aes", "x", "--mode", "sealed", "--prefix", "none"),
        ("decrypt-file", "a", "b", "--passphrase-fd", "x"),
    ],
)
def test_wrong_usage_exits_with_2_as_text_and_as_document(project, arguments):
    """With --json the mistake is told in a document on standard output."""
    plain = project.run(*arguments)
    assert (plain.code, plain.out) == (2, "")
    assert "rror: " in plain.err
    ended = project.run(*arguments[:1], "--json", *arguments[1:])
    if arguments[0] in {"keys", "nonsense"}:
        ended = project.run(*arguments, "--json")
    assert (ended.code, ended.err) == (2, "")
    error = ended.document["error"]
    assert ended.document == {"schema_version": 1, "ok": False, "error": error}
    assert set(error) == {"code", "kind", "message", "hint"}
    assert (error["code"], error["kind"]) == (2, "usage")
    assert error["message"]


def test_page_of_the_command_line_is_what_its_generator_writes():
    """docs/cli.md has every command and every option, in the words of the help."""
    root = Path(__file__).parents[2]
    made = subprocess.run(
        [sys.executable, root / ".ci" / "cli_page.py"], capture_output=True, check=True
    ).stdout.decode()
    assert made == (root / "docs" / "cli.md").read_text("utf-8")
    for path in LEAVES:
        section = made.partition(f"\n## piienc {' '.join(path)}\n")[2].partition("\n## ")[0]
        names = [name for option in COMMANDS[path].params for name in option.opts]
        assert [name for name in names if f"`{name}" in section or f", {name}" in section]
        assert all(name in section for name in names if name.startswith("--") and name != "--help")


def test_reader_who_leaves_before_a_table_ends_the_program_as_other_filters(project):
    """`piienc profiles list | head -0` is no bug of ours."""
    read_end, write_end = os.pipe()
    os.close(read_end)
    with os.fdopen(write_end, "wb") as gone:
        ended = subprocess.run(
            project.command("profiles", "list"),
            cwd=project.folder,
            stdout=gone,
            stderr=subprocess.PIPE,
            check=False,
        )
    assert (ended.returncode, ended.stderr) == (128 + signal.SIGPIPE, b"")
