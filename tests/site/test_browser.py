"""The built pages in a real browser: weight, silence, access, phone, no script, print, file."""

import os
import re
import shutil
import subprocess

import audit
import pikepdf
import pytest
from bs4 import BeautifulSoup
from visit import NUMBERS_ON_FORMULAS, WORDS_ON_WORDS, Visit, pages

from bookbuild import browser
from bookbuild.browser import serve
from bookbuild.paths import HTML
from bookbuild.tasks import pdf

FIRST_VISIT = {"chapters/jacobian.html": 200_000}  # bytes on the wire; every other page:
OTHERS, LATER = 250_000, 60_000
PAGES = pages()
CHAPTERS = [page for page in PAGES if page.startswith("chapters/")]
every_page = pytest.mark.parametrize("page", PAGES)
every_chapter = pytest.mark.parametrize("page", CHAPTERS)


# ------------------------------------------------------------------------------------ every page


@every_page
def test_a_page_is_light_silent_still_and_open_to_everyone(chrome, home, page):
    with Visit(chrome, home + page) as visit:
        visit.scroll()
        assert visit.outside == []
        assert visit.said == []
        assert 0 < visit.weight <= FIRST_VISIT.get(page, OTHERS)
        assert visit.shift() <= 0.02
        assert visit.axe() == []
    assert audit.later((HTML / page).read_text("utf-8")) <= LATER


@every_page
def test_a_page_is_open_to_everyone_in_the_dark_and_when_unfolded(chrome, home, page):
    with Visit(chrome, home + page, color_scheme="dark", reduced_motion="reduce") as visit:
        ground = visit.page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert max(map(int, re.findall(r"\d+", ground))) < 64
        visit.page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
        assert visit.axe() == []


@every_page
def test_no_page_moves_sideways_on_a_phone_or_at_twice_the_size(chrome, home, page):
    with Visit(chrome, home + page, width=320, reduced_motion="reduce") as visit:
        visit.page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
        for width in (320, 640):
            visit.page.set_viewport_size({"width": width, "height": 900})
            assert (width, *visit.sideways()) == (width, 0, "")
            letters = visit.page.evaluate(  # those of the explorers are measured in test_explorer
                """[...document.querySelectorAll("svg.drawing")].map(s =>
                    10 * s.getBoundingClientRect().width / s.viewBox.baseVal.width)"""
            )
            assert all(size > 9 for size in letters), letters  # pixels, of letters of 10 points
            assert visit.page.evaluate(WORDS_ON_WORDS) == []
            assert visit.page.evaluate(f"({NUMBERS_ON_FORMULAS})(document)") == []
        moving = visit.page.evaluate(
            """[...document.querySelectorAll("*")].filter(e =>
                getComputedStyle(e).transitionDuration.split(", ").some(t => t !== "0s")).length"""
        )
        assert moving == 0


@every_chapter
def test_a_chapter_is_complete_without_scripts(chrome, home, page):
    with Visit(chrome, home + page, java_script_enabled=False) as visit:
        text = visit.page.inner_text("article")
        assert audit.raw_tex(visit.page.content()) == []
        for figure in visit.page.locator("svg.drawing").all():
            assert figure.bounding_box()["width"] > 200
        assert len(text) > 1000
        for button in visit.page.locator("button").all():  # what they do, a script does
            assert not button.is_visible()
        if visit.page.locator("details").count():
            fold = visit.page.locator("details").first
            fold.locator("summary").click()
            assert fold.get_attribute("open") is not None

        visit.page.set_viewport_size({"width": 360, "height": 800})
        chapters = visit.page.locator(".sidebar-tree a")
        assert chapters.count() >= len(CHAPTERS) - 1
        visit.page.locator("label.nav-overlay-icon").click()
        assert chapters.first.is_visible()


@every_chapter
def test_a_printed_chapter_is_whole(chrome, home, page):
    with Visit(chrome, home + page, width=690, color_scheme="dark") as visit:  # A4, 2 cm
        visit.page.emulate_media(media="print", color_scheme="dark")
        visit.page.evaluate("dispatchEvent(new Event('beforeprint'))")
        cut = visit.page.evaluate(
            """[...document.querySelectorAll("article :is(pre, .formula, .wide, table)")]
                .filter(e => e.scrollWidth > e.clientWidth + 1)
                .map(e => e.outerHTML.slice(0, 100))"""
        )
        assert cut == []
        for hidden in (
            ".content-icon-container",
            ".sidebar-drawer",
            ".toc-drawer",
            ".related-pages",
        ):
            assert not visit.page.locator(hidden).first.is_visible()
        assert visit.page.locator("h1").first.is_visible()
        for inside in visit.page.locator("details > :nth-child(2)").all():
            assert inside.bounding_box()["height"] > 0
            assert inside.evaluate("e => getComputedStyle(e).opacity") == "1"  # nor fading in
        ground = visit.page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert ground in ("rgb(255, 255, 255)", "rgba(0, 0, 0, 0)")


@every_page
def test_a_page_opens_from_a_folder(chrome, page):
    with Visit(chrome, (HTML / page).as_uri(), offline=True) as visit:
        assert visit.said == [] and visit.outside == []
        assert visit.page.locator("h1").is_visible()
        if visit.page.locator("math").count():
            assert visit.page.evaluate("document.fonts.check('16px \"Book Math\"')")


# --------------------------------------------------------------------------------- what one can do


def test_the_keyboard_reaches_everything_and_shows_where_it_is(chrome, home):
    with Visit(chrome, home + "chapters/jacobian.html") as visit:
        wanted = visit.page.evaluate(
            """() => {
                const all = [...document.querySelectorAll(
                    "a[href], button, summary, input:not([type=radio]), input:checked")];
                const seen = all.filter(e => e.checkVisibility({visibilityProperty: true})
                    && e.getBoundingClientRect().width > 0 && e.tabIndex >= 0);
                seen.forEach((e, i) => e.dataset.wanted = i);
                return seen.length;
            }"""
        )
        reached, invisible = set(), []
        for _ in range(2 * wanted):
            visit.page.keyboard.press("Tab")
            here = visit.page.evaluate(
                """() => {
                    const e = document.activeElement, style = getComputedStyle(e);
                    const shown = style.outlineStyle !== "none" || style.boxShadow !== "none";
                    return [e.dataset.wanted ?? null, shown, e.outerHTML.slice(0, 100)];
                }"""
            )
            if here[0] in reached and len(reached) == wanted:
                break
            if here[0] is not None:
                reached.add(here[0])
            if not here[1] and not here[2].startswith("<body"):
                invisible.append(here[2])
        assert len(reached) == wanted
        assert invisible == []


def test_the_first_stop_of_the_keyboard_skips_to_the_text(chrome, home):
    with Visit(chrome, home + "chapters/jacobian.html") as visit:
        visit.page.keyboard.press("Tab")
        assert (
            visit.page.evaluate("document.activeElement.textContent").strip() == "Skip to content"
        )
        visit.page.keyboard.press("Enter")
        assert visit.page.url.endswith("#furo-main-content")


@pytest.mark.parametrize("words", ["phi", "numerical_jacobian", "saturated"])
def test_search_finds_a_symbol_a_function_and_a_term(chrome, home, words):
    with Visit(chrome, home + "chapters/index.html") as visit:
        visit.page.keyboard.press("Control+k")
        visit.page.keyboard.type(words)
        visit.page.keyboard.press("Enter")
        # One result after the other arrives: wait for the one that must be among them, and then
        # for the lines of the pages, which a click would break off.
        found = visit.page.locator('#search-results a[href*="chapters/jacobian.html"]').first
        found.wait_for()
        visit.rest()
        found.click()
        visit.page.wait_for_url("**/jacobian.html*")
        assert visit.said == []


def test_search_works_from_a_folder(chrome):
    address = (HTML / "search.html").as_uri() + "?q=saturated"
    with Visit(chrome, address, offline=True) as visit:
        visit.page.wait_for_selector("#search-results li a")
        assert visit.said == []


def test_the_copy_button_copies_a_cell(chrome, home):
    permissions = ["clipboard-read", "clipboard-write"]
    with Visit(chrome, home + "chapters/jacobian.html", permissions=permissions) as visit:
        visit.page.locator(".highlight").first.hover()
        visit.page.locator("button.copybtn").first.click()
        copied = visit.page.evaluate("navigator.clipboard.readText()")
        assert copied.startswith("import matplotlib.pyplot as plt\nimport numpy as np")


def test_a_folded_cell_and_a_solution_open_by_keyboard(chrome, home):
    with Visit(chrome, home + "chapters/jacobian.html") as visit:
        for kind in ("details.hide", "details.solution"):
            fold = visit.page.locator(kind).first
            inside = fold.locator(":nth-child(2)").first
            assert not inside.is_visible()
            fold.locator("summary").focus()
            visit.page.keyboard.press("Enter")
            assert inside.is_visible()


def test_the_theme_button_goes_round_and_the_choice_stays(chrome, home):
    with Visit(chrome, home + "chapters/jacobian.html") as visit:
        seen = set()
        for _ in range(3):
            visit.page.locator(".theme-toggle:visible").click()
            seen.add(visit.page.evaluate("document.body.dataset.theme"))
        assert seen == {"light", "dark", "auto"}
        while visit.page.evaluate("document.body.dataset.theme") != "dark":
            visit.page.locator(".theme-toggle:visible").click()
        visit.page.goto(home + "chapters/notation.html")
        assert visit.page.evaluate("document.body.dataset.theme") == "dark"


def test_figures_follow_the_theme_and_their_data_colours_stay(chrome, home):
    ink, data = set(), set()
    for scheme in ("light", "dark"):
        with Visit(chrome, home + "chapters/jacobian.html", color_scheme=scheme) as visit:
            colours = visit.page.evaluate(
                """[...document.querySelectorAll("svg.drawing path")].map(p =>
                    getComputedStyle(p).stroke)"""
            )
            units = {"rgb(31, 119, 201)", "rgb(200, 87, 10)", "rgb(22, 135, 95)"}
            data.add(frozenset(units & set(colours)))
            drawing = visit.page.locator("svg.drawing").first
            ink.add(drawing.evaluate("e => getComputedStyle(e).color"))
            background = visit.page.evaluate("getComputedStyle(document.body).backgroundColor")
            assert background not in ink
    assert len(ink) == 2 and len(data) == 1 and len(data.pop()) == 3


def test_the_contents_open_on_a_phone_and_close_by_escape(chrome, home):
    with Visit(chrome, home + "chapters/jacobian.html", width=390) as visit:
        link = visit.page.locator('.sidebar-tree a[href="notation.html"]')
        assert not link.is_visible()
        visit.page.locator("label.nav-overlay-icon").click()
        assert link.is_visible()
        visit.page.keyboard.press("Escape")
        visit.until(
            "getComputedStyle(document.querySelector('.sidebar-drawer')).visibility == 'hidden'"
        )
        visit.page.locator("#__navigation").focus()  # and by the keyboard alone
        visit.page.keyboard.press("Space")
        assert link.is_visible()


# --------------------------------------------------------------------- the checks themselves

PLANTED = {
    "a script from elsewhere": (
        "</body>",
        '<script src="https://cdn.example/x.js"></script></body>',
    ),
    "a heavy picture": ("</article>", '<img src="heavy.svg" alt="{}"></article>'.format("x" * 50)),
    "a figure without words": ("</article>", '<img src="tiny.png"></article>'),
    "a wide table": ("</article>", '<div style="width: 900px">wide</div></article>'),
    "raw TeX": ("</article>", r"<p>\(\frac{1}{2}\)</p></article>"),
    "a message": ("</body>", '<script src="message.js"></script></body>'),
    "a late shift": ("</body>", '<script src="shift.js"></script></body>'),
    "grey on grey": ("</article>", '<p style="color: #999; background: #aaa">grey</p></article>'),
}


@pytest.mark.parametrize("fault", PLANTED)
def test_each_check_sees_the_fault_it_is_for(chrome, tmp_path, fault):
    shutil.copytree(HTML, tmp_path / "html")
    page = tmp_path / "html/chapters/notation.html"
    before, after = PLANTED[fault]
    text = page.read_text("utf-8").replace(before, after, 1)
    page.write_text(text, encoding="utf-8")
    (page.parent / "heavy.svg").write_text(
        f'<svg xmlns="http://www.w3.org/2000/svg"><desc>{os.urandom(300_000).hex()}</desc></svg>',
        encoding="utf-8",
    )
    (page.parent / "message.js").write_text("console.log('hello')", encoding="utf-8")
    (page.parent / "shift.js").write_text(
        "setTimeout(() => document.querySelector('article').style.marginTop = '300px', 300)",
        encoding="utf-8",
    )
    with serve(tmp_path / "html") as home:
        with Visit(chrome, home + "chapters/notation.html", width=320) as visit:
            visit.scroll()
            sees = {
                "a script from elsewhere": lambda: visit.outside == ["https://cdn.example/x.js"],
                "a heavy picture": lambda: visit.weight > OTHERS,
                "a figure without words": lambda: audit.nameless(text),
                "a wide table": lambda: visit.sideways()[0] > 0,
                "raw TeX": lambda: audit.raw_tex(text),
                "a message": lambda: "log: hello" in visit.said,
                "a late shift": lambda: visit.page.wait_for_timeout(500) or visit.shift() > 0.05,
                "grey on grey": lambda: any("contrast" in line for line in visit.axe()),
            }
            assert sees[fault]()


@pytest.mark.slow
def test_the_pdf_holds_every_chapter_and_its_links_lead_into_it(chrome, tmp_path):
    pdf.write(tmp_path / "book.pdf", chrome)
    in_order = [f"chapters/{name}" for name in pdf.chapters()]
    assert sorted(in_order) == sorted(CHAPTERS)
    with pikepdf.open(tmp_path / "book.pdf") as book:
        with book.open_outline() as outline:
            titles = [entry.title for entry in outline.root]
        links = [note for page in book.pages for note in page.get("/Annots", [])]
        inside = [link for link in links if "/Dest" in link]
        outside = {str(link.A.URI) for link in links if "/URI" in link.get("/A", {})}
        assert "/CreationDate" not in book.docinfo
    assert titles == [
        re.search(r"<h1>(.*?)<a", (HTML / page).read_text("utf-8"))[1] for page in in_order
    ]
    assert len(inside) > 30
    assert all(address.startswith("https://") for address in outside), outside


def test_code_that_is_copied_out_of_the_pdf_is_the_code_of_the_page(chrome, tmp_path, monkeypatch):
    if browser.poppler() is None:
        if os.environ.get("BROWSER_TESTS") == "required":
            pytest.fail("There is no pdftotext, and BROWSER_TESTS=required.")
        pytest.skip("no pdftotext: run make browser")
    monkeypatch.setattr(pdf, "chapters", lambda: ["checking.html"])
    pdf.write(tmp_path / "page.pdf", chrome)
    command = [browser.poppler(), tmp_path / "page.pdf", "-"]
    copied = subprocess.run(command, check=True, capture_output=True, encoding="utf-8").stdout
    page = BeautifulSoup((HTML / "chapters/checking.html").read_text("utf-8"), "html.parser")
    cells = [pre.get_text() for pre in page.select(".cell_input pre")]
    assert sum("\n        " in cell for cell in cells) > 3  # indented twice
    for cell in cells:
        assert without_gaps(cell) in without_gaps(copied)


def without_gaps(code):
    """Without its empty lines, which are room on paper."""
    return "\n".join(line.rstrip() for line in code.splitlines() if line.strip())
