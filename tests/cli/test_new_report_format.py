"""A report format that is one file and one row: this file, and a row of `FORMATS`."""

import pytest

from piienc.report.formats import FORMATS


def counted(report):
    """Write how often each rule was broken, a line for each."""
    return "".join(f"{rule} {count}\n" for rule, count in sorted(report.counts.items()))


@pytest.fixture
def file(project):
    """Give a project with a file that breaks a rule twice."""
    schema = project.read("schema.toml").decode()
    project.write("schema.toml", schema + "\n[columns.size]\ntype = 'integer'\n")
    project.write("x.csv", "id,email,note,size\n1,a@x,n,1\n2,b@x,n,y\n3,c@x,n,z\n")
    return project


def test_report_format_of_one_row_works_on_the_command_line(file, monkeypatch):
    """The report is written to a file."""
    monkeypatch.setitem(FORMATS, "counted", counted)
    how = ("verify", "x.csv", "--schema", "schema.toml", "--expect", "plain")
    ended = file.run(*how, "-o", "counted=report.txt")
    assert ended.code == 10, ended.err
    assert file.read("report.txt") == b"type 2\n"


def test_every_report_format_but_a_page_can_go_to_standard_output(file):
    """The command line offers the rows of the table, and text for people."""
    names = [name for name in FORMATS if name != "html"]
    for name in names:
        ended = file.run("verify", "x.csv", "--schema", "schema.toml", "--format", name)
        assert ended.code == 10, ended.err
        assert ended.out
    ended = file.run("verify", "x.csv", "--schema", "schema.toml", "--format", "none")
    assert (ended.code, [name for name in names if repr(name) not in ended.err]) == (2, [])


def test_report_format_without_its_row_is_refused(file):
    """With the names of those that there are."""
    ended = file.run("verify", "x.csv", "--schema", "schema.toml", "-o", "counted=report.txt")
    assert (ended.code, "formats are json, junit" in ended.err) == (2, True)
