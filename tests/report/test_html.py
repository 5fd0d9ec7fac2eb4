"""The report as HTML, in a real browser: it is seen, it fetches nothing, it runs nothing."""

from html.parser import HTMLParser

import pytest
from browser import browser as started
from msgspec.structs import replace
from reports_made import ALL, CLEAN, EMPTY, FULL, HOSTILE, HOSTILE_NAMES, LARGE, LOCKED

from piienc.report.formats.as_html import html
from piienc.report.words import visible

pytestmark = pytest.mark.xdist_group("browser")

DASH = "\N{EN DASH}"
_CONTRAST = """
const channel = v => (v /= 255) <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4;
const numbers = text => text.match(/[\\d.]+/g).map(Number);
const light = c => .2126 * channel(c[0]) + .7152 * channel(c[1]) + .0722 * channel(c[2]);
const back = e => {
  for (; e; e = e.parentElement) {
    const c = numbers(getComputedStyle(e).backgroundColor);
    if (c.length < 4 || c[3] > 0) return c;
  }
  return [255, 255, 255];
};
let worst = [21, ""];
for (const e of document.body.querySelectorAll("*")) {
  if (![...e.childNodes].some(n => n.nodeType === 3 && n.data.trim())) continue;
  if (e.closest("svg") || !e.checkVisibility()) continue;
  const [a, b] = [light(numbers(getComputedStyle(e).color)), light(back(e))];
  const ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
  if (ratio < worst[0]) worst = [ratio, e.outerHTML.slice(0, 80)];
}
return worst;
"""
"""The least contrast of a text with what is behind it, as WCAG 2.2 computes it."""


@pytest.fixture(scope="module")
def chromium():
    """Give a browser for all tests of this file."""
    with started() as running:
        yield running


@pytest.fixture
def page(chromium, tmp_path):
    """Give what opens a report in the browser."""

    def opened(report, **how):
        path = tmp_path / "report.html"
        path.write_text(html(report), "utf-8")
        chromium.open(path, **how)
        return chromium

    return opened


def _overflow(shown):
    root = "document.documentElement"
    return shown.ask(f"return {root}.scrollWidth - {root}.clientWidth")


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("name", ALL)
def test_page_is_seen_without_a_request_an_error_or_an_overflow(page, name, width):
    """The file alone is loaded, nothing complains, and nobody scrolls sideways."""
    shown = page(ALL[name], width=width)
    shown.ask("document.querySelectorAll('details').forEach(one => one.open = true)")
    assert shown.requests() == [shown.driver.current_url]
    assert shown.errors() == []
    assert _overflow(shown) == 0
    assert shown.ask("return document.querySelector('h1').checkVisibility()")


@pytest.mark.parametrize(
    ("report", "verdict", "tone"),
    [
        (CLEAN, "PASSED", "good"),
        (LOCKED, "INCOMPLETE", "fair"),
        (LARGE, "FAILED", "bad"),
        (FULL, "TAMPERED", "bad"),
        (replace(CLEAN, warnings=("w",)), "PASSED with warnings", "fair"),
    ],
)
def test_page_tells_the_verdict_in_words_and_in_colour(page, report, verdict, tone):
    """Who sees no colour reads it; it stands in the title, too."""
    shown = page(report)
    assert shown.ask("return document.querySelector('h1').innerText") == verdict
    assert shown.ask("return document.querySelector('header').className") == tone
    assert shown.driver.title.startswith(f"{verdict}: ")


def _table(shown, label):
    """Return the visible cells of a table by its caption."""
    return shown.ask(
        "const named = t => t.caption.textContent === arguments[0] && t.checkVisibility();"
        "const table = [...document.querySelectorAll('table')].find(named);"
        "const text = cell => cell.innerText.trim();"
        "return table && [...table.rows].map(row => [...row.cells].map(text));",
        label,
    )


def test_page_shows_all_that_was_found(page):
    """Facts, columns, findings, and what equal values show."""
    shown = page(FULL)
    text = shown.ask("return document.body.innerText")
    for fact in ("ab" * 32, "cd" * 32, "people, version 3", "1111111111", "piienc 0.1.0"):
        assert fact in text
    assert _table(shown, "Columns of the file") == [
        ["Column", "Failures", "Suspicious", "Nulls", "Encrypted", "Authentic"],
        ["id\ninteger, not marked", "13", DASH, "0", DASH, DASH],
        ["email\nstring, searchable key lookup", "3,016", DASH, "0", "5,000", "1,985"],
        ["note\nstring, sealed key vault", "0", DASH, "2,000", "3,000", "3,000"],
        ["phone\nstring, not marked", "2", "4,983", "17", DASH, DASH],
        ["stray\nnot in the schema, not marked", "1", DASH, "0", DASH, DASH],
    ]
    assert _table(shown, "Findings of email, authentic") == [
        ["What is wrong", "Rows"],
        ["not authentic", f"17{DASH}18, 40"],
    ]
    assert _table(shown, "What equal values show") == [
        ["Column", "Cells", "Different values", "Most frequent", "Its share"],
        ["email", "5,000", "7", "4,100", "82.0%"],
    ]
    assert "3,012 more are counted and not listed." in text
    assert "the ledger does not know this file" in text


def test_page_shows_what_was_not_checked_and_why(page):
    """A column and rule each; where all was, it says so."""
    assert _table(page(LOCKED), "What could not be checked") == [
        ["Column", "Rule", "Why"],
        ["note", "authentic", "key vault is not there"],
        ["note", "value", "key vault is not there"],
    ]
    clean = page(CLEAN).ask("return document.body.innerText")
    assert "All that was asked for could be checked." in clean
    assert "Nothing was found." in clean
    assert "The file has no columns." in page(EMPTY).ask("return document.body.innerText")


def test_bars_are_as_long_as_the_shares(page):
    """The length is the share of the cells or rows, and who does not see it is told."""
    bars = page(FULL).ask(
        "return [...document.querySelectorAll('.columns tr')].slice(1).map(row =>"
        " [...row.querySelectorAll('svg')].map(bar => [bar.getAttribute('aria-label'),"
        " Number(bar.querySelector('.part').getAttribute('width')), bar.classList[1]]))"
    )
    assert bars[1] == [
        ["at least 60.3% of the rows", 60.3, "bad"],
        ["0%", 0, "plain"],
        ["100%", 100, "good"],
        ["39.7%", 39.7, "bad"],
    ]
    assert bars[2][1] == ["40.0%", 40, "plain"]
    assert bars[3][2] == ["0.3%", 2, "plain"]  # a bar that is not empty can be seen


def test_page_with_300_columns_folds_the_sound_ones(page):
    """43 columns are shown; the others and most findings open on a click."""
    shown = page(LARGE)
    assert len(_table(shown, "Columns with failures or open questions")) == 44
    assert _table(shown, "Columns without failures") is None
    shown.ask("document.querySelector('details.fold > summary').click()")
    assert len(_table(shown, "Columns without failures")) == 258
    assert shown.ask("return document.querySelectorAll('details.group').length") == 43
    assert shown.ask("return document.documentElement.scrollHeight") < 40_000
    assert len(html(LARGE)) < 1_000_000


@pytest.mark.parametrize("width", [1280, 390])
def test_hostile_names_are_text_and_do_not_run(page, width):
    """Each is seen as it is, escaped where it cannot be, and is nothing but text."""
    shown = page(HOSTILE_NAMES, width=width)
    title = r"FAILED: x\n::error::forged,:%<script>document.title='run'</script>.csv"
    assert shown.driver.title == f"{title} (piienc verify)"
    assert shown.ask("return document.querySelectorAll('script, img, a, iframe').length") == 0
    names = [row[0] for row in _table(shown, "Columns of the file")[1:]]
    assert names == [f"{visible(name)}\nstring, not marked" for name in HOSTILE]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["full", "clean", "locked"])
def test_every_text_has_contrast(page, name, scheme):
    """At least 4.5 to 1, in light and in dark: WCAG 2.2, level AA."""
    shown = page(ALL[name], prefers_color_scheme=scheme)
    shown.ask("document.querySelectorAll('details').forEach(one => one.open = true)")
    ratio, where = shown.ask(_CONTRAST)
    assert ratio >= 4.5, where


def test_light_and_dark_differ(page):
    """The page follows what the reader has chosen."""
    ground = "return getComputedStyle(document.body).backgroundColor"
    colours = [page(CLEAN, prefers_color_scheme=one).ask(ground) for one in ("light", "dark")]
    assert colours == ["rgb(246, 247, 249)", "rgb(15, 19, 24)"]


def test_page_on_paper_shows_what_is_folded(page):
    """On paper nobody can click; the whole PDF is a few pages."""
    shown = page(FULL)
    shown.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    assert _table(shown, "Findings of id, unique") == [
        ["What is wrong", "Rows"],
        ["stands in row 2 already", "5, 9"],
    ]
    assert _overflow(shown) == 0


class _Outline(HTMLParser):
    """What a page is made of."""

    def __init__(self):
        super().__init__()
        self.tags = []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))


def test_page_can_be_read_by_a_screen_reader(report):
    """A language, one title, headings in order, and tables with captions and headers."""
    outline = _Outline()
    outline.feed(html(report))
    tags = [tag for tag, _ in outline.tags]
    assert ("html", {"lang": "en"}) in outline.tags
    assert [tag for tag in tags if tag in ("h1", "h2")] == ["h1"] + ["h2"] * tags.count("h2")
    assert tags.count("table") == tags.count("caption")
    assert all(attrs.get("scope") for tag, attrs in outline.tags if tag == "th")
    assert all(attrs.get("aria-label") for tag, attrs in outline.tags if tag == "svg")
    ids = [attrs["id"] for _, attrs in outline.tags if "id" in attrs]
    assert len(ids) == len(set(ids))


def test_page_holds_no_script_and_no_address(report):
    """Nothing could be run or fetched, and the page forbids it as well."""
    outline = _Outline()
    outline.feed(html(report))
    for tag, attrs in outline.tags:
        assert tag not in {"script", "link", "img", "iframe", "object", "base", "form", "a"}
        assert not [name for name in attrs if name.startswith("on") or name in {"src", "href"}]
    policy = {"http-equiv": "Content-Security-Policy"}
    assert any(tag == "meta" and policy.items() <= attrs.items() for tag, attrs in outline.tags)
