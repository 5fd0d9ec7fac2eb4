"""What the tests of verification share: encrypted people, made once."""

import pytest
from verify_desk import FORMATS, Desk, Sheet, people


@pytest.fixture
def desk(tmp_path):
    """Give a desk of the test's own."""
    return Desk(tmp_path)


@pytest.fixture(scope="session")
def office_desk(tmp_path_factory):
    """Give a desk with encrypted people in `{size}.{format}`, made once."""
    made = Desk(tmp_path_factory.mktemp("verify"))
    for kind in FORMATS:
        for name, rows in (("small", 100), ("large", 70_000)):
            people(rows, kind).save(made.folder / f"{name}.{kind}")
            made.encrypt(f"{name}.{kind}", f"{name}.enc.{kind}")
    return made


@pytest.fixture(scope="session")
def sheets(office_desk):
    """Give the tables of the desk, by their names."""
    names = [f"{n}{e}.{k}" for n in ("small", "large") for e in ("", ".enc") for k in FORMATS]
    return {name: Sheet.load(office_desk.folder / name) for name in names}
