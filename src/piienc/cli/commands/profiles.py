"""`piienc profiles`: what each kind of receiver demands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from piienc.cli import options, ui

if TYPE_CHECKING:
    from collections.abc import Sequence

    from piienc.receivers import Profile, RowRule

app = options.group("What receivers demand of a file: list, show.")

# Not demands, or with a table of their own.
_ABOUT = {"name", "summary", "properties", "kinds", "rows", "notes", "sources"}
_FIRST = 5  # words of a list that are shown
_OPEN = {"armor": "either", "names": "any"}  # how to say that nothing is demanded; else "none"


@options.command("list", "piienc profiles list", app)
def list_profiles(*, common: options.CommonOptions) -> None:
    """List the profiles of piienc.toml, and the built-in ones."""
    from piienc import receivers as profiles  # start-up

    own_profiles = common.settings.profiles
    all_profiles = [profiles.load(name, own_profiles) for name in profiles.names(own_profiles)]
    if common.json:
        ui.result(profiles=[_facts(profile) for profile in all_profiles])
        return
    ui.table(
        "profiles",
        ("name", "summary", "armor", "extension", "size limit", "trigger"),
        [
            (
                profile.name,
                profile.summary,
                _shown("armor", profile.armor),
                profile.extension,
                _shown("size_limit", profile.size_limit),
                profile.trigger,
            )
            for profile in all_profiles
        ],
    )


@options.command("show", "piienc profiles show generic", app)
def show(
    name: Annotated[str, options.argument("NAME", "The profile's name.")],
    *,
    common: options.CommonOptions,
) -> None:
    """Show the demands of a profile, each with its source."""
    from piienc import receivers as profiles  # start-up

    profile = profiles.load(name, common.settings.profiles)
    facts = _facts(profile)
    if common.json:
        ui.result(profile=facts)
        return
    sources = list(dict.fromkeys(profile.sources.values()))
    rows = [
        (field, _shown(field, value), _number(sources, profile.sources.get(field)))
        for field, value in facts.items()
        if field not in _ABOUT
    ]
    ui.data(f"{name}: {profile.summary}")
    ui.table("what it demands", ("field", "value", "source"), rows)
    if profile.rows:
        rules = [
            (
                name,
                _meant(rule),
                _demanded(rule),
                rule.severity,
                _number(sources, profile.sources[f"rows.{name}"]),
            )
            for name, rule in profile.rows.items()
        ]
        ui.table("of the rows", ("rule", "of", "demand", "severity", "source"), rules)
    for source in sources:
        ui.data(f"{_number(sources, source)} {source}")
    for note in profile.notes:
        ui.data(f"note: {note}")


def _facts(profile: Profile) -> dict[str, Any]:
    from msgspec import structs, to_builtins  # start-up

    return structs.asdict(profile) | {"rows": to_builtins(profile.rows)}


def _meant(rule: RowRule) -> str:
    """Tell which rows, columns or values a rule is for."""
    if not rule.demands:  # it is off
        return ""
    names = [*(rule.properties or ()), *(rule.columns or ())]
    words = [f"{rule.type}s:"] if rule.type else []
    words += [_some(names) if names else "rows" if rule.required_one_of else "all"]
    words += ["that are custom"] if rule.custom else []
    words += [f"but {_some(rule.besides)}"] if rule.besides else []
    words += [f"that begin with {rule.starting}"] if rule.starting else []
    words += [f"({rule.when})"] if rule.when else []
    return " ".join(words)


def _demanded(rule: RowRule) -> str:
    """Write a rule's demands, each with its value."""
    return "; ".join(
        name if value is True else f"{name} {_some(value) if isinstance(value, list) else value}"
        for name, value in rule.demands.items()
    )


def _some(words: Sequence[str]) -> str:
    more = len(words) - _FIRST
    return ", ".join(words[:_FIRST]) + (f" and {more} more" if more > 0 else "")


def _shown(field: str, value: object) -> str:
    from piienc.receivers.model import size_text  # start-up

    if value is None:
        return _OPEN.get(field, "none")
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple):
        return ", ".join(value) or "any"
    if isinstance(value, int) and field.endswith("_limit"):
        return size_text(value)
    return str(value)


def _number(sources: Sequence[str], source: str | None) -> str:
    return f"[{sources.index(source) + 1}]" if source else "default"
