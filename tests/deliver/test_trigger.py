"""The names of files that tell a receiver to begin."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from piienc import receivers as profiles
from piienc.deliver.trigger import trigger_name
from piienc.errors import PolicyError
from piienc.remote import is_safe


@pytest.mark.parametrize(
    ("data", "swapped", "appended"),
    [
        ("report.txt", "report.fin", "report.txt.fin"),
        ("report.csv.gz", "report.csv.fin", "report.csv.gz.fin"),
        ("report", "report.fin", "report.fin"),
        (".report", ".report.fin", ".report.fin"),
        ("report.", "report.fin", "report..fin"),
        ("a b.ä.tab", "a b.ä.fin", "a b.ä.tab.fin"),
    ],
)
def test_trigger_swaps_the_last_ending_or_is_appended(data, swapped, appended):
    """Which of them, a profile says."""
    assert trigger_name(".fin", data, swaps_ending=True) == swapped
    assert trigger_name(".fin", data, swaps_ending=False) == appended


@pytest.mark.parametrize(
    ("profile", "data", "expected"),
    [
        ("adobe-analytics", "example.txt", "example.fin"),
        ("amperity", "people.csv.pgp", "people.csv.pgp.DONE"),
    ],
)
def test_trigger_of_a_built_in_profile(profile, data, expected):
    """The profile's fields are what the function takes."""
    loaded = profiles.load(profile, {})
    name = trigger_name(loaded.trigger, data, swaps_ending=loaded.trigger_swaps_ending)
    assert name == expected


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        ("a.fin", "the data file 'a.fin' has the name of its own trigger"),
        ("../a.txt", "holds a path"),
        ("a\n.txt", "control characters"),
        ("x" * 252, "longer than 255 bytes"),
        ("", "names no file"),
    ],
)
def test_trigger_that_is_no_name_of_its_own_is_refused(data, reason):
    """Neither the data file is overwritten, nor anything in another folder."""
    with pytest.raises(PolicyError, match=reason):
        trigger_name(".fin", data, swaps_ending=True)


@given(st.text(), st.booleans())
def test_trigger_of_a_hostile_name_is_plain_or_refused(data, swaps):
    """Whatever a data file is called, its trigger is beside it."""
    try:
        name = trigger_name(".fin", data, swaps_ending=swaps)
    except PolicyError:
        return
    assert is_safe(name)
    assert name.endswith(".fin")
    assert name != data
