"""URLs of destinations."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from piienc.errors import ConfigError, UsageError
from piienc.remote import RemoteUrl, parse_url


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("sftp://me@host.example:2222/a/b/", RemoteUrl("sftp", "/a/b", "host.example", 2222, "me")),
        ("sftp://host/import", RemoteUrl("sftp", "/import", "host")),
        ("sftp://host/", RemoteUrl("sftp", "/", "host")),
        ("sftp://host", RemoteUrl("sftp", ".", "host")),
        ("sftp://Alias_1//a//./b", RemoteUrl("sftp", "/a/b", "Alias_1")),
        ("sftp://a%40b@[::1]:22/x%20y/", RemoteUrl("sftp", "/x y", "::1", 22, "a@b")),
        ("sftp://[fe80::1%25eth0]/x/", RemoteUrl("sftp", "/x", "fe80::1%eth0")),
        ("SFTP://host/x/", RemoteUrl("sftp", "/x", "host")),
        ("file:///srv/x/", RemoteUrl("file", "/srv/x")),
        ("file://localhost/srv/%C3%A4/", RemoteUrl("file", "/srv/ä")),
    ],
)
def test_url_is_read_part_by_part(text, url):
    """Each part is where it belongs, decoded."""
    assert parse_url(text) == url
    assert parse_url(str(url)) == url


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("sftp://me:secret@host/x/", "password"),
        ("sftp:///x/", "names no host"),
        ("sftp://@host/x/", "user's name is empty"),
        ("sftp://host:0/x/", "port"),
        ("sftp://host:/x/", "port"),
        ("sftp://host:70000/x/", "port"),
        ("sftp://host:22a/x/", "port"),
        ("sftp://-oProxyCommand=x/x/", "malformed"),
        ("sftp://ho$t/x/", "malformed"),
        ("sftp://host/~/x/", "'~'"),
        ("sftp://host/../x/", "'..'"),
        ("sftp://host/%2e%2e/x/", "'..'"),
        ("sftp://host/x?y", "%3F"),
        ("sftp://host/x#y", "%23"),
        ("sftp://host/a b/", "percent-encoded"),
        ("sftp://host/a\nb/", "percent-encoded"),
        ("sftp://host/a%0Ab/", "control characters"),
        ("sftp://host/a%00b/", "control characters"),
        ("sftp://host/%ff/", "UTF-8"),
        ("sftp://host/%2/", "percent sign"),
        ("ftp://host/x/", "only sftp"),
        ("/srv/x", "only sftp"),
        ("", "only sftp"),
        ("file://host/x/", "three slashes"),
        ("file:", "no folder"),
        ("file:tmp", "absolute"),
    ],
)
def test_url_that_is_none_raises_and_says_why(text, reason):
    """The message names what is wrong, and the hint shows the form."""
    with pytest.raises(ConfigError, match=reason.replace("'..'", r"'\.\.'")) as caught:
        parse_url(text)
    assert "sftp://user@host:port/folder/" in caught.value.hint


@pytest.mark.parametrize(
    "text",
    [
        "sftp://me:hunter2@host/x/",
        "sftp://me:hunter2@ho st/",
        "sftp://me:hun@ter2@host:x/",
        "sftp://me:hunter2",
        "sftp://me:hunter2/x",
        "sftp://me:hunter2#@host/",
    ],
)
def test_url_with_a_password_does_not_show_it(text):
    """What may be a password is in no message."""
    with pytest.raises(UsageError) as caught:
        parse_url(text, error=UsageError)
    assert "hunter2" not in str(caught.value)
    assert "ter2" not in str(caught.value)


@given(st.text())
def test_url_of_any_text_is_read_or_refused(text):
    """No text does anything else."""
    for form in (text, f"sftp://{text}", f"sftp://host/{text}", f"file:///{text}"):
        try:
            url = parse_url(form)
        except ConfigError as error:
            assert str(error).isprintable()  # noqa: PT017
        else:
            assert ".." not in url.folder.split("/")
            assert parse_url(str(url)) == url
