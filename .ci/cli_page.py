"""Write docs/cli.md to standard output: every command and option, from the program's own help."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from typer.main import get_command

from piienc.cli.app import app, exit_codes

if TYPE_CHECKING:
    from collections.abc import Iterator

_HEAD = """\
<!-- Generated from the program's help: python .ci/cli_page.py > docs/cli.md -->

# The command line

Every command and every option, as `--help` shows them. All commands take `--keys`, `--config`,
`--state`, `--json`, `--quiet` and `--no-input`. Data goes to standard output, everything else to
standard error.
"""


def commands(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:  # noqa: ANN401  # Typer's own
    """Go through the commands, groups left out, in the order of the help."""
    children = getattr(command, "commands", None)
    if children is None:
        yield " ".join(path), command
        return
    for name, child in children.items():
        yield from commands(child, (*path, name))


def page() -> str:
    """Make the page."""
    parts = [_HEAD]
    parts += [_section(name, command) for name, command in commands(get_command(app))]
    parts.append(f"\n## Exit codes\n\n```text\n{exit_codes()}\n```\n")
    return "".join(parts)


def _section(name: str, command: Any) -> str:  # noqa: ANN401  # Typer's own
    arguments = [one for one in command.params if not one.opts[0].startswith("-")]
    options = [one for one in command.params if one.opts[0].startswith("-")]
    usage = " ".join(["piienc", name, *(one.metavar for one in arguments), "[OPTIONS]"])
    example = command.epilog.partition("Example:\n")[2].partition("\n")[0].strip()
    lines = [f"\n## piienc {name}\n", command.help.strip() + "\n", f"```text\n{usage}\n```\n"]
    lines += [f"For example:\n\n```text\n{example}\n```\n"]
    lines += ["| | |", "| --- | --- |"]
    lines += [f"| `{_cell(one.metavar)}` | {_cell(one.help)} |" for one in arguments]
    lines += [
        f"| `{_cell(_names(one))}` | {_cell(one.help)} |" for one in options if one.name != "help"
    ]
    return "\n".join(lines) + "\n"


def _names(option: Any) -> str:  # noqa: ANN401  # Typer's own
    names = ", ".join([*option.opts, *option.secondary_opts])
    if option.is_flag:
        return names
    choices = getattr(option.type, "choices", None)
    value = option.metavar or ("|".join(map(str, choices)) if choices else option.type.name.upper())
    return f"{names} {value}"


def _cell(text: str) -> str:
    """Keep a text within its cell of the table."""
    return " ".join(text.split()).replace("|", "\\|")


if __name__ == "__main__":
    sys.stdout.write(page())
