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

from jacobians import figures, svg

BIASES = (-110.0, 0.0)  # wide enough for the bias of the third unit


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
        here = files("jacobians")
        return (
            f'<figure class="explorer" data-explorer="{self.kind}">{self.drawing}'
            f'<form hidden autocomplete="off">{self.controls}'
            '<p class="says" aria-live="polite"></p></form>'
            f'<script type="application/json">{json.dumps(self.spec)}</script></figure>'
            f"<style>{(here / 'explorer.css').read_text()}</style>"
            f"<script>{(here / 'explorer.js').read_text()}</script>"
        )


def slider(name, label, low, high, step, unit="", power=False):
    """A native range input with its label and its value; with `power`, its value is an exponent."""
    return (
        f"<label><span>{label}</span><output></output>"
        f'<input type="range" name="{name}" min="{low:g}" max="{high:g}" step="{step:g}"'
        f' data-unit="{html.escape(unit)}"{" data-power=10" * power}></label>'
    )


def choice(name, legend, options):
    """Radio buttons, numbered from 1."""
    buttons = "".join(
        f'<label><input type="radio" name="{name}" value="{i}">{option}</label>'
        for i, option in enumerate(options, 1)
    )
    return f"<fieldset><legend>{legend}</legend>{buttons}</fieldset>"


def buttons(**presets):
    """A button for each named state, and one that copies a link to the state on show."""
    made = "".join(
        f"<button type=\"button\" data-set='{json.dumps(state)}'>{label.replace('_', ' ')}</button>"
        for label, state in presets.items()
    )
    link = '<button type="button" data-link>Copy a link to this</button>'
    return f'<div class="buttons">{made}{link}</div>'


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
    figure = figures.four_panels(basis, x0, biases=BIASES)
    above, below = figure.axes[:2], figure.axes[2:]
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
        + slider("a", "slope <i>a</i>", 0, 1, 0.005, "per day")
        + slider("b", "bias <i>b</i>", *BIASES, 0.5)
        + slider("x0", "day <i>x</i><sub>0</sub>", 1, 365, 1)
        + slider("h", "step <i>h</i> (moves <i>z</i>)", -12, 0.5, 0.1, power=True)
        + NUMBERS
        + buttons(
            Reset=state,
            Unit_1_at_its_peak={**state, "x0": 100.0},
            Unit_2_at_its_peak={**state, "x0": 250.0, "unit": 2},
            Too_small_a_step={**state, "x0": 100.0, "h": -11.0},
        )
    )
    return Explorer("four-panels", drawing, controls, spec)


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
