"""The built pages, as they arrive at a reader before any script has run."""

import base64
import io
import re
import unicodedata
from html.parser import HTMLParser

import pytest
from fontTools.ttLib import TTFont
from labels import CHAPTERS, labels
from visit import pages

from bookbuild.ext import formulas, mathml
from bookbuild.paths import HTML, ROOT

LETTER = re.compile(r"<mi(?![^>]*mathvariant)[^>]*>(.)</mi>")  # one alone is drawn in italics
every_page = pytest.mark.parametrize("name", [chapter.stem for chapter in CHAPTERS])
every_built_page = pytest.mark.parametrize("page", pages())  # the search, too


def read(name):
    return (HTML / f"chapters/{name}.html").read_text("utf-8")


class Tags(HTMLParser):
    """Every opening tag of a page with its attributes."""

    def __init__(self, page):
        super().__init__()
        self.found = []
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.found.append((tag, dict(attributes)))


def test_the_jacobian_page_holds_what_its_cells_printed():
    page = read("jacobian")
    assert "largest difference: about 10^-11" in page
    assert "z = [  5. -20. -55.]" in page
    assert page.count('<svg class="drawing"') == 4


@every_page
def test_no_page_asks_anybody_else_for_anything(name):
    for tag, attributes in Tags(read(name)).found:
        if attributes.get("rel") == "canonical":  # says where the page lives, and is not fetched
            continue
        source = attributes.get("src") if tag != "link" else attributes.get("href")
        assert not re.match(r"(https?:)?//", source or ""), (tag, attributes)


@every_page
def test_formulas_are_mathml_and_no_tex_is_left(name):
    page = read(name)
    text = re.sub(r"<(script|style|pre|svg|annotation).*?</\1>", "", page, flags=re.DOTALL)
    words = re.sub(r"<[^>]*>", "", text)
    assert not any("mathjax" in (a.get("src") or "").lower() for _, a in Tags(page).found)
    assert not re.search(r"\\(frac|phi|tilde|operatorname|mathbb)\b|\\\(|\$\$", words)
    chapter = (ROOT / f"chapters/{name}.md").read_text("utf-8")
    assert page.count('<div class="formula">') >= len(labels(chapter))


@every_page
def test_every_labelled_equation_has_its_number_and_its_anchor(name):
    page = read(name)
    for label in labels((ROOT / f"chapters/{name}.md").read_text("utf-8")):
        assert f'id="equation-{label}"' in page
    assert page.count('class="eqno"') == page.count('id="equation-')


@every_page
def test_every_picture_says_what_there_is_to_see(name):
    for tag, attributes in Tags(read(name)).found:
        if tag == "img" and "logo" not in attributes.get("class", ""):
            assert len(attributes.get("alt") or "") > 40, attributes
        if tag == "svg" and attributes.get("class") == "drawing":
            assert attributes["role"] == "img" and len(attributes["aria-label"]) > 40
            assert int(attributes["width"]) > 0 and int(attributes["height"]) > 0


@every_built_page
def test_headings_form_one_outline(page):
    tags = Tags((HTML / page).read_text("utf-8")).found
    levels = [int(tag[1]) for tag, _ in tags if re.fullmatch("h[1-6]", tag)]
    assert levels.count(1) == 1 and levels[0] == 1
    assert all(after <= before + 1 for before, after in zip(levels, levels[1:], strict=False))


@every_page
def test_ids_stand_once_on_a_page(name):
    ids = [a["id"] for _, a in Tags(read(name)).found if "id" in a]
    assert len(ids) == len(set(ids)), {i for i in ids if ids.count(i) > 1}


def test_figures_take_the_colours_of_the_page():
    page = read("jacobian")
    for drawing in re.findall(r'<svg class="drawing".*?</svg>', page, re.DOTALL):
        assert "#000000" not in drawing and "#ffffff" not in drawing
        assert "currentColor" in drawing and "var(--color-background-primary" in drawing


@every_built_page
def test_a_page_has_the_font_of_formulas_where_it_has_formulas(page):
    text = (HTML / page).read_text("utf-8")
    assert ("_static/math.css" in text) == ("<math" in text)


def test_the_font_holds_every_character_of_the_formulas():
    style = (HTML / "_static/math.css").read_text(encoding="utf-8")
    font = TTFont(io.BytesIO(base64.b64decode(re.search(r"base64,([^\"]*)", style)[1])))
    glyphs = font.getBestCmap()
    for chapter in CHAPTERS:
        for formula in re.findall(r"<math.*?</math>", read(chapter.stem), re.DOTALL):
            letters = [formulas.italic(letter) for letter in LETTER.findall(formula)]
            upright = re.sub(r"\s", "", mathml.shown(LETTER.sub("", formula)))
            for character in [*letters, *upright]:
                drawn = unicodedata.category(character) not in ("Mn", "Cf")
                assert ord(character) in glyphs or not drawn, character
            assert ord("√") in glyphs or "<msqrt" not in formula  # a sign that no text holds
    assert ord("𝑥") in glyphs and ord("𝜙") in glyphs and ord("z") not in glyphs
    assert "MATH" in font


@every_page
def test_a_prime_stands_beside_its_letter(name):
    assert not re.search("<mo[^>]*>[′″‴]</mo></msu(p|bsup)>", read(name))


def test_the_book_has_an_icon():
    page = read("index")
    assert "favicon.svg" in page
