"""Figures that answer: drawn by matplotlib, moved by sliders where a page has scripts.

The drawing is the one that a reader without scripts sees. The script (`explorer.js`, a few kB and
the same for every figure) rewrites the paths and points inside it, by the axes' own transforms.
The cell that shows the figure in a notebook shows it in a page.
"""

import html
import io
import json
from importlib.resources import files

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.patches import PathPatch
from matplotlib.path import Path

from jacobians import TanhBasis, differences, ridge, temperatures
from jacobians.book import figures, svg

BIASES = (-110.0, 0.0)  # wide enough for the bias of the third unit
WIDTH = 340 / 96  # inches: 340 pixels, the text of a phone
LETTERS = {"font.size": 8, "lines.linewidth": 1.5, "axes.labelpad": 2, "axes.titlepad": 4,
           "xtick.major.pad": 2, "ytick.major.pad": 2, "legend.handlelength": 1.6,
           "legend.labelspacing": 0.2, "legend.columnspacing": 1}  # fmt: skip


class Explorer:
    """A figure with sliders, ready to be shown by a notebook.

    Parameters
    ----------
    kind : str
        Which of the script's figures it is.
    drawing : str
        The SVG as an element of a page.
    controls : str
        HTML of the sliders, the buttons and the numbers.
    spec : dict
        What the script must know: the first `state`, and whatever else its kind needs.
    """

    def __init__(self, kind, drawing, controls, spec):
        self.kind, self.drawing, self.controls, self.spec = kind, drawing, controls, spec

    def __repr__(self):
        return f"a figure with sliders ({self.kind}); it is shown where HTML is"

    def _repr_html_(self):
        here = files("jacobians.book")
        return (
            f'<figure class="explorer" data-explorer="{self.kind}"><div class="stage">'
            f'{self.drawing}<form hidden autocomplete="off">{self.controls}'
            '<p class="says" aria-live="polite"></p></form></div>'
            f'<script type="application/json">{json.dumps(self.spec)}</script></figure>'
            f"<style>{(here / 'explorer.css').read_text(encoding='utf-8')}</style>"
            f"<script>{(here / 'explorer.js').read_text(encoding='utf-8')}</script>"
        )


def slider(name, label, low, high, step, unit="", power=False, **tells):
    """A native range input with its label, its value, and the numbers that it moves most.

    With `power` its value is an exponent. The script ties the label to the input; what else stands
    on its line is not in the label, or a screen reader would take all of it for the name.
    """
    told = "".join(
        f'<span class="tells">{said} <b data-number="{number}"></b></span>'
        for number, said in tells.items()
    )
    return (
        f'<div class="slider"><label>{label}</label><output aria-live="off"></output>{told}'
        f'<input type="range" name="{name}" min="{low:g}" max="{high:g}" step="{step:g}"'
        f' data-unit="{html.escape(unit)}"{" data-power=10" * power}></div>'
    )


def choice(name, legend, options):
    """Radio buttons, numbered from 1."""
    buttons = "".join(
        f'<label><input type="radio" name="{name}" value="{i}">{option}</label>'
        for i, option in enumerate(options, 1)
    )
    said = f'<span aria-hidden="true">{legend}</span>'  # WebKit gives a legend a line of its own
    return f'<div class="choice" role="radiogroup" aria-label="{legend}">{said}{buttons}</div>'


def buttons(**presets):
    """A button for each named state, and one that copies a link to the state on show."""
    made = "".join(
        f"<button type=\"button\" data-set='{json.dumps(state)}'>{label.replace('_', ' ')}</button>"
        for label, state in presets.items()
    )
    link = '<button type="button" data-link>Copy a link to this</button>'
    return f'<div class="buttons">{made}{link}</div>'


def small():
    """Whatever is drawn in this context has the letters of a drawing that fits a phone."""
    return plt.rc_context(LETTERS)


def drawn(figure, alt):
    """The figure as an element of a page, and for each of its axes x0, sx, y0, sy in its points."""
    text = io.StringIO()
    with plt.rc_context({"path.simplify": False}):
        figure.savefig(text, format="svg", metadata={"Date": None})
    height = figure.get_figheight() * 72
    scale = 72 / figure.dpi
    transforms = []
    for axes in figure.axes:
        (x0, y0), (x1, y1) = axes.transData.transform([(0, 0), (1, 1)]) * scale
        transforms.append([x0, x1 - x0, height - y0, y0 - y1])
    plt.close(figure)
    return svg.element(text.getvalue(), alt), np.round(transforms, 6).tolist()


def four_panels(basis, x0):
    """The four panels of `figures.four_panels`, with sliders for one unit, the day and a step.

    Parameters
    ----------
    basis : TanhBasis
        One input and three units.
    x0 : float
        The day at first.

    Returns
    -------
    Explorer
        The derivative is the slope of the tangent (equations :eq:`eq-slope` and :eq:`eq-bias`);
        the secant is the central difference (:eq:`eq-central`), whose step h moves z by h.
    """
    with small():
        return _four_panels(basis, x0)


def _four_panels(basis, x0):
    figure = figures.four_panels(basis, x0, biases=BIASES)
    figure.set_size_inches(WIDTH, 0.7 * WIDTH)
    above, below = figure.axes[:2], figure.axes[2:]
    for axes, title in zip(figure.axes, PANELS, strict=True):
        axes.set_title(title, loc="left")
        axes.set_ylabel("")
    for text in (text for axes in below for text in axes.texts):
        text.set_text(text.get_text().replace("k=", ""))
    below[0].set_xlabel("slope $a_k$")
    below[1].set_xlabel("bias $b_k$")
    below[0].set_ylim(-20, 400)
    for column, (top, bottom) in enumerate(zip(above, below, strict=True)):
        now = basis.W[column, 0]
        phi = basis.transform([x0])[0, 0]
        top.plot([now, now], [phi, phi], color="black", lw=1.2, gid=f"part-tangent-{column}")
        top.plot([now, now], [phi, phi], ":", color="black", lw=2, gid=f"part-secant-{column}")
        bottom.plot(
            [now], [0], "o", ms=9, mfc="none", mec="black", gid=f"part-ring-{column}", zorder=4
        )
    drawing, panels = drawn(figure, FOUR_PANELS)
    units = {f"{'ab'[d]}{k + 1}": float(basis.W[d, k]) for d in range(2) for k in range(3)}
    state = {"unit": 1, **units, "x0": float(x0), "h": -1.0}
    spec = {"state": state, "panels": panels, "ranges": [[0.0, 1.0], list(BIASES)]}
    controls = (
        choice("unit", "Unit", ["1", "2", "3"])
        + slider("a", "slope <i>a</i>", 0, 1, 0.005, "per day", da="derivative")
        + slider("b", "bias <i>b</i>", *BIASES, 0.5, db="derivative")
        + slider("x0", "day <i>x</i><sub>0</sub>", 1, 365, 1, z="<i>z</i>")
        + slider("h", "step <i>h</i>", -12, 0.5, 0.1, power=True, ea="error")
        + NUMBERS
        + buttons(
            Reset=state,
            Unit_1_at_its_peak={**state, "x0": 100.0},
            Unit_2_at_its_peak={**state, "x0": 250.0, "unit": 2},
            Too_small_a_step={**state, "x0": 100.0, "h": -11.0},
        )
    )
    return Explorer("four-panels", drawing, controls, spec)


PANELS = (r"$\phi_k$", r"$\phi_k$", r"$\partial\phi_k/\partial a_k$ (days)",
          r"$\partial\phi_k/\partial b_k$")  # fmt: skip
FOUR_PANELS = (
    "Four panels. Top left, three features rise from minus one to one as their slope grows from 0 "
    "to 1. Below it, their derivatives, three narrow peaks as high as the day. Top right, the "
    "features rise as their bias grows from minus 110 to 0. Below it, their derivatives, three "
    "wider peaks of height 1. A point, its tangent and a secant mark the chosen unit."
)
NUMBERS = """<table><thead><tr><td></td><th scope="col">by the slope (days)</th>
<th scope="col">by the bias</th></tr></thead><tbody>
<tr><th scope="row">derivative</th><td data-number="da"></td><td data-number="db"></td></tr>
<tr><th scope="row">difference quotient</th><td data-number="qa"></td>
<td data-number="qb"></td></tr>
<tr><th scope="row">relative error</th><td data-number="ea"></td><td data-number="eb"></td></tr>
<tr><th scope="row"><i>z</i> and <i>φ</i></th><td data-number="z"></td>
<td data-number="phi"></td></tr></tbody></table>"""


def numbers(**rows):
    """A table with one number in each row, under the name by which the script knows it."""
    made = "".join(
        f'<tr><th scope="row">{label}</th><td data-number="{name}"></td></tr>'
        for name, label in rows.items()
    )
    return f"<table><tbody>{made}</tbody></table>"


def two_errors(w, x, z, h):
    """Truncation, round-off and the best step for tanh(w x + b), w moved by h, where it is z.

    Equations eq-two-errors and eq-best-step, with all that rounding leaves: also w x is rounded.
    """
    t, s = np.tanh(z), 1 / np.cosh(z) ** 2
    third = np.abs(x**3 * s * (6 * t**2 - 2))
    noise = differences.EPS * (np.abs(t) + s * np.abs(w * x))
    return h**2 / 6 * third, noise / h, np.cbrt(3 * noise / third)


def step_curve(w=0.1, x=100.0, z=1.0, h=1e-3):
    """The error of a central difference against its step, for one unit at one point.

    Chapter :doc:`/chapters/checking`.

    Parameters
    ----------
    w : float
        The slope that is moved. It stays; the bias follows from z.
    x, z, h : float
        Input, z = w x + b and step at first.

    Returns
    -------
    Explorer
        Axes are linear in the powers of ten, since the script knows no others.
    """
    with small():
        return _step_curve(w, x, z, h)


def _step_curve(w, x, z, h):
    basis = TanhBasis([[w], [z - w * x]])

    def error(step):
        taken = [[step], [1.0]]
        return abs(basis_difference(basis, x, taken) - basis.jacobian([x])[0, 0, 0])

    powers = np.linspace(-14, 1, 121)
    measured = np.log10([max(error(10.0**power), 10.0**BOTTOM) for power in powers])
    truncation, roundoff, best = two_errors(w, x, z, 10.0**powers)
    fig, ax = plt.subplots(figsize=(WIDTH, 0.74 * WIDTH))
    ax.axvline(np.log10(best), color=figures.GREY, lw=1, ls=":", gid="part-best", label="best step")
    for name, line, (colour, dashes) in (
        ("round-off", roundoff, figures.UNITS[1]), ("truncation", truncation, figures.UNITS[0])
    ):  # fmt: skip
        look = {"color": colour, "ls": dashes, "gid": f"part-{name}", "label": f"{name}, predicted"}
        ax.plot(powers, np.log10(line), **look)
    look = {"color": "black", "mfc": "none", "ms": 3, "mew": 0.7}
    ax.plot(powers, measured, "o", **look, gid="part-measured", label="measured")
    ax.plot([np.log10(h)], [np.log10(error(h))], "o", color="black", ms=9, gid="part-dot", zorder=4)
    ax.set(xlim=(-14, 1), ylim=(BOTTOM, 3), xlabel="step $h$", ylabel="error of the derivative")
    for axis, ticks in ((ax.xaxis, range(-12, 2, 3)), (ax.yaxis, range(BOTTOM, 4, 3))):
        axis.set_ticks(ticks, [f"$10^{{{power}}}$" if power else "1" for power in ticks])
    fig.legend(loc="outside upper center", ncols=2, frameon=False)
    drawing, panels = drawn(fig, STEP_CURVE)
    state = {"h": float(np.log10(h)), "x": x, "z": z}
    spec = {"state": state, "panels": panels, "w": w, "steps": powers.tolist(), "bottom": BOTTOM}
    controls = (
        slider("h", "step <i>h</i>", -14, 1, 0.1, power=True, error="error")
        + slider("x", "input <i>x</i>", 1, 365, 1, best="best step")
        + slider("z", "<i>z</i> (the bias follows)", -6, 6, 0.02, slope="derivative")
        + numbers(
            slope="derivative",
            error="error, measured",
            truncation="truncation, predicted",
            roundoff="round-off, predicted at most",
            best="best step <i>h</i>*, predicted",
        )
        + buttons(
            Reset=state,
            The_random_example={"h": -6.0, "x": 1.0, "z": 0.3},
            The_end_of_the_year={"h": -6.0, "x": 365.0, "z": 0.0},
            No_third_derivative={"h": -3.0, "x": 100.0, "z": 0.66},
        )
    )
    return Explorer("step-curve", drawing, controls, spec)


def basis_difference(basis, x, steps):
    """The central difference of one unit at one point by its slope."""
    value = differences.central(lambda W: np.tanh(x * W[0] + W[1]), basis.W, steps)
    return value[0, 0, 0]


BOTTOM = -15
STEP_CURVE = (
    "Error against step, in powers of ten. A line falls to the right, the predicted round-off; one "
    "rises twice as steeply, the predicted truncation. Circles, the measured errors, lie on the "
    "rising line and scatter below the falling one, and turn level at large steps. A dotted line "
    "marks the best step where the two cross, a dot the chosen one."
)


RISE = 2 * np.arctanh(0.8)  # of z, while a feature goes from 10 to 90 % of its step


def three_steps(basis, moved, lam=1e-3):
    """A year's temperatures as a weighted sum of three steps, wherever the reader puts them.

    Chapter :doc:`/chapters/basis_functions`.

    Parameters
    ----------
    basis : TanhBasis
        The units at first: one input, three units with positive slopes.
    moved : TanhBasis
        Another choice of them, for a button.
    lam : float
        Strength of the penalty at first.

    Returns
    -------
    Explorer
        The script solves for the weights (eq-ridge-solution) and knows the first year in tenths of
        a degree, and of the later ones what their mean squared error needs: the sum of each day,
        and the sum of all squares.
    """
    with small():
        return _three_steps(basis, moved, lam)


def _three_steps(basis, moved, lam):
    year, day, celsius = temperatures.load()
    first, second, last = (int(year[i]) for i in (0, np.argmax(year > year[0]), -1))
    x, y = day[year == first], celsius[year == first]
    later = np.rint(10 * celsius[year > first]).astype(int)
    sums = np.bincount(day[year > first], later, minlength=366).astype(int)
    weights, intercept = ridge.solve(basis.transform(x), y, lam)
    fig = figures.weighted_sum(basis, weights, intercept, x[::2])
    fig.set_size_inches(WIDTH, 0.62 * WIDTH)
    left, right = fig.axes
    for axes, title in ((left, "weighted steps (°C)"), (right, "sum and intercept (°C)")):
        axes.set_title(title, loc="left")
        axes.set_ylabel("")
    left.set_ylim(-16, 16)
    right.set_ylim(min(-4, y.min() - 2), max(38, y.max() + 2))
    corners = np.repeat(np.column_stack([x, y]), 2, axis=0)
    codes = [Path.MOVETO, Path.CLOSEPOLY] * len(x)  # a dot: a line of no length, with round ends
    look = {"ec": figures.GREY, "lw": 1.5, "capstyle": "round", "alpha": 0.7, "zorder": 1}
    right.add_patch(PathPatch(Path(corners, codes), **look))
    for k, (step, (colour, _)) in enumerate(
        zip(-basis.W[1] / basis.W[0], figures.UNITS, strict=True), 1
    ):
        left.plot([step], [0], "o", color=colour, gid=f"part-here-{k}")
    by = (
        f"from {-w:.0f} to {w:.0f} at day {-b / a:.0f}"
        for w, (a, b) in zip(weights, basis.W.T, strict=True)
    )
    drawing, panels = drawn(fig, THREE_STEPS.format(*by, year=first))
    learned = ridge.fit(basis, x, y, lam).basis

    def state(basis):
        steps = {f"day{k}": float(round(-b / a, 1)) for k, (a, b) in enumerate(basis.W.T, 1)}
        widths = {f"width{k}": float(round(RISE / a, 1)) for k, a in enumerate(basis.W[0], 1)}
        return {**steps, **widths}

    at_first = {"unit": 1, **state(basis), "lam": float(np.log10(lam))}
    spec = {
        "state": at_first,
        "panels": panels,
        "year": first,
        "tenths": np.rint(10 * y).astype(int).tolist(),
        **({} if (x == np.arange(len(x))).all() else {"days": x.tolist()}),  # some are missing
        "later": {
            "sums": sums.tolist(),
            "counts": np.bincount(day[year > first], minlength=366).tolist(),
            "squares": int(later @ later),
        },
    }
    controls = (
        choice("unit", "Unit", ["1", "2", "3"])
        + slider("day", "day of its step", 0, 365, 1, fitted="error")
        + slider("width", "width of its step", 2, 300, 1, "days", fitted="error")
        + slider("lam", "penalty <i>λ</i>", -6, 1, 0.1, power=True, held="held out")
        + numbers(
            fitted=f"mean squared error on {first}, fitted",
            held=f"on {second} to {last}, held out",
            w1="weight <i>w</i><sub>1</sub>",
            w2="weight <i>w</i><sub>2</sub>",
            w3="weight <i>w</i><sub>3</sub>",
            w0="intercept <i>w</i><sub>0</sub>",
        )
        + buttons(
            Reset=at_first,
            Step_2_moved_by_hand={**at_first, **state(moved)},
            As_learned={**at_first, **state(learned)},
        )
    )
    return Explorer("three-steps", drawing, controls, spec)


THREE_STEPS = (
    "Left, three weighted steps over the days of the year: the first goes {0}, the second {1}, the "
    "third {2}, in degrees. Right, their sum with the intercept as a curve through grey dots, the "
    "days of {year}."
)


def one_sample(basis, weights, intercept, x0, y0):
    """The way of one sample to its loss and back, with the numbers on the edges.

    Chapter :doc:`/chapters/chain_rule`.

    Parameters
    ----------
    basis : TanhBasis
        One input and three units.
    weights : array-like, shape (3,)
    intercept : float
        The weights and the intercept stay as they are.
    x0, y0 : float
        The day, and the temperature on it, at first.

    Returns
    -------
    Explorer
        The script writes its numbers where matplotlib has written the first ones.
    """
    with small():
        drawing, _ = drawn(figures.one_sample(basis, weights, intercept, x0, y0), ONE_SAMPLE)
    units = {f"{'ab'[d]}{k + 1}": float(basis.W[d, k]) for d in range(2) for k in range(3)}
    state = {"unit": 1, **units, "x0": float(x0), "y": float(y0)}
    learns = {f"b{k}": float(round(-basis.W[0, k - 1] * x0, 1)) for k in (1, 2, 3)}
    spec = {"state": state, "weights": list(map(float, weights)), "intercept": float(intercept)}
    controls = (
        choice("unit", "Unit", ["1", "2", "3"])
        + slider("a", "slope <i>a</i>", 0, 1, 0.005, "per day", da="derivative")
        + slider("b", "bias <i>b</i>", *BIASES, 0.5, db="derivative")
        + slider("x0", "day <i>x</i>", 0, 365, 1, prediction="<i>ŷ</i>")
        + slider("y", "temperature <i>y</i>", min(-5, y0), max(40, y0), 0.1, "°C", loss="loss")
        + numbers(
            prediction="prediction <i>ŷ</i> (°C)",
            loss="loss",
            dphi="derivative by the unit's <i>φ</i>",
            db="by its <i>z</i>, and so by its bias",
            da="by its slope (days)",
        )
        + buttons(
            Reset=state,
            Day_252={**state, "x0": 252.0, "unit": 2},
            All_units_in_their_step={**state, **learns},
        )
    )
    return Explorer("one-sample", drawing, controls, spec)


ONE_SAMPLE = (
    "A diagram from top to bottom. A box with the day x leads to three boxes, one for each unit, "
    "that compute slope times x plus bias. Each leads to a box tanh, and the three lead to one box "
    "that adds the weighted features to the prediction, which leads to the loss, half the squared "
    "difference. Every edge carries a value, and beside it a derivative that comes back. At first "
    "the derivatives behind the tanh of units 2 and 3 are about zero; that of unit 1 is not."
)
