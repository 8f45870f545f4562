"""Figures that answer: their mathematics is the package's, and every hand can move them."""

import gzip
import itertools
import re
from importlib.resources import files

import matplotlib as mpl
import mpmath
import numpy as np
import pytest
from scipy.special import log_softmax, softmax
from visit import Visit

from bookbuild.paths import HTML
from jacobians import TanhBasis, differences, ridge, temperatures
from jacobians.basis import sech2
from jacobians.book import explorer, figures, sharing

PAGE = "chapters/jacobian.html"
FIGURES = {  # where each kind stands, at a place where everything moves
    "four-panels": f"{PAGE}?four-panels=x0=104",
    "step-curve": "chapters/checking.html?step-curve=x=200,z=0.9",
    "three-steps": "chapters/basis_functions.html?three-steps=day1=110,width1=40",
    "one-sample": "chapters/chain_rule.html?one-sample=x0=104",
    "softmax": "chapters/sharing.html?softmax=z1=1.5",
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


def put(figure, state):
    """Put a figure into a state, by the way that its buttons go."""
    figure.locator("button").first.evaluate(
        "(button, state) => { button.dataset.set = JSON.stringify(state); button.click(); }", state
    )


def drawn(figure):
    return figure.locator("svg.drawing").evaluate("svg => svg.innerHTML")


def test_the_script_is_small_and_asks_for_nothing():
    script = (files("jacobians.book") / "explorer.js").read_text("utf-8")
    assert len(gzip.compress(script.encode())) <= 10_000
    assert "eval(" not in script and "http" not in script and "import" not in script


UNITS = TanhBasis(figures.THREE_UNITS)
SHOWN = {
    "four-panels": lambda: explorer.four_panels(UNITS, 150.0),
    "step-curve": explorer.step_curve,
    "three-steps": lambda: explorer.three_steps(UNITS, UNITS),
    "one-sample": lambda: explorer.one_sample(UNITS, [1.0, -2.0, 3.0], 10.0, 110.0, 13.3),
    "softmax": sharing.softmax_explorer,
}


@every_figure
def test_the_same_cell_gives_the_same_bytes(kind):
    with mpl.rc_context():
        figures.use_book_style()
        first, again = (SHOWN[kind]()._repr_html_() for _ in range(2))
    assert first == again


def test_the_scripts_mathematics_is_the_packages(chrome, home):
    z = np.concatenate([np.linspace(-350, 350, 7001), np.linspace(-1, 1, 201)])
    with Visit(chrome, home + PAGE) as visit:
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
        with Visit(chrome, f"{home}{PAGE}?four-panels={state}") as visit:
            here = numbers(visit.page.locator("[data-explorer=four-panels]"))
        basis = TanhBasis([[a], [b]])
        J = basis.jacobian([x0])[0, :, 0]
        assert here["da"] == shown(J[0]) and here["db"] == shown(J[1])
        assert here["z"] == shown(basis.Z([x0])[0, 0])
        assert here["phi"] == shown(basis.transform([x0])[0, 0])
        quotient = basis.numerical_jacobian([x0], 0.1)[0, 1, 0]
        assert here["qb"] == shown(quotient)


def test_the_third_derivative_is_the_chapters(chrome, home):
    z = [v for v in np.linspace(-20, 20, 401).tolist() if abs(abs(v) - 0.6584789) > 1e-2]
    with Visit(chrome, home + PAGE) as visit:
        theirs = visit.page.evaluate("z => z.map(explorers.tanh3)", z)
    with mpmath.workdps(40):
        ours = []
        for v in z:
            t, s = mpmath.tanh(v), mpmath.sech(v) ** 2
            ours.append(float(s * (6 * t**2 - 2)))
            assert mpmath.almosteq(mpmath.diff(mpmath.tanh, v, 3), ours[-1], 1e-9)
    np.testing.assert_allclose(theirs, ours, rtol=1e-12, atol=0)


def test_the_step_curves_numbers_are_the_packages(chrome, home):
    w = 0.1
    with Visit(chrome, home + FIGURES["step-curve"]) as visit:
        figure = visit.page.locator("[data-explorer=step-curve]")
        for x, z, h in itertools.product(
            (1.0, 17.0, 365.0), (-3.0, -0.2, 0.0, 0.9, 5.0), (-12.0, -6.0, -2.0, 0.5)
        ):
            put(figure, {"x": x, "z": z, "h": h})
            here = numbers(figure)
            basis = TanhBasis([[w], [z - w * x]])
            slope = basis.jacobian([x])[0, 0, 0]
            truncation, roundoff, best = explorer.two_errors(w, x, z, 10**h)
            measured = abs(explorer.basis_difference(basis, x, [[10**h], [1.0]]) - slope)
            assert abs(float(here["error"]) - measured) <= 2 * roundoff + 6e-3 * measured
            assert here["truncation"] == shown(truncation)
            assert here["roundoff"] == shown(roundoff)
            assert here["best"] == shown(best)
            assert float(here["slope"]) == pytest.approx(slope, rel=6e-3)
            if 10**h * x < 0.1:  # where the first term of the truncation is all that counts
                assert float(here["error"]) < 1.1 * truncation + roundoff


def test_the_scripts_ridge_regression_is_the_packages(chrome, home):
    year, day, celsius = temperatures.load()
    x, y = day[year == 2012], celsius[year == 2012]
    with Visit(chrome, home + PAGE) as visit:
        for W in (figures.THREE_UNITS, [[0.01, 0.02, 0.3], [-1.5, -7.0, -100.0]]):
            Phi = TanhBasis(W).transform(x)
            for lam in (1e-6, 1e-3, 10.0):
                weights, intercept = ridge.solve(Phi, y, lam)
                w0, w = visit.page.evaluate(
                    "([columns, y, lam]) => explorers.ridge(columns, y, lam)",
                    [Phi.T.tolist(), y.tolist(), lam],
                )
                np.testing.assert_allclose(w, weights, rtol=1e-9)
                assert w0 == pytest.approx(intercept, rel=1e-9)


def test_the_three_steps_numbers_are_the_packages(chrome, home):
    year, day, celsius = temperatures.load()
    train, later = year == 2012, year > 2012
    states, expected = [], []
    for days, widths, power in (
        ((100.0, 250.0, 333.0), (22.0, 11.0, 7.0), -3.0),
        ((140.0, 286.0, 312.0), (207.0, 87.0, 2.0), -6.0),
        ((0.0, 365.0, 180.0), (300.0, 150.0, 40.0), 1.0),
        ((150.0, 150.0, 300.0), (30.0, 30.0, 30.0), -1.0),
    ):
        state = {"lam": power}
        for k in (1, 2, 3):
            state |= {f"day{k}": days[k - 1], f"width{k}": widths[k - 1]}
        states.append(state)
        a = explorer.RISE / np.array(widths)
        basis = TanhBasis([a, -a * days])
        w, w0 = ridge.solve(basis.transform(day[train]), celsius[train], 10**power)
        error = (ridge.predict(basis, day, w, w0) - celsius) ** 2
        values = {"fitted": error[train].mean(), "held": error[later].mean(), "w0": w0}
        values |= {f"w{k}": w[k - 1] for k in (1, 2, 3)}
        expected.append({name: shown(value) for name, value in values.items()})
    with Visit(chrome, home + FIGURES["three-steps"]) as visit:
        figure = visit.page.locator("[data-explorer=three-steps]")
        for state, values in zip(states, expected, strict=True):
            put(figure, state)
            assert numbers(figure) == values


def test_the_numbers_on_the_edges_are_the_packages(chrome, home):
    year, day, celsius = temperatures.load()
    x, t = day[year == 2012], celsius[year == 2012]
    weights, intercept = ridge.solve(TanhBasis(figures.THREE_UNITS).transform(x), t, 1e-3)
    with Visit(chrome, home + FIGURES["one-sample"]) as visit:
        figure = visit.page.locator("[data-explorer=one-sample]")
        for W, x0, y0, unit in (
            (figures.THREE_UNITS, 110.0, 13.3, 1),
            (figures.THREE_UNITS, 252.0, -5.0, 2),
            (((0.1, 0.2, 0.3), (-11.0, -22.5, -33.0)), 110.0, 40.0, 3),
            (((0.0, 1.0, 0.005), (-0.5, -110.0, 0.0)), 0.0, 8.1, 3),
        ):
            basis = TanhBasis(W)
            found = ridge.gradients(basis, [x0], [y0], 0.0, weights, intercept)
            r, dphi = found.intercept, found.intercept * weights
            edges = {
                "z": basis.Z([x0])[0], "phi": basis.transform([x0])[0], "dphi": dphi,
                "dz": basis.jacobian([x0])[0, 1] * dphi, "a": found.W[0], "b": found.W[1],
            }  # fmt: skip
            expected = {"prediction": r + y0, "residual": r, "loss": r * r / 2}
            expected |= {f"{n}-{k}": v[k - 1] for n, v in edges.items() for k in (1, 2, 3)}
            units = {f"{'ab'[d]}{k + 1}": W[d][k] for d in range(2) for k in range(3)}
            put(figure, {"unit": unit, "x0": x0, "y": y0, **units})
            table = numbers(figure)
            written = figure.locator("[data-part]:has(text)").evaluate_all(
                "ps => Object.fromEntries("
                "ps.map(p => [p.dataset.part, p.querySelector('text').textContent]))"
            )
            assert written.pop("x") == f"{x0:g}"
            assert written == {name: figures.number(value) for name, value in expected.items()}
            assert table["da"] == shown(found.W[0, unit - 1])
            assert table["db"] == shown(found.W[1, unit - 1])
            assert table["dphi"] == shown(dphi[unit - 1])
            assert table["prediction"] == shown(r + y0) and table["loss"] == shown(r * r / 2)


def test_the_numbers_in_the_squares_are_the_derivatives_of_softmax(chrome, home):
    with Visit(chrome, home + FIGURES["softmax"]) as visit:
        figure = visit.page.locator("[data-explorer=softmax]")
        for z, power, right, unit in (
            ((1.0, 0.0, -0.5), 0.0, 2, 1),
            ((6.0, -3.0, -3.0), 0.0, 2, 2),
            ((0.0, 0.0, 0.0), -1.0, 3, 3),
            ((-6.0, 2.5, 6.0), 1.0, 1, 2),
        ):
            temperature = 10**power
            p = softmax(np.divide(z, temperature))
            J = differences.central(lambda z, t=temperature: softmax(z / t), z)
            logs = differences.central(lambda z, t=temperature: log_softmax(z / t), z)
            back = -logs[right - 1]
            state = {f"z{k}": z[k - 1] for k in (1, 2, 3)}
            put(figure, {**state, "T": power, "y": right, "unit": unit})
            table = {name: float(value) for name, value in numbers(figure).items()}
            written = figure.locator("[data-part]:has(text)").evaluate_all(
                "ps => Object.fromEntries("
                "ps.map(p => [p.dataset.part, p.querySelector('text').textContent]))"
            )
            expected = {f"J-{k + 1}{l + 1}": J[k, l] for k, l in np.ndindex(3, 3)}
            expected |= {f"p-{k}": p[k - 1] for k in (1, 2, 3)}
            expected |= {f"r-{k}": p[k - 1] - (k == right) for k in (1, 2, 3)}
            assert written == {name: figures.number(value) for name, value in expected.items()}
            assert table["p"] == pytest.approx(p[unit - 1], rel=6e-3)
            assert table["own"] == pytest.approx(J[unit - 1, unit - 1], rel=6e-3, abs=1e-9)
            assert table["back"] == pytest.approx(back[unit - 1], rel=6e-3, abs=1e-9)
            loss = -log_softmax(np.divide(z, temperature))[right - 1]
            assert table["loss"] == pytest.approx(loss, rel=6e-3)


@every_figure
def test_every_slider_moves_the_drawing_and_a_number_by_keyboard(chrome, home, kind):
    with Visit(chrome, home + FIGURES[kind]) as visit:
        figure = visit.page.locator(f"[data-explorer={kind}]")
        for slider in figure.locator("input[type=range]").all():
            visit.page.reload()
            visit.rest()  # or the next one breaks a request off
            before = drawn(figure), numbers(figure), slider.get_attribute("aria-valuetext")
            slider.focus()
            for _ in range(8):
                visit.page.keyboard.press("ArrowLeft")
            after = drawn(figure), numbers(figure), slider.get_attribute("aria-valuetext")
            assert all(a != b for a, b in zip(before, after, strict=True))
            figure.locator(".says", has_text=".").wait_for()
        visit.page.locator(f"[data-explorer={kind}] button", has_text="Reset").click()
        assert visit.said == []


@every_figure
def test_every_slider_moves_by_touch_and_is_large_enough(chrome, home, kind):
    options = dict(width=320, height=700, has_touch=True)
    with Visit(chrome, home + FIGURES[kind], **options) as visit:
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
            visit.until("([e, v]) => e.value !== v", [slider.element_handle(), before])
            assert slider.evaluate("e => e.parentNode.getBoundingClientRect().height") >= 44
        for button in figure.locator("button:visible").all():
            assert button.bounding_box()["height"] >= 44


@every_figure
def test_a_slider_is_called_by_its_label_and_says_its_value_with_its_unit(chrome, home, kind):
    with Visit(chrome, home + FIGURES[kind]) as visit:
        figure = visit.page.locator(f"[data-explorer={kind}]")
        named = [line for line in figure.aria_snapshot().splitlines() if "- slider" in line]
        sliders = figure.locator("input[type=range]").all()
        assert len(named) == len(sliders)
        for line, slider in zip(named, sliders, strict=True):
            label = slider.evaluate("e => e.labels[0].textContent")
            assert f'- slider "{label}"' in line and slider.evaluate("e => e.labels.length") == 1
            said, unit = slider.get_attribute("aria-valuetext"), slider.get_attribute("data-unit")
            assert said.endswith(unit) and re.search(r"\d", said)
        for group in figure.locator(".choice").all():
            assert group.get_attribute("aria-label") == group.locator("span").inner_text()


@every_figure
def test_what_has_moved_is_said_when_it_has_come_to_rest(chrome, home, kind):
    with Visit(chrome, home + FIGURES[kind]) as visit:
        figure = visit.page.locator(f"[data-explorer={kind}]")
        said = figure.evaluate(
            """async figure => {
                const slider = figure.querySelector("input[type=range]"), said = [];
                const says = figure.querySelector(".says");
                new MutationObserver(() => said.push(says.textContent)).observe(
                    says, {childList: true});
                for (let i = 1; i <= 20; i++) {
                    slider.value = +slider.min + i / 30 * (slider.max - slider.min);
                    slider.dispatchEvent(new Event("input", {bubbles: true}));
                    await new Promise(done => setTimeout(done, 20));
                }
                await new Promise(done => setTimeout(done, 1000));
                return said;
            }"""
        )
        assert len(said) == 1 and said[0].endswith(".")
        assert figure.locator(".says").get_attribute("aria-live") == "polite"


# What a reader has in view: a phone, a projector, and the same at 133 and 200 %.
WINDOWS = {"phone": (390, 700), "small phone": (320, 640), "projector": (1280, 720),
           "at 133 %": (962, 541), "at 200 %": (640, 360)}  # fmt: skip


@every_figure
def test_a_figure_is_in_view_together_with_the_slider_that_moves_it(chrome, home, kind):
    with Visit(chrome, home + FIGURES[kind]) as visit:
        figure = visit.page.locator(f"[data-explorer={kind}]")
        for width, height in WINDOWS.values():
            visit.page.set_viewport_size({"width": width, "height": height})
            letters = figure.evaluate(
                """figure => {
                    const drawing = figure.querySelector("svg.drawing");
                    const sizes = [...drawing.querySelectorAll("[transform*=scale]")].map(
                        e => 100 * Math.abs(e.getCTM().a));  // of a glyph: an em has 100 units
                    return sizes.filter((size, i) => size > .8 * Math.max(...sizes));
                }"""
            )
            assert letters and min(letters) > 9  # pixels
            for slider in figure.locator("input[type=range]").all():
                slider.evaluate(
                    """e => {
                        const stage = e.closest(".stage");
                        stage.style.scrollMarginTop = "5rem";
                        stage.scrollIntoView({behavior: "instant"});
                        if (e.getBoundingClientRect().bottom > innerHeight)
                            e.scrollIntoView({block: "center", behavior: "instant"});
                    }"""
                )
                in_view(visit, figure, slider, width, height)
            assert figure.evaluate("e => e.scrollWidth <= e.clientWidth")


def in_view(visit, figure, slider, width, height):
    drawing, moved = figure.locator("svg.drawing").bounding_box(), slider.bounding_box()
    header = visit.page.locator(".mobile-header").bounding_box() or {"height": 0}
    assert drawing["y"] >= header["height"] - 1
    assert drawing["y"] + drawing["height"] <= height
    assert moved["y"] + moved["height"] <= height
    beside = drawing["x"] + drawing["width"] <= moved["x"]
    assert beside or drawing["y"] + drawing["height"] <= moved["y"]
    if not beside:
        assert drawing["height"] <= 0.4 * height + 1
    assert drawing["x"] >= 0 and drawing["x"] + drawing["width"] <= width


DRAGGED = {  # a part that is a point, and the state that it belongs to
    "four-panels": [("dot-0-0-1", "a1"), ("dot-1-1-2", "b2")],
    "step-curve": [("dot", "h")],
    "three-steps": [("here-2", "day2")],
}


@pytest.mark.parametrize("kind", DRAGGED)
def test_a_point_can_be_taken_by_the_hand(chrome, home, kind):
    with Visit(chrome, home + FIGURES[kind]) as visit:
        figure = visit.page.locator(f"[data-explorer={kind}]")
        for part, name in DRAGGED[kind]:
            figure.locator("svg.drawing").scroll_into_view_if_needed()
            here = f"[data-part={part}] use"
            box, before = figure.locator(here).bounding_box(), numbers(figure)
            x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
            visit.page.mouse.move(x, y)
            visit.page.mouse.down()
            visit.page.mouse.move(x + 20, y, steps=4)
            visit.page.mouse.up()
            after = figure.locator(here).bounding_box()
            assert after["x"] == pytest.approx(box["x"] + 20, abs=3)
            assert numbers(figure) != before
            slider = figure.locator(f"input[name={re.sub('[0-9]$', '', name)}]")
            if slider.count():
                low, value = float(slider.get_attribute("min")), float(slider.input_value())
                steps = (value - low) / float(slider.get_attribute("step"))
                assert steps == pytest.approx(round(steps), abs=1e-6)


@every_figure
def test_a_link_brings_the_exact_picture_back(chrome, home, kind):
    with Visit(chrome, home + FIGURES[kind]) as visit:
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
    with Visit(chrome, home + FIGURES[kind], java_script_enabled=False) as visit:
        figure = visit.page.locator(f"[data-explorer={kind}]")
        assert figure.locator("svg.drawing").is_visible()
        assert not figure.locator("form").is_visible()


def test_two_figures_on_a_page_do_not_disturb_each_other(chrome, tmp_path):
    page = (HTML / PAGE).read_text("utf-8")
    (figure,) = re.findall(r'<figure class="explorer".*?</figure>', page, re.DOTALL)
    script = (files("jacobians.book") / "explorer.js").read_text("utf-8")
    twice = f"<!doctype html><main>{figure}{figure}<script>{script}</script>"
    (tmp_path / "twice.html").write_text(twice + f"<script>{script}</script>", encoding="utf-8")
    with Visit(chrome, (tmp_path / "twice.html").as_uri()) as visit:
        first, second = visit.page.locator("figure.explorer").all()
        before = numbers(second), drawn(second)
        first.locator("input[name=x0]").focus()
        visit.page.keyboard.press("PageUp")
        assert numbers(first) != numbers(second)
        assert (numbers(second), drawn(second)) == before


CURVES = {  # parts whose path the script rewrites
    "four-panels": ("curve-0-0-1", "curve-1-0-3", "curve-0-1-2", "curve-1-1-3"),
    "step-curve": ("round-off", "truncation"),
    "three-steps": ("step-1", "step-2", "step-3", "sum", "intercept"),
}


@pytest.mark.parametrize("kind", CURVES)
def test_the_first_position_is_the_one_that_matplotlib_drew(chrome, home, kind):
    """What the script draws at first lies on the lines that were there without it."""
    page = home + FIGURES[kind].partition("?")[0]
    with Visit(chrome, page, java_script_enabled=False) as visit:
        still = drawn(visit.page.locator(f"[data-explorer={kind}]"))
    with Visit(chrome, page) as visit:
        moved = drawn(visit.page.locator(f"[data-explorer={kind}]"))
    for part in CURVES[kind]:
        curves = []
        for text in (still, moved):
            (d,) = re.findall(rf'data-part="{part}"><path d="([^"]*)"', text)
            curves.append(np.array(re.findall(r"-?[\d.]+", d), float).reshape(-1, 2))
        low = max(curve[:, 0].min() for curve in curves)
        high = min(curve[:, 0].max() for curve in curves)
        assert high - low > 80  # points: both run along the axes
        x = np.linspace(low, high, 500)
        y0, y1 = (np.interp(x, *curve.T) for curve in curves)
        steep = np.abs(np.gradient(y0, x)) > 5
        assert np.abs(y0 - y1)[~steep].max() < 1.0
