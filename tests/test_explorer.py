"""Figures that answer: their mathematics is the package's, and every hand can move them."""

import gzip
import re
from importlib.resources import files

import matplotlib as mpl
import numpy as np
import pytest

from bookbuild import audit
from jacobians import TanhBasis, explorer, figures
from jacobians.basis import sech2

PAGE = "chapters/jacobian.html"
FIGURES = {  # where each kind stands, at a place where everything moves
    "four-panels": f"{PAGE}?four-panels=x0=104",
}
every_figure = pytest.mark.parametrize("kind", FIGURES)


def shown(x):
    """A number as the figures show it."""
    if x == 0:
        return "0"
    if abs(x) < 1e-3 or abs(x) >= 1e4:
        mantissa, power = f"{x:.2e}".split("e")
        return f"{mantissa}e{int(power)}"
    return f"{float(f'{x:.4g}'):g}" if abs(x) < 1e4 else f"{x:.4g}"


def numbers(figure):
    return figure.locator("[data-number]").evaluate_all(
        "cells => Object.fromEntries(cells.map(c => [c.dataset.number, c.textContent]))"
    )


def drawn(figure):
    return figure.locator("svg.drawing").evaluate("svg => svg.innerHTML")


def test_the_script_is_small_and_asks_for_nothing():
    script = (files("jacobians") / "explorer.js").read_text()
    assert len(gzip.compress(script.encode())) <= 10_000
    assert "eval(" not in script and "http" not in script and "import" not in script


def test_the_same_cell_gives_the_same_bytes():
    with mpl.rc_context():
        figures.use_book_style()
        first, again = (
            explorer.four_panels(TanhBasis(figures.THREE_UNITS), 150.0)._repr_html_()
            for _ in range(2)
        )
    assert first == again


def test_the_scripts_mathematics_is_the_packages(chrome, home):
    z = np.concatenate([np.linspace(-350, 350, 7001), np.linspace(-1, 1, 201)])
    with audit.Visit(chrome, home + PAGE) as visit:
        theirs = visit.page.evaluate("z => z.map(explorers.sech2)", z.tolist())
        tanh = visit.page.evaluate("z => z.map(explorers.tanh)", z.tolist())
    np.testing.assert_allclose(theirs, sech2(z), rtol=1e-12, atol=0)
    np.testing.assert_allclose(tanh, np.tanh(z), rtol=1e-12, atol=0)


def test_the_numbers_are_the_packages_over_a_grid_of_positions(chrome, home):
    for unit, (a, b, x0) in enumerate(
        [(0.1, -10.0, 150.0), (0.2, -50.0, 240.0), (0.3, -100.0, 333.0), (0.035, -7.0, 200.0),
         (0.9, -20.5, 23.0), (0.005, 0.0, 1.0), (1.0, -110.0, 1.0)]
    ):  # fmt: skip
        k = unit % 3 + 1
        state = f"unit={k},a{k}={a},b{k}={b},x0={x0},h=-1"
        with audit.Visit(chrome, f"{home}{PAGE}?four-panels={state}") as visit:
            here = numbers(visit.page.locator("[data-explorer=four-panels]"))
        basis = TanhBasis([[a], [b]])
        J = basis.jacobian([x0])[0, :, 0]
        assert here["da"] == shown(J[0]) and here["db"] == shown(J[1])
        assert here["z"] == shown(basis.Z([x0])[0, 0])
        assert here["phi"] == shown(basis.transform([x0])[0, 0])
        quotient = basis.numerical_jacobian([x0], 0.1)[0, 1, 0]
        assert here["qb"] == shown(quotient)


@every_figure
def test_every_slider_moves_the_drawing_and_a_number_by_keyboard(chrome, home, kind):
    with audit.Visit(chrome, home + FIGURES[kind]) as visit:
        figure = visit.page.locator(f"[data-explorer={kind}]")
        for slider in figure.locator("input[type=range]").all():
            visit.page.reload()
            before = drawn(figure), numbers(figure), slider.get_attribute("aria-valuetext")
            slider.focus()
            for _ in range(8):
                visit.page.keyboard.press("ArrowLeft")
            after = drawn(figure), numbers(figure), slider.get_attribute("aria-valuetext")
            assert all(a != b for a, b in zip(before, after, strict=True))
            assert figure.locator(".says").inner_text()
        visit.page.locator(f"[data-explorer={kind}] button", has_text="Reset").click()
        assert visit.said == []


@every_figure
def test_every_slider_moves_by_touch_and_is_large_enough(chrome, home, kind):
    options = dict(width=320, height=700, has_touch=True)
    with audit.Visit(chrome, home + FIGURES[kind], **options) as visit:
        figure = visit.page.locator(f"[data-explorer={kind}]")
        for slider in figure.locator("input[type=range]").all():
            slider.scroll_into_view_if_needed()
            box, before = slider.bounding_box(), slider.input_value()
            share = (
                0.3
                if float(slider.evaluate("e => (e.value - e.min) / (e.max - e.min)")) > 0.5
                else 0.8
            )
            visit.page.touchscreen.tap(
                box["x"] + share * box["width"], box["y"] + box["height"] / 2
            )
            visit.page.wait_for_function(
                "([e, v]) => e.value !== v", arg=[slider.element_handle(), before]
            )
            assert slider.evaluate("e => e.closest('label').getBoundingClientRect().height") >= 44
        for button in figure.locator("button:visible").all():
            assert button.bounding_box()["height"] >= 44


@every_figure
def test_a_link_brings_the_exact_picture_back(chrome, home, kind):
    with audit.Visit(chrome, home + FIGURES[kind]) as visit:
        figure = visit.page.locator(f"[data-explorer={kind}]")
        slider = figure.locator("input[type=range]").first
        slider.focus()
        visit.page.keyboard.press("PageDown")
        figure.locator("[data-link]").click()
        address, picture = visit.page.url, drawn(figure)
        assert f"{kind}=" in address and "#" in address
        visit.page.goto(address)
        assert drawn(figure) == picture


@every_figure
def test_without_scripts_the_drawing_stays_and_no_control_is_shown(chrome, home, kind):
    with audit.Visit(chrome, home + FIGURES[kind], java_script_enabled=False) as visit:
        figure = visit.page.locator(f"[data-explorer={kind}]")
        assert figure.locator("svg.drawing").is_visible()
        assert not figure.locator("form").is_visible()


def test_two_figures_on_a_page_do_not_disturb_each_other(chrome, tmp_path):
    page = (audit.HTML / PAGE).read_text()
    (figure,) = re.findall(r'<figure class="explorer".*?</figure>', page, re.DOTALL)
    script = (files("jacobians") / "explorer.js").read_text()
    twice = f"<!doctype html><main>{figure}{figure}<script>{script}</script>"
    (tmp_path / "twice.html").write_text(twice + f"<script>{script}</script>")
    with audit.Visit(chrome, (tmp_path / "twice.html").as_uri()) as visit:
        first, second = visit.page.locator("figure.explorer").all()
        before = numbers(second), drawn(second)
        first.locator("input[name=x0]").focus()
        visit.page.keyboard.press("PageUp")
        assert numbers(first) != numbers(second)
        assert (numbers(second), drawn(second)) == before


def test_the_first_position_is_the_one_that_matplotlib_drew(chrome, home):
    """What the script draws at first lies on the lines that were there without it."""
    with audit.Visit(chrome, home + PAGE, java_script_enabled=False) as visit:
        still = drawn(visit.page.locator("[data-explorer=four-panels]"))
    with audit.Visit(chrome, home + PAGE) as visit:
        moved = drawn(visit.page.locator("[data-explorer=four-panels]"))
    for part in ("curve-0-0-1", "curve-1-0-3", "curve-0-1-2", "curve-1-1-3"):
        curves = []
        for text in (still, moved):
            (d,) = re.findall(rf'data-part="{part}"><path d="([^"]*)"', text)
            curves.append(np.array(re.findall(r"-?[\d.]+", d), float).reshape(-1, 2))
        x = np.linspace(curves[0][1, 0], curves[0][-2, 0], 500)
        y0, y1 = (np.interp(x, *curve.T) for curve in curves)
        steep = np.abs(np.gradient(y0, x)) > 20
        assert np.abs(y0 - y1)[~steep].max() < 1.0  # points
