"""The built pages in Chromium, Firefox and WebKit: what each reader sees and does.

An engine that is not on the machine is skipped, and fails where browsers are required. `make
browser` fetches them where the system's packages may be installed.
"""

import io
import os
import re
import subprocess
import time
import unicodedata

import engines
import numpy as np
import pytest
from bs4 import BeautifulSoup
from PIL import Image
from visit import NUMBERS_ON_FORMULAS, pages

from bookbuild import browser
from bookbuild.ext import mathml
from bookbuild.paths import HTML

PAGES = pages()
MATH = re.compile(r"<math.*?</math>", re.DOTALL)
FIGURES = {
    "four-panels": "jacobian", "step-curve": "checking", "three-steps": "basis_functions",
    "one-sample": "chain_rule", "softmax": "sharing",
}  # fmt: skip


OTHERS = {"Firefox": engines.Firefox, "WebKit": engines.WebKit}


@pytest.fixture(scope="module")
def chromium(chrome):
    engine = engines.Chromium(chrome)
    yield engine
    engine.close()


@pytest.fixture(scope="module", params=["Chromium", *OTHERS])
def engine(request):
    if request.param == "Chromium":
        yield request.getfixturevalue("chromium")
        return
    if browser.ENGINES[request.param][0]() is None:
        if os.environ.get("BROWSER_TESTS") == "required":
            pytest.fail(f"There is no {request.param}, and BROWSER_TESTS=required.")
        pytest.skip(f"no {request.param}: run make browser")
    engine = OTHERS[request.param]()
    yield engine
    engine.close()


def ready(engine, address):
    engine.visit(address)
    engine.run("document.documentElement.style.scrollBehavior = 'auto'")
    engines.until(engine, "return document.readyState === 'complete'")


def test_every_page_is_silent_and_shows_its_figures_and_formulas(engine, home):
    for page in PAGES:
        ready(engine, home + page)
        wrong = engine.run(
            """const least = e => e.localName === "math" ? 2 : 200;
            return [...document.querySelectorAll("svg.drawing, math")]
                .filter(e => !e.closest("details:not([open])"))
                .filter(e => e.getBoundingClientRect().width <= least(e))
                .map(e => e.outerHTML.slice(0, 100))"""
        )
        assert wrong == [] and engine.said() == [], page


@pytest.mark.parametrize("kind", FIGURES)
def test_a_slider_moves_the_drawing_by_mouse_and_by_keys(engine, home, kind):
    ready(engine, f"{home}chapters/{FIGURES[kind]}.html")
    slider = f"document.querySelector('[data-explorer={kind}] input[type=range]')"
    state = f"""const figure = document.querySelector('[data-explorer={kind}]'), moved = {slider};
        return [figure.querySelector("svg").innerHTML, moved.value,
                moved.getAttribute("aria-valuetext"), figure.querySelector("output").textContent]"""
    engine.run(f"{slider}.scrollIntoView({{block: 'center'}}); {slider}.focus()")
    states = [engine.run(state)]
    engine.press("ArrowLeft")
    engine.press("ArrowLeft")
    states.append(engine.run(state))
    left, y, width = engine.run(
        f"const r = {slider}.getBoundingClientRect(); return [r.left, r.y + r.height / 2, r.width]"
    )
    engine.drag((left + 0.5 * width, y), (left + 0.8 * width, y))
    states.append(engine.run(state))
    for before, after in zip(states, states[1:], strict=False):
        assert all(a != b for a, b in zip(before, after, strict=True))
    says = f"[data-explorer={kind}] .says"
    engines.until(engine, f"return document.querySelector('{says}').textContent.endsWith('.')")
    assert engine.run(f"return {slider}.labels.length") == 1
    assert engine.said() == []


def test_the_search_finds_by_keyboard_and_from_a_folder(engine, home):
    ready(engine, home + "chapters/index.html")
    engine.press("Control+k")
    engines.until(engine, "return document.activeElement.matches('.sidebar-search')")
    engine.press(*"saturated")
    engine.press("Enter")
    time.sleep(0.5)  # on the way to another page none can be asked
    first = "return document.querySelector('#search-results li a')?.getAttribute('href') ?? ''"
    engines.until(engine, first)
    assert engine.said() == []
    ready(engine, (HTML / "search.html").as_uri() + "?q=saturated")
    engines.until(engine, first)


def test_a_page_opens_from_a_folder(engine):
    ready(engine, (HTML / "chapters/jacobian.html").as_uri())
    assert engine.run("return document.fonts.check('16px \"Book Math\"')")
    assert engine.run("return !document.querySelector('.explorer form').hidden")
    assert engine.said() == []


def test_the_theme_goes_round(engine, home):
    ready(engine, home + "chapters/notation.html")
    seen = set()
    for _ in range(3):
        engine.run("document.querySelector('.theme-toggle-content .theme-toggle').click()")
        ground = "getComputedStyle(document.body).backgroundColor"
        seen.add(tuple(engine.run(f"return [document.body.dataset.theme, {ground}]")))
    assert {theme for theme, _ in seen} == {"light", "dark", "auto"}
    assert dict(seen)["light"] != dict(seen)["dark"]


def test_a_fold_opens_by_keyboard_by_a_link_and_for_a_search(engine, home):
    page = home + "chapters/jacobian.html"
    ready(engine, page)
    fold = "document.querySelector('#ex-break-solution')"
    assert engine.run(f"return {fold}.open") is False
    engine.run(f"{fold}.querySelector('summary').focus()")
    engine.press("Enter")
    assert engine.run(f"return {fold}.open") is True
    engine.visit(home + "chapters/index.html")
    engine.visit(page + "#ex-break-solution")
    engines.until(engine, f"return {fold}.open")
    engines.until(
        engine, f"const y = {fold}.getBoundingClientRect().top; return y >= 0 && y < innerHeight"
    )
    # A word that stands in its section in this solution alone, as the search hands it on.
    section, word = engine.run(
        f"""const fold = {fold}, section = fold.closest("section[id]"), words = /[a-z]{{5,}}/g;
        const inside = fold.textContent.match(words);
        fold.remove();
        const outside = section.textContent.toLowerCase();
        return [section.id, inside.find(word => !outside.includes(word))]"""
    )
    engine.visit(home + "chapters/index.html")
    engine.run("localStorage.setItem('sphinx_highlight_terms', arguments[0])", word)
    engine.visit(f"{page}#{section}")
    engines.until(engine, f"return {fold}.open")


def test_copying_a_formula_gives_its_tex_and_its_mathml(engine, home):
    ready(engine, home + "chapters/jacobian.html")
    copied = engine.run(
        """const copy = range => {
            getSelection().removeAllRanges();
            getSelection().addRange(range);
            const event = new ClipboardEvent("copy",
                {clipboardData: new DataTransfer(), bubbles: true, cancelable: true});
            document.dispatchEvent(event);
            const data = event.clipboardData;
            return [event.defaultPrevented, data.getData("text/plain"), data.getData("text/html")];
        };
        const formula = document.querySelector("math[display] mi");
        const within = document.createRange();
        within.selectNodeContents(formula);
        const inline = document.querySelector("p .math").closest("p");
        const words = document.createRange();
        words.selectNodeContents(inline);
        const plain = document.createRange();
        plain.selectNodeContents(document.querySelector("h1").firstChild);
        return [copy(within), copy(words), copy(plain),
                formula.closest("math").querySelector("annotation").textContent]"""
    )
    (whole, tex, html), (_, sentence, _), (caught, *_), written = copied
    assert whole and tex.strip() == written
    assert f'<math display="block" xmlns="{mathml.NAMESPACE}"' in html and "</math>" in html
    assert re.search(r" \$[^$]+\$", sentence) and "\n" not in sentence.strip()
    assert not caught


# ------------------------------------------------- what a reader's device, house or paper may be


@pytest.fixture(scope="module")
def framed(tmp_path_factory):
    """The address of a page that holds another in a frame: of this width, with these rights."""
    folder = tmp_path_factory.mktemp("frame")
    (folder / "_static").symlink_to(HTML / "_static")
    (folder / "chapters").mkdir()
    with browser.serve(folder) as address:
        for name in FIGURES.values():
            page = (HTML / f"chapters/{name}.html").read_text(encoding="utf-8")
            page = page.replace("'self'", f"'self' {address}")  # as where it is published
            (folder / f"chapters/{name}.html").write_text(page, encoding="utf-8")

        def frame(page, width=1200, rights=None):
            sandbox = "" if rights is None else f'sandbox="{rights}"'
            (folder / "index.html").write_text(
                '<!doctype html><meta charset="utf-8"><title>A frame</title>'
                f'<link rel="icon" href="data:,"><style>* {{ margin: 0; border: 0 }}</style>'
                f'<iframe {sandbox} src="chapters/{page}.html" width="{width}" height="800">',
                encoding="utf-8",
            )
            # A browser may keep what it has seen.
            return f"{address}index.html?{page}-{width}-{rights is None or len(rights)}"

        yield frame


INSIDE = """const frame = document.querySelector("iframe").contentDocument;
    const box = element => element.getBoundingClientRect(); """
PHONE = 390


@pytest.mark.parametrize("kind", FIGURES)
def test_on_a_phone_the_drawing_is_in_sight_while_a_slider_moves(engine, framed, kind):
    ready(engine, framed(FIGURES[kind], PHONE))
    engines.until(
        engine,
        INSIDE
        + f"""
        return !frame.querySelector("[data-explorer={kind}] form").hidden""",
    )
    sliders = engine.run(
        INSIDE
        + f"""
        frame.documentElement.style.scrollBehavior = "auto";
        return frame.querySelectorAll("[data-explorer={kind}] input[type=range]").length"""
    )
    assert engine.run(f"{INSIDE} return ({NUMBERS_ON_FORMULAS})(frame)") == []
    for i in range(sliders):
        for there in (0.3, 0.5, 0.7):  # three moments of a drag
            top, right, end, header, x, y, width, below = engine.run(
                INSIDE
                + f"""
                const figure = frame.querySelector("[data-explorer={kind}]");
                const slider = figure.querySelectorAll("input[type=range]")[{i}];
                slider.scrollIntoView({{block: "center"}});
                const drawing = box(figure.querySelector("svg.drawing")), moved = box(slider);
                const header = box(frame.querySelector(".mobile-header"));
                return [drawing.top, drawing.right, drawing.bottom, header.bottom,
                        moved.x, moved.y + moved.height / 2, moved.width, moved.top]"""
            )
            assert header - 1 <= top and end <= below and right <= PHONE, (i, top, end, below)
            assert end - top <= 0.4 * 800 + 1 and x >= 0 and x + width <= PHONE
            value = f"""return frame.querySelectorAll(
                "[data-explorer={kind}] input[type=range]")[{i}].value"""
            before = engine.run(INSIDE + value)
            engine.drag((x + 0.45 * width, y), (x + there * width, y))
            assert engine.run(INSIDE + value) != before or there == 0.5


POINTS = {
    "four-panels": "dot-0-0-1", "step-curve": "dot", "three-steps": "here-2"
}  # fmt: skip


@pytest.mark.parametrize("kind", POINTS)
def test_a_point_is_taken_by_the_hand(engine, home, kind):
    ready(engine, f"{home}chapters/{FIGURES[kind]}.html")
    state = f"""const figure = document.querySelector("[data-explorer={kind}]");
        const point = figure.querySelector("[data-part={POINTS[kind]}] use");
        const box = point.getBoundingClientRect();
        return [box.x + box.width / 2, box.y + box.height / 2,
            [...figure.querySelectorAll("[data-number]")].map(cell => cell.textContent).join()]"""
    figure = f"document.querySelector('[data-explorer={kind}] svg.drawing')"
    engine.run(f"{figure}.scrollIntoView({{block: 'center'}})")
    x, y, numbers = engine.run(state)
    engine.drag((x, y), (x + 20, y))
    there, _, after = engine.run(state)
    assert there == pytest.approx(x + 20, abs=3) and after != numbers


def test_without_storage_nothing_is_missed(engine, framed):
    """A sandbox is a site of its own, which may store nothing."""
    ready(engine, framed("jacobian", rights="allow-scripts"))
    stored = """try { return typeof Object.getOwnPropertyDescriptor(window, "localStorage").value }
        catch { return "" }"""
    assert engine.inside(stored) == "object"  # the stand-in: a browser's own is asked of a getter
    assert engine.inside("return origin") == "null"
    moved = engine.inside(
        """const slider = document.querySelector(".explorer input[type=range]");
        const drawing = slider.closest(".explorer").querySelector("svg");
        const before = drawing.innerHTML;
        slider.value = +slider.value + 5 * slider.step;
        slider.dispatchEvent(new Event("input", {bubbles: true}));
        return [slider.closest("form").hidden, drawing.innerHTML !== before]"""
    )
    assert moved == [False, True]
    assert engine.inside("return document.fonts.check('16px \"Book Math\"')")
    assert engine.said() == []
    themes = engine.inside(
        """const found = new Set(), button = document.querySelector(".theme-toggle-content button");
        for (let i = 0; i < 3; i++) { button.click(); found.add(document.body.dataset.theme); }
        return [...found].sort().join()"""
    )
    assert themes == "auto,dark,light"


def test_without_scripts_a_chapter_is_complete(engine, framed):
    ready(engine, framed("jacobian", rights="allow-same-origin"))
    engines.until(engine, INSIDE + "return !!frame.querySelector('footer')")
    text, buttons, forms, narrow = engine.run(
        INSIDE
        + """
        const seen = e => e.checkVisibility({visibilityProperty: true});
        return [frame.querySelector("article").innerText.length,
            [...frame.querySelectorAll("button")].filter(seen).length,
            [...frame.querySelectorAll(".explorer form")].filter(seen).length,
            [...frame.querySelectorAll("svg.drawing, math[display]")].filter(seen)
                .filter(e => box(e).width < 10 || box(e).height < 5).length]"""
    )
    assert text > 10_000 and (buttons, forms, narrow) == (0, 0, 0)
    engine.run(INSIDE + "frame.documentElement.style.scrollBehavior = 'auto'")
    fold = "frame.querySelector('details.solution')"
    x, y = engine.run(
        INSIDE
        + f"""{fold}.scrollIntoView({{block: "center"}});
        const title = box({fold}.querySelector("summary"));
        return [title.x + 40, title.y + title.height / 2]"""
    )
    engine.drag((x, y), (x, y))  # a click
    engines.until(engine, INSIDE + f"return {fold}.open")


def test_a_printed_chapter_is_whole_and_no_heading_stands_alone(engine, home, tmp_path):
    if browser.poppler() is None:
        pytest.skip("no pdftotext: run make browser")
    engine.printed(f"{home}chapters/jacobian.html", tmp_path / "page.pdf")
    command = [browser.poppler(), "-raw", tmp_path / "page.pdf", "-"]
    text = subprocess.run(command, check=True, capture_output=True, encoding="utf-8").stdout
    page = BeautifulSoup((HTML / "chapters/jacobian.html").read_text("utf-8"), "html.parser")
    for link in page.select(".headerlink"):
        link.decompose()
    printed = letters(text)
    for cell in page.select(".cell_input pre"):  # folded and in solutions, too
        lines = [line for line in cell.get_text().splitlines() if line.strip()]
        assert all(letters(line) in printed for line in lines), lines
    for unseen in ("Skip to content", "Contents", "Toggle"):
        assert unseen not in text
    headings = page.select("article :is(h1, h2, h3, h4):not(:has(math))")
    headings = {letters(heading.get_text()) for heading in headings}
    assert len(headings) > 10 and all(heading in printed for heading in headings)
    last = [[line for line in leaf.splitlines() if line.strip()] for leaf in text.split("\f")]
    assert not headings & {letters(lines[-1]) for lines in last if lines}


def letters(text):
    return re.sub(r"[\W_]+", "", unicodedata.normalize("NFKC", text))  # a ligature is its letters


# ------------------------------------------------------------------------------------- formulas

# As math-core writes them: an accent that floats in WebKit, and one that hides an index there.
PLANTED = [
    '<math><mover accent="true"><mi>y</mi><mo stretchy="false">¯</mo></mover></math>',
    '<math><mover accent="true"><mi>X</mi><mo stretchy="false">˜</mo></mover></math>',
]


def sheet():
    """Every formula of the book once, and the planted ones, as a page."""
    found = dict.fromkeys(
        formula for page in PAGES for formula in MATH.findall((HTML / page).read_text("utf-8"))
    )
    found = [*found, *PLANTED]
    style = """body { margin: 0; font: 22px serif; }
        span { display: inline-block; padding: 14px; vertical-align: middle; }
        span > math { display: inline-block; }"""
    return found, (
        '<!doctype html><meta charset="utf-8"><title>Formulas</title>'
        '<link rel="stylesheet" href="/_static/math.css">'
        f'<link rel="stylesheet" href="/_static/book.css"><style>{style}</style>'
        + "".join(f"<span>{formula}</span>" for formula in found)
    )


def inked(engine, home):
    """Height and width of what each formula of the sheet shows, in pixels."""
    ready(engine, home)
    engine.run("document.fonts.load('1em \"Book Math\"').then(() => document.ready = true)")
    engines.until(engine, "return document.ready")
    height, found, y = engine.run("return innerHeight"), {}, 0
    while True:
        top, end = engine.run(
            "scrollTo(0, arguments[0]); return [scrollY, document.documentElement.scrollHeight]", y
        )
        time.sleep(0.1)
        boxes = engine.run(
            """return [...document.querySelectorAll("span")].map(e => {
                const r = e.getBoundingClientRect();
                return [r.left, r.top, r.right, r.bottom].map(Math.round);
            })"""
        )
        picture = np.asarray(Image.open(io.BytesIO(engine.picture())).convert("L")) < 150
        for i, (left, above, right, below) in enumerate(boxes):
            if above >= 0 and below <= height:
                ink = picture[above:below, left:right]
                found[i] = np.array([np.ptp(np.flatnonzero(ink.any(axis))) for axis in (1, 0)]) + 1
        if top + height >= end:
            return found
        y = top + height - 200


@pytest.fixture(scope="module")
def formulas(tmp_path_factory):
    """The sheet, and its address."""
    folder = tmp_path_factory.mktemp("sheet")
    (folder / "_static").symlink_to(HTML / "_static")
    found, page = sheet()
    (folder / "index.html").write_text(page, encoding="utf-8")
    with browser.serve(folder) as address:
        yield found, address


@pytest.fixture(scope="module")
def by_chromium(chromium, formulas):
    return inked(chromium, formulas[1])


def test_a_formula_looks_alike_in_every_engine(engine, formulas, by_chromium):
    """Accents where they belong and nothing missing: what is inked is as high and as wide."""
    found, address = formulas
    here = inked(engine, address)
    assert here.keys() == by_chromium.keys() == set(range(len(found)))
    differ = []
    for i, formula in enumerate(found):
        high, wide = here[i] / by_chromium[i]
        if not (0.75 < high < 1.32 and 0.78 < wide < 1.22) and max(here[i] - by_chromium[i]) > 2:
            differ.append((round(high, 2), round(wide, 2), formula))
    planted = [formula for *_, formula in differ if formula in PLANTED]
    assert planted == (PLANTED if engine.name == "webkit" else [])
    assert [each for each in differ if each[2] not in PLANTED] == []


def test_brackets_grow_with_what_they_hold(engine, formulas):
    """A bracket that stretches is nearly as high as what is highest beside it."""
    ready(engine, formulas[1])
    short = engine.run(
        """const height = e => e.getBoundingClientRect().height;
        return [...document.querySelectorAll("mo")].filter(mo =>
            /^[(){}|‖\\[\\]⌊⌋]$/.test(mo.textContent) && mo.getAttribute("stretchy") !== "false"
            && !mo.hasAttribute("minsize") && ["mrow", "math"].includes(mo.parentNode.localName)
        ).filter(mo => height(mo) < .8 * Math.max(...[...mo.parentNode.children].filter(e =>
            ["mfrac", "mtable", "msqrt"].includes(e.localName)).map(height))
        ).map(mo => mo.parentNode.outerHTML.slice(0, 200))"""
    )
    assert short == []
