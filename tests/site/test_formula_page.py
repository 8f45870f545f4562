"""The page of all labelled formulas, as built: whole, and with links that lead there."""

import re

import pytest
from displayed import labelled

from bookbuild import paths
from bookbuild.checked import checks

HTML = paths.HTML / "chapters"
PAGE = HTML / "formulas.html"


@pytest.fixture(scope="module")
def entries():
    """For each formula: the page and the anchor that it links to, its number, what is said."""
    note = r'<p class="formula-check"><a [^>]*href="(.*?)#equation-(.*?)">(.*?)</a>(.*?)</p>'
    return re.findall(note, PAGE.read_text(encoding="utf-8"), re.DOTALL)


def test_every_labelled_formula_stands_on_the_page_once(entries):
    assert sorted(label for _, label, _, _ in entries) == sorted(labelled())
    assert PAGE.read_text(encoding="utf-8").count('<div class="formula">') == len(entries)


def test_a_number_is_that_of_the_formula_it_leads_to(entries):
    for page, label, number, _ in entries:
        there = (HTML / page).read_text(encoding="utf-8")
        at = there.index(f'id="equation-{label}"')
        assert re.search(r'class="eqno">(.*?)<', there[at:])[1] == number


def test_what_checks_a_formula_is_said_and_a_pinned_one_says_why(entries):
    known = checks()
    for _, label, _, said in entries:
        assert "Evaluated: " in said
        assert ("held as it stands" in said) == bool(known[label].pinned)
