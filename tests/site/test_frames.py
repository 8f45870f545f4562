"""A page in the frame of a learning platform: another site, a sandbox, no storage."""

import pytest

from bookbuild import browser

COURSE = """<!doctype html><link rel="icon" href="data:,"><title>A course</title>
<iframe sandbox="allow-scripts allow-forms" src="{address}" height="800" width="1200"></iframe>"""


@pytest.fixture
def framed(chrome, tmp_path):
    """Opens an address of the book in another site's sandbox: the frame, and complaints."""
    context = chrome.new_context(viewport={"width": 1280, "height": 900})
    page, said = context.new_page(), []

    def hear(message):
        if message.type in ("error", "warning"):
            said.append(message.text)

    page.on("console", hear)
    page.on("pageerror", lambda error: said.append(str(error)))

    def open_(address):
        (tmp_path / "index.html").write_text(COURSE.format(address=address), encoding="utf-8")
        page.goto(course)
        return page.frames[1], said

    with browser.serve(tmp_path) as course:
        yield open_
        context.close()


def test_a_framed_page_has_no_storage_and_misses_none(framed, home):
    frame, said = framed(home + "chapters/jacobian.html")
    assert frame.evaluate("() => window.origin") == "null"  # the sandbox is one
    slider = frame.locator("input[type=range]").first
    slider.scroll_into_view_if_needed()
    before = slider.input_value()
    slider.press("ArrowRight")
    assert slider.input_value() != before
    theme = frame.locator("body").get_attribute("data-theme")
    frame.locator("button.theme-toggle:visible").first.click()
    assert frame.locator("body").get_attribute("data-theme") != theme
    assert said == []


def test_the_formulas_of_a_framed_page_have_their_font(framed, home):
    frame, said = framed(home + "chapters/jacobian.html")
    drawn = frame.evaluate(
        """() => [...document.fonts].filter(font => font.status === "loaded").map(f => f.family)"""
    )
    alone = frame.page.context.new_page()
    alone.goto(home + "chapters/jacobian.html")
    height = """() => Math.max(...[...document.querySelectorAll("math mo")]
        .map(mark => mark.getBoundingClientRect().height))"""
    assert drawn and frame.evaluate(height) == pytest.approx(alone.evaluate(height), abs=0.5)
    assert said == []


def test_the_search_of_a_framed_book_finds_and_its_hit_opens(framed, home):
    frame, said = framed(home + "chapters/jacobian.html")
    box = frame.locator("input[name=q]:visible").first
    box.fill("softmax")
    box.press("Enter")
    hit = frame.page.frame_locator("iframe").locator("#search-results li a").first
    hit.wait_for()
    hit.click()
    frame.page.frame_locator("iframe").locator("h1").first.wait_for()
    assert "search" not in frame.page.frames[1].url
    assert said == []
