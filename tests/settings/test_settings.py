"""Flag, then variable, then piienc.toml, then default."""

import re
from pathlib import Path

import pytest

from piienc import settings
from piienc.errors import ConfigError
from piienc.receivers import Demands
from piienc.settings import Settings
from piienc.settings.destination import Destination, DestinationTable

BOTH = '[keys]\ndir = "their keys"\n[state]\ndir = "/var/state"\n'


@pytest.fixture
def cwd(tmp_path):
    """Give a current directory, two folders deep, with no piienc.toml in or over it."""
    folder = tmp_path / "project" / "exports"
    folder.mkdir(parents=True)
    return folder


@pytest.fixture
def project(cwd):
    """Give the project's folder, with a piienc.toml that names both folders."""
    (cwd.parent / "piienc.toml").write_text(BOTH, "utf-8")
    return cwd.parent


def test_load_with_nothing_said_gives_defaults_in_the_current_directory(cwd):
    """Without any file, flag or variable, all is beside the data."""
    assert settings.load(environ={}, cwd=cwd) == Settings(None, cwd / "keys", cwd / ".piienc")


def test_load_relative_to_the_process_keeps_paths_short(cwd, monkeypatch):
    """An empty current directory leaves relative paths as they were given."""
    monkeypatch.chdir(cwd)
    (cwd / "piienc.toml").touch()
    loaded = settings.load(keys=Path("k"), environ={}, cwd=Path())
    assert loaded == Settings(Path("piienc.toml"), Path("k"), Path(".piienc"))


def test_load_file_upwards_counts_paths_from_its_folder(project, cwd):
    """The nearest piienc.toml is found, and its relative paths are its own."""
    assert settings.load(environ={}, cwd=cwd) == Settings(
        project / "piienc.toml", project / "their keys", Path("/var/state")
    )


def test_load_file_without_sections_puts_defaults_beside_it(project, cwd):
    """The defaults of a project do not move with the current directory."""
    (project / "piienc.toml").write_text("", "utf-8")
    assert settings.load(environ={}, cwd=cwd) == Settings(
        project / "piienc.toml", project / "keys", project / ".piienc"
    )


def test_load_nearest_file_hides_the_ones_above(project, cwd):
    """Only one piienc.toml is read."""
    (cwd / "piienc.toml").write_text('[keys]\ndir = "near"\n', "utf-8")
    assert settings.load(environ={}, cwd=cwd) == Settings(
        cwd / "piienc.toml", cwd / "near", cwd / ".piienc"
    )


def test_load_folder_named_like_the_file_is_passed_by(project, cwd):
    """Only a file is a configuration."""
    (cwd / "piienc.toml").mkdir()
    assert settings.load(environ={}, cwd=cwd).config_file == project / "piienc.toml"


def test_load_unsearchable_folder_is_passed_by(project, cwd, monkeypatch):
    """A folder on the way up that the user may not look into is no error."""
    is_file = Path.is_file

    def forbidden(path):
        if path.parent == cwd:
            raise PermissionError(13, "Permission denied")
        return is_file(path)

    monkeypatch.setattr(Path, "is_file", forbidden)
    assert settings.load(environ={}, cwd=cwd).config_file == project / "piienc.toml"


@pytest.mark.parametrize(
    ("flag", "variable", "expected"),
    [
        ("flag", "variable", "exports/flag"),
        (None, "variable", "exports/variable"),
        (None, "", "their keys"),
        (None, None, "their keys"),
        ("/flag", None, "/flag"),
    ],
)
def test_load_keys_go_by_flag_then_variable_then_file(project, cwd, flag, variable, expected):
    """A flag beats a variable beats the file; an empty variable says nothing."""
    environ = {} if variable is None else {"PIIENC_KEYS": variable}
    loaded = settings.load(keys=Path(flag) if flag else None, environ=environ, cwd=cwd)
    assert loaded.keys_dir == project / expected


def test_load_state_goes_by_flag_then_variable_then_file(project, cwd):
    """The state folder follows the same order."""
    environ = {"PIIENC_STATE": "variable"}
    flag = settings.load(state=Path("flag"), environ=environ, cwd=cwd)
    variable = settings.load(environ=environ, cwd=cwd)
    assert (flag.state_dir, variable.state_dir) == (cwd / "flag", cwd / "variable")


def test_load_config_goes_by_flag_then_variable_then_search(project, cwd):
    """A named file stands before the nearest one."""
    (cwd / "flag.toml").touch()
    (cwd / "variable.toml").touch()
    environ = {"PIIENC_CONFIG": "variable.toml"}
    flag = settings.load(config=Path("flag.toml"), environ=environ, cwd=cwd)
    variable = settings.load(environ=environ, cwd=cwd)
    assert flag == Settings(cwd / "flag.toml", cwd / "keys", cwd / ".piienc")
    assert variable.config_file == cwd / "variable.toml"


def test_load_tilde_is_expanded_in_file_and_variables(project, cwd, monkeypatch):
    """The home folder may be written as ~ where no shell sees it."""
    monkeypatch.setenv("HOME", "/home/of/me")
    (project / "piienc.toml").write_text('[keys]\ndir = "~/k"\n', "utf-8")
    loaded = settings.load(environ={"PIIENC_STATE": "~/s"}, cwd=cwd)
    assert loaded.keys_dir == Path("/home/of/me/k")
    assert loaded.state_dir == Path("/home/of/me/s")


def test_load_home_of_nobody_is_refused(cwd):
    """A home folder that cannot be found is an error of the configuration."""
    with pytest.raises(ConfigError) as caught:
        settings.load(environ={"PIIENC_KEYS": "~nobody-of-that-name/k"}, cwd=cwd)
    assert str(caught.value) == "~nobody-of-that-name/k: there is no such home folder"


@pytest.mark.parametrize("named", ["flag", "variable"])
def test_load_named_file_that_is_missing_is_refused(project, cwd, named):
    """A file that was asked for is not replaced by another."""
    config = Path("no.toml") if named == "flag" else None
    environ = {"PIIENC_CONFIG": "no.toml"} if named == "variable" else {}
    with pytest.raises(ConfigError) as caught:
        settings.load(config=config, environ=environ, cwd=cwd)
    assert str(caught.value) == f"cannot read {cwd / 'no.toml'}: No such file or directory"


def test_load_file_with_mistakes_lists_them(project, cwd):
    """Unknown keys and wrong types are refused with their mends."""
    file = project / "piienc.toml"
    file.write_text('[key]\n[keys]\ndri = "k"\n[state]\ndir = 1\n', "utf-8")
    with pytest.raises(ConfigError) as caught:
        settings.load(environ={}, cwd=cwd)
    assert str(caught.value).split("\n  ") == [
        f"{file}: 3 mistakes",
        "line 1: key: unknown; did you mean 'keys'?",
        "line 3: keys.dri: unknown; did you mean 'dir'?",
        'line 5: state.dir: 1 is not a string of length 1 or more; write dir = "path/to/folder"',
    ]
    assert "schema" not in caught.value.hint


def test_load_gives_the_users_own_profiles_by_name(project, cwd):
    """A profile's table is kept as it was said; `piienc.receivers` makes a profile of it."""
    text = '[profiles.partner]\nbased_on = "clevertap"\narmor = false\n'
    (project / "piienc.toml").write_text(BOTH + text, "utf-8")
    loaded = settings.load(environ={}, cwd=cwd)
    assert loaded.profiles == {"partner": Demands(based_on="clevertap", armor=False)}
    assert loaded.keys_dir == project / "their keys"


def test_load_profiles_with_mistakes_lists_them_among_the_others(project, cwd):
    """One refusal tells all that is wrong with the file."""
    file = project / "piienc.toml"
    file.write_text('[keys]\ndir = ""\n[profiles.p]\narmour = true\n[profiles."a b"]\n', "utf-8")
    with pytest.raises(ConfigError) as caught:
        settings.load(environ={}, cwd=cwd)
    assert str(caught.value).split("\n  ") == [
        f"{file}: 2 mistakes",
        "line 2: keys.dir: '' is not a string of length 1 or more; write dir = \"path/to/folder\"",
        "line 4: profiles.p.armour: unknown; did you mean 'armor'?",
    ]


@pytest.mark.parametrize(
    "asking",
    [
        'trigger = "manifest"',
        'profile = "clevertap"',
        'profile = "p"\n[profiles.p]\nbased_on = "clevertap"',
        'profile = "generic"',
    ],
)
def test_load_holds_what_is_said_for_manifests_against_the_form_that_is_asked_for(
    project, cwd, asking
):
    """By the destination, its profile or what that is based on; or by a profile for once."""
    file = project / "piienc.toml"
    said = '[destinations.d.manifest]\ntype = "profile"\nclient_email = "Ada"\n'
    text = f'{said}[destinations.d]\nurl = "sftp://a@b.ch/c/"\n{asking}\n'
    file.write_text(text, "utf-8")
    with pytest.raises(ConfigError) as caught:
        settings.load(environ={}, cwd=cwd)
    assert str(caught.value).split("\n  ") == [
        f"{file}: 1 mistake",
        "line 3: destinations.d.manifest.client_email: not one plain e-mail address",
    ]
    file.write_text(text.replace("Ada", "ada@example.com"), "utf-8")
    (loaded,) = settings.load(environ={}, cwd=cwd).destinations.values()
    assert loaded.manifest == {"type": "profile", "client_email": "ada@example.com"}


def test_load_leaves_profiles_that_are_not_there_to_whoever_needs_them(project, cwd):
    """Their destinations may never be asked for."""
    text = '[destinations.d]\nurl = "sftp://a@b.ch/c/"\nprofile = "x"\nmanifest = { a = 1 }\n'
    (project / "piienc.toml").write_text(text, "utf-8")
    assert settings.load(environ={}, cwd=cwd).destinations["d"].manifest == {"a": 1}


def test_load_profiles_based_on_nothing_are_refused(project, cwd):
    """What the profiles are to each other is checked where the file is read."""
    file = project / "piienc.toml"
    file.write_text('[profiles.p]\nbased_on = "generik"\n', "utf-8")
    with pytest.raises(ConfigError) as caught:
        settings.load(environ={}, cwd=cwd)
    assert str(caught.value).endswith(
        "line 2: profiles.p.based_on: there is no such profile; did you mean 'generic'?"
    )


PAGE = (Path(__file__).parents[2] / "docs" / "sftp.md").read_text("utf-8")
ROWS = re.findall(r"^\| `(\w+)` \| .+ \| (.+?) \|$", PAGE, re.MULTILINE)


def _destination(cwd, text):
    (cwd / "piienc.toml").write_text(f"[destinations.partner]\n{text}", "utf-8")
    return settings.load(environ={}, cwd=cwd).destinations["partner"]


def test_destination_of_a_url_alone_has_the_defaults(cwd):
    """What is left out is what the documentation says."""
    found = _destination(cwd, 'url = "sftp://me@host/in/"\n')
    assert found == Destination("sftp://me@host/in/", "partner")


def test_destination_paths_count_from_the_file(cwd):
    """A project may be moved as a whole; the home folder is known."""
    found = _destination(
        cwd, 'url = "file:///out/"\nidentity_file = "id"\nknown_hosts = "~/known"\n'
    )
    assert (found.identity_file, found.known_hosts) == (cwd / "id", Path.home() / "known")


def test_destination_tells_all_that_is_set(cwd):
    """Sizes are numbers, and only the timeouts that were said are there."""
    found = _destination(
        cwd,
        'url = "file:///out/"\nbandwidth = "10 MB"\nrecipients = ["a", "b"]\n'
        "timeouts = { stall = 5 }\nretries = 0\nrename = false\n",
    )
    assert (found.bandwidth, found.recipients, found.timeouts) == (
        10_000_000,
        ("a", "b"),
        (("stall", 5.0),),
    )
    assert (found.retries, found.rename) == (0, False)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("retries = 3\n", "destinations.partner.url: missing; add url ="),
        (
            'url = "x"\nretrys = 3\n',
            "destinations.partner.retrys: unknown; did you mean 'retries'?",
        ),
        ('url = "x"\nif_exists = "ask"\n', "'ask' is not one of fail, skip, replace"),
        ('url = "x"\nbandwidth = "fast"\n', "'fast' is not a size; write bandwidth = \"10 MB\""),
        ('url = "x"\ntimeouts = { stall = 0 }\n', "destinations.partner.timeouts.stall: 0 is not"),
        ('url = "x"\nconnections = 0\n', "destinations.partner.connections: 0 is not"),
    ],
)
def test_destination_with_a_mistake_is_refused_with_the_mend(cwd, text, told):
    """With place and remedy, as everywhere in `piienc.toml`."""
    with pytest.raises(ConfigError) as caught:
        _destination(cwd, text)
    assert told in str(caught.value)


def test_destination_in_the_documentation_is_one(cwd):
    """The page's own example loads."""
    (example,) = re.findall(r"^```toml\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
    (cwd / "piienc.toml").write_text(example, "utf-8")
    found = settings.load(environ={}, cwd=cwd).destinations["partner"]
    assert found.recipients == ("partner",)


def test_destination_fields_are_all_in_the_documentation_with_their_defaults():
    """Every field has its row, in order, and no row is of a field that is gone."""
    assert [name for name, _ in ROWS] == [*DestinationTable.__struct_fields__]
    bare = DestinationTable(url="x")
    for name, default in ROWS:
        value = getattr(bare, name)
        if isinstance(value, bool):
            assert default == f"`{str(value).lower()}`"
        elif isinstance(value, int):
            assert default == str(value)
        elif isinstance(value, str) and name != "url":
            assert default == f'`"{value}"`'
