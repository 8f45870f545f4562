"""The book's matplotlib style, and the figures that more than one cell needs.

A notebook that imports this module draws in the book's style from there on.
"""

import sys

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np

from jacobians.basis import TanhBasis

#: One look for each unit, in colour and in line style, so that neither is needed alone. The colours
#: keep a contrast of at least 3:1 on a white and on a black page.
UNITS = [("#1f77c9", "-"), ("#c8570a", "--"), ("#16875f", "-.")]
#: The colour of what stands beside the data, such as an axis or what was before.
GREY = "#808080"

#: The book's three units, chosen by hand, as their slopes (per day) and their biases.
THREE_UNITS = ((0.1, 0.2, 0.3), (-10.0, -50.0, -100.0))


def use_book_style():
    """Draw from here on as the book does: sharp at every size, the same bytes each time.

    Notebooks, chapter :doc:`/chapters/jacobian` for one, need not call it: importing this module
    does. A PNG goes with each drawing, for programs that show no SVG of somebody they do not know.
    """
    mpl.rcdefaults()  # whatever a reader's own matplotlibrc says
    mpl.rcParams.update(
        {
            "svg.hashsalt": "jacobians",  # ids in the file do not change from run to run
            "figure.constrained_layout.use": True,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.titlesize": "medium",
            "lines.linewidth": 1.8,
        }
    )
    try:
        from matplotlib_inline.backend_inline import set_matplotlib_formats
    except ImportError:  # not in a notebook: nothing to tell
        return
    set_matplotlib_formats("svg", "png", metadata={"Date": None})


def power_of_ten(value):
    """The power of ten nearest to a positive number, as it is set in a sentence.

    Chapters :doc:`/chapters/jacobian` and :doc:`/chapters/checking`.

    Examples
    --------
    >>> power_of_ten(3.2e-8)
    '10⁻⁷'
    """
    exponent = f"{np.log10(value):.0f}"
    return "10" + exponent.translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))


def fine_grid(low, high, centre, width, n=240):
    """A grid on [low, high] with as many points again within a few widths of the centre.

    Parameters
    ----------
    low, high : float
        Ends of the grid.
    centre, width : float
        Where the curve to be drawn is steep, and the width of that region.
    n : int
        Points spread evenly over [low, high]; as many again lie near the centre.

    Returns
    -------
    ndarray, shape (<= 2 n + 1,)
        Increasing; it contains `centre` if that lies inside.
    """
    near = centre + 4 * width * np.linspace(-1, 1, n + 1)
    near = near[(near >= low) & (near <= high)]
    return np.union1d(np.linspace(low, high, n), near)


def sweep_slope(b, x0, low=0.0, high=1.0):
    """Slopes from low to high, with phi and d phi / d a at x0 for a unit of bias b.

    Every slope of the grid is a unit of one wide basis, so that one call computes the whole curve.
    """
    a = fine_grid(low, high, -b / x0, 1 / abs(x0))
    basis = TanhBasis([a, np.full_like(a, b)])
    return a, basis.transform([x0])[0], basis.jacobian([x0])[0, 0]


def sweep_bias(a, x0, low=-60.0, high=0.0):
    """Biases from low to high, with phi and d phi / d b at x0 for a unit of slope a."""
    b = fine_grid(low, high, -a * x0, 1.0)
    basis = TanhBasis([np.full_like(b, a), b])
    return b, basis.transform([x0])[0], basis.jacobian([x0])[0, 1]


def four_panels(basis, x0, biases=(-60.0, 0.0)):
    """How each unit of a basis, and its derivative, moves with its slope and with its bias.

    :numref:`fig-four-panels`: :eq:`eq-slope` and :eq:`eq-bias`.

    Parameters
    ----------
    basis : TanhBasis
        One input (D = 1) and at most three units.
    x0 : float
        The one sample, in days, at which everything is evaluated.
    biases : (float, float)
        Ends of the axis of the bias.

    Returns
    -------
    matplotlib.figure.Figure
        Above: phi_k as the slope (left) or the bias (right) of unit k moves and its other parameter
        stays. Below: the derivative, on the same horizontal axis. Dots: the basis as it is.
    """
    fig, panels = plt.subplots(2, 2, figsize=(7.4, 5.6), sharex="col")
    phi_now, J_now = basis.transform([x0])[0], basis.jacobian([x0])[0]
    for k, (a_k, b_k) in enumerate(basis.W.T):
        colour, dashes = UNITS[k]
        look = {"color": colour, "linestyle": dashes}
        sweeps = (sweep_slope(b_k, x0), sweep_bias(a_k, x0, *biases))
        for column, (moved, phi, slope) in enumerate(sweeps):
            now = basis.W[column, k]
            values = ((phi, phi_now[k]), (slope, J_now[column, k]))
            for row, (curve, y) in enumerate(values):
                name = f"{row}-{column}-{k + 1}"  # under which an explorer finds it
                panels[row, column].plot(moved, curve, **look, gid=f"part-curve-{name}")
                label = f"${'ab'[column]}_{k + 1}={now:g}$"
                mark(panels[row, column], now, y, moved, label, colour, f"part-dot-{name}")
            peak = moved[np.argmax(slope)]
            panels[1, column].annotate(
                f"$k={k + 1}$", (peak, slope.max()), (0, 4), textcoords="offset points",
                ha="center", color=colour, gid=f"part-label-1-{column}-{k + 1}",
            )  # fmt: skip
            panels[0, column].annotate(
                f"${k + 1}$", (peak, 0.0), (7, -3), textcoords="offset points", color=colour,
                gid=f"part-label-0-{column}-{k + 1}",
            )  # fmt: skip
    titles = (
        r"$\phi_k$ as its slope moves",
        r"$\phi_k$ as its bias moves",
        r"its derivative, $\partial\phi_k/\partial a_k$",
        r"its derivative, $\partial\phi_k/\partial b_k$",
    )
    for panel, title in zip(panels.flat, titles, strict=True):
        panel.set_title(title, loc="left")
        panel.margins(y=0.12)
    panels[0, 0].set_ylabel(r"$\phi_k$ (no unit)")
    panels[1, 0].set_ylabel(r"$\partial\phi_k/\partial a_k$ (days)")
    panels[1, 1].set_ylabel(r"$\partial\phi_k/\partial b_k$ (no unit)")
    panels[1, 0].set_xlabel(r"slope $a_k$ (per day)")
    panels[1, 1].set_xlabel(r"bias $b_k$ (no unit)")
    return fig


def mark(panel, x, y, moved, label, colour, name):
    """A dot where the basis is; a labelled arrow at the edge if that lies outside the panel."""
    low, high = moved[0], moved[-1]
    if low <= x <= high:
        panel.plot([x], [y], "o", color=colour, markersize=6, clip_on=False, zorder=3, gid=name)
        return
    edge, outwards = (low, -1) if x < low else (high, 1)
    panel.annotate(
        label, (edge, y), (-outwards * 8, 9), textcoords="offset points", color=colour,
        ha="left" if outwards < 0 else "right", fontsize="x-small",
    )  # fmt: skip
    panel.plot([edge], [y], "<" if outwards < 0 else ">", color=colour, markersize=9, clip_on=False)


# A look for each method that differentiates: colour, line, marker. The last is black or white.
METHODS = [(*look, marker) for look, marker in zip([*UNITS, ("#000000", ":")], "os^D", strict=True)]


def step_error(predicted, measured=None):
    """The error of a numerical derivative against its step, as predicted and as measured.

    Chapter :doc:`/chapters/checking`, equation :eq:`eq-two-errors`.

    Parameters
    ----------
    predicted : dict of name -> (h, truncation, roundoff)
        Arrays of one length, for at most four names. Each of the two is drawn where it is larger.
    measured : dict of name -> (h, error), optional
        Drawn as points.

    Returns
    -------
    matplotlib.figure.Figure
    """
    fig, ax = plt.subplots(figsize=(7, 4.4))
    larger = {name: np.maximum(*lines) for name, (_, *lines) in predicted.items()}
    bottom = 10.0 ** np.floor(np.log10(min(line.min() for line in larger.values())) - 1)
    for (name, line), (colour, dashes, marker) in zip(larger.items(), METHODS, strict=False):
        h = predicted[name][0]
        ax.plot(h, line, dashes, color=colour, linewidth=1.3, label=name)
        if measured:
            ax.plot(*measured[name], marker, color=colour, markersize=5, markerfacecolor="none")
    ax.set(xscale="log", yscale="log", xlabel="step $h$", ylabel="largest error")
    ax.set_ylim(bottom, 10)
    fig.legend(frameon=False, loc="outside upper center", ncols=4)
    return fig


def coloured_pattern(pattern, colours):
    """A sparsity pattern whose columns carry the numbers, and the looks, of their colours.

    Chapter :doc:`/chapters/checking`, equation :eq:`eq-colour-count`.
    """
    rows, columns = pattern.shape
    fig, ax = plt.subplots(figsize=(4.4, 4.2))
    palette = [GREY, *(colour for colour, _ in UNITS)]
    for c, p in enumerate(colours):
        shown = np.ma.masked_equal(pattern[:, [c]], 0)
        ax.pcolormesh(
            [c, c + 1], np.arange(rows + 1), shown, edgecolor="#000000", linewidth=0.5,
            cmap=mpl.colors.ListedColormap([palette[p % len(palette)]]),
        )  # fmt: skip
        ax.text(c + 0.5, -0.35, f"{p + 1}", ha="center", va="bottom", fontweight="bold")
    ax.set(
        xlabel="parameter $j$",
        ylabel="output $(n, k)$",
        aspect="equal",
        xlim=(0, columns),
        ylim=(rows, 0),
    )
    ax.set_title("colour of each column", loc="left", pad=22)
    return fig


def tails(tails):
    """What is returned for the derivative of tanh, and what it is, on a log axis to ``|z| = 350``.

    Chapter :doc:`/chapters/checking`, equation :eq:`eq-tail`.

    Parameters
    ----------
    tails : list of dict
        The committed `measurements` under this name.
    """
    fig, ax = plt.subplots(figsize=(7, 4.4))
    floor = 1e-320  # stands for zero, which a log axis does not have
    z = np.geomspace(1, 350, 400)
    ax.plot(z, 1 / np.cosh(z) ** 2, color=UNITS[0][0])
    ax.annotate(r"exact, and $1/\cosh^2z$", (170, 1e-147), (-8, 0), textcoords="offset points",
                ha="right", color=UNITS[0][0])  # fmt: skip
    naive = 1 - np.tanh(z) ** 2
    ax.plot(z, np.where(naive > 0, naive, floor), "--", color=UNITS[1][0])
    ax.annotate(r"$1-\tanh^2z$", (z[np.argmin(naive > 0)], 1e-250), (-8, 0), color=UNITS[1][0],
                textcoords="offset points", ha="right")  # fmt: skip
    for name, marker, look in (("JAX", "s", UNITS[2][0]), ("PyTorch", "x", "#000000")):
        at = [row["z"] for row in tails]
        ax.plot(at, [row[name] or floor for row in tails], marker, color=look, label=name,
                markersize=8 if marker == "s" else 6, markerfacecolor="none")  # fmt: skip
    ax.set(xscale="log", yscale="log", xlabel="$|z|$", ylabel=r"$\tanh'(z)$", ylim=(floor, 1e10))
    ax.set_xticks([1, 5, 10, 20, 50, 100, 350], ["1", "5", "10", "20", "50", "100", "350"])
    ax.minorticks_off()
    ax.set_yticks(
        [1, 1e-100, 1e-200, 1e-300, floor],
        ["1", "$10^{-100}$", "$10^{-200}$", "$10^{-300}$", "0"],
    )
    ax.legend(frameon=False, loc="center left", title="what a framework\nreturns: ")
    return fig


def descents(losses):
    """Loss curves by name: name -> losses, at most four.

    Chapter :doc:`/chapters/checking`.
    """
    fig, ax = plt.subplots(figsize=(7, 3.6))
    for (name, curve), (colour, dashes, _) in zip(losses.items(), METHODS, strict=False):
        ax.plot(curve, dashes, color=colour, label=name)
    ax.set(xlabel="step of gradient descent", ylabel="loss", ylim=(0, None))
    ax.legend(frameon=False)
    return fig


def plot_days(ax, day, celsius):
    """Temperatures as small dots over the day of the year, on axes that say what they show.

    Chapter :doc:`/chapters/basis_functions`.
    """
    ax.plot(day, celsius, ".", color=GREY, markersize=3, markeredgewidth=0)
    ax.set(xlabel="day of the year", ylabel="daily maximum (°C)")


def weighted_sum(basis, weights, intercept, x):
    """A fitted curve taken apart: each weighted step, and their sum with the intercept.

    :numref:`fig-weighted-sum`: :eq:`eq-model`.

    Parameters
    ----------
    basis : TanhBasis
        One input (D = 1) and at most three units.
    weights : array-like, shape (K,)
    intercept : float
    x : array-like, shape (N,)
        Days, increasing.

    Returns
    -------
    matplotlib.figure.Figure
        Left: w_k phi_k for each unit. Right: their sum, with the intercept as a dotted line.
    """
    parts = basis.transform(x) * weights
    fig, (left, right) = plt.subplots(1, 2, figsize=(7.4, 3))
    for k, part in enumerate(parts.T):
        colour, dashes = UNITS[k]
        left.plot(x, part, color=colour, linestyle=dashes, gid=f"part-step-{k + 1}")
        left.annotate(
            f"$w_{k + 1}\\phi_{k + 1}$", (x[-1], part[-1]), (4, -3), textcoords="offset points",
            color=colour, gid=f"part-label-{k + 1}",
        )  # fmt: skip
    right.axhline(intercept, color=GREY, linestyle=":", gid="part-intercept")
    right.annotate("$w_0$", (x[0], intercept), (0, -12), textcoords="offset points", color=GREY,
                   gid="part-label-0")  # fmt: skip
    right.plot(x, intercept + parts.sum(axis=1), color="black", gid="part-sum")
    left.set_title("three weighted steps", loc="left")
    right.set_title("their sum and the intercept", loc="left")
    for ax in (left, right):
        ax.set(xlabel="day of the year", ylabel="°C")
    return fig


def one_sample(basis, weights, intercept, x0, y0):
    """The way of one sample to its loss and back, with the numbers on the edges.

    :numref:`fig-one-sample`: the corollary :prf:ref:`corollary-gradient`, box by box.

    Parameters
    ----------
    basis : TanhBasis
        One input (D = 1) and three units.
    weights : array-like, shape (3,)
    intercept : float
    x0, y0 : float
        The day, and the temperature on it.

    Returns
    -------
    matplotlib.figure.Figure
        Boxes are operations, from above to below. On the left of each edge the value that goes
        forwards; on its right, after an arrow upwards, the derivative of the loss
        (y^ - y)^2 / 2 that comes back. 340 by 230 pixels, which a phone shows as they are.
    """
    z, phi, S = basis.Z([x0])[0], basis.transform([x0])[0], basis.jacobian([x0])[0, 1]
    prediction = intercept + phi @ weights
    r = prediction - y0
    G = r * np.asarray(weights)
    fig = plt.figure(figsize=(340 / 96, 230 / 96))
    fig.set_layout_engine("none")
    ax = fig.add_axes((0, 0, 1, 1))
    ax.set(xlim=(0, 340), ylim=(230, 0))  # pixels
    ax.axis("off")
    box(ax, (170, 12), (66, 20))
    value(ax, 168, 16, "$x=$", f"{x0:g}", "x", bbox=None)
    box(ax, (92, 206), (104, 24), r"$w_0+\sum w_k\phi_k$")
    box(ax, (298, 206), (76, 38))
    ax.text(298, 203, r"$(\hat{y}-y)^2/2$", ha="center", zorder=4)
    value(ax, 284, 219, "$=$", number(r * r / 2), "loss", bbox=None)
    ax.plot([144, 260], [206, 206], color=GREY, linewidth=1, zorder=1)
    value(ax, 196, 200, r"$\hat{y}=$", number(prediction), "prediction")
    value(ax, 196, 221, "←", number(r), "residual", color=UNITS[1][0])
    for k, x in enumerate((61, 171, 281), 1):
        ax.plot([170, x, x, 92], [12, 52, 132, 206], color=GREY, linewidth=1, zorder=1)
        box(ax, (x, 52), (70, 20), f"$a_{k}x+b_{k}$")
        box(ax, (x, 132), (40, 18), "tanh")
        dphi, dz = G[k - 1], S[k - 1] * G[k - 1]
        for y, letter, derivative in ((74, "a", dz * x0), (88, "b", dz)):
            name = f"{letter}-{k}"
            value(ax, x, y, f"to ${letter}_{k}$:", number(derivative), name, color=UNITS[1][0])
        for y, letter, forwards, back in ((112, "z", z, dz), (157, "phi", phi, dphi)):
            symbol = "z" if letter == "z" else r"\phi"
            value(ax, x - 33, y, f"${symbol}_{k}=$", number(forwards[k - 1]), f"{letter}-{k}")
            value(ax, x + 16, y, "↑", number(back), f"d{letter}-{k}", color=UNITS[1][0])
    return fig


def box(ax, centre, size, text=""):
    corner = np.subtract(centre, np.divide(size, 2))
    look = {"boxstyle": "round,pad=0,rounding_size=4", "facecolor": "white", "edgecolor": "black"}
    ax.add_patch(mpl.patches.FancyBboxPatch(corner, *size, **look, linewidth=0.8, zorder=3))
    ax.text(*centre, text, ha="center", va="center_baseline", zorder=4)


def value(ax, x, y, symbol, text, name, **look):
    """A number and what it is the value of, apart, so that an explorer can write the number."""
    ground = {"facecolor": "white", "edgecolor": "none", "pad": 0.5}
    look = {"va": "baseline", "bbox": ground, "zorder": 4, **look}
    if symbol:
        ax.annotate(symbol, (x, y), (-1.5, 0), textcoords="offset points", ha="right", **look)
    ax.text(x, y, text, ha="left", gid=f"part-{name}", **look)


def number(value):
    """At most four digits; what is nothing to two decimals is said to be about 0."""
    if abs(value) < 0.005:
        return "≈ 0"
    return f"{value:.{2 if abs(value) < 100 else 0}f}".replace("-", "\N{MINUS SIGN}")


def before_and_after(before, after, x, y):
    """Two fits above their units: the curve each gives, and the steps it is made of.

    Chapter :doc:`/chapters/learning`.

    Parameters
    ----------
    before, after : (basis, weights, intercept)
        At most three units each.
    x, y : ndarray, shape (N,)
        Days and temperatures.

    Returns
    -------
    matplotlib.figure.Figure
        Above: the temperatures and the curve. Below: each unit phi_k, named where its step is.
    """
    fig, panels = plt.subplots(
        2, 2, figsize=(7.4, 5), sharex=True, sharey="row", height_ratios=(3, 2)
    )
    grid = np.linspace(x.min(), x.max(), 300)
    titles = ("chosen by hand", "learned")
    for (basis, weights, intercept), title, (above, below) in zip(
        (before, after), titles, panels.T, strict=True
    ):
        above.plot(x[::2], y[::2], ".", color=GREY, markersize=3, markeredgewidth=0)
        above.plot(grid, basis.transform(grid) @ weights + intercept, color="black")
        above.set_title(title, loc="left")
        for k, unit in enumerate(basis.transform(grid).T):
            colour, dashes = UNITS[k]
            below.plot(grid, unit, color=colour, linestyle=dashes)
            step = -basis.W[1, k] / basis.W[0, k]
            label = (step, 0.0) if grid[0] < step < grid[-1] else (grid[0], unit[0])
            below.annotate(f"${k + 1}$", label, (7, -3), textcoords="offset points", color=colour)
        below.set_xlabel("day of the year")
    panels[0, 0].set_ylabel("daily maximum (°C)")
    panels[1, 0].set_ylabel(r"$\phi_k$ (no unit)")
    return fig


# The looks of what is compared, five at most: told apart without colour.
LOOKS = [*UNITS, ("black", ":"), (GREY, (0, (6, 1)))]


def convergence(losses):
    """The lowest loss so far against the evaluations, for several methods from one start.

    Chapter :doc:`/chapters/learning`.

    Parameters
    ----------
    losses : dict of str to list of float
        What each evaluation gave, by method; the lowest of all is what they are compared with.

    Returns
    -------
    matplotlib.figure.Figure
        Both axes are logarithmic; a curve ends where its distance is below a millionth.
    """
    floor = min(map(min, losses.values()))
    fig, ax = plt.subplots(figsize=(7.4, 3.4))
    for (name, values), (colour, dashes) in zip(losses.items(), LOOKS, strict=False):
        above = np.minimum.accumulate(values) / floor - 1
        n = np.unique(np.geomspace(1, len(above), 120).round().astype(int))
        n = n[above[n - 1] > 1e-6]
        ax.plot(n, above[n - 1], color=colour, linestyle=dashes, label=name)
    ax.set(xscale="log", yscale="log", xlabel="evaluations of the loss")
    ax.set_ylabel("loss above the lowest, relative")
    ax.legend(frameon=False)
    return fig


def standings(errors):
    """Errors of several models as dots, one row for each year of training.

    Chapter :doc:`/chapters/learning`.

    Parameters
    ----------
    errors : dict of int to dict of str to float
        By year, then by model; the same models in every year, at most five.

    Returns
    -------
    matplotlib.figure.Figure
    """
    fig, ax = plt.subplots(figsize=(7.4, 2.6))
    years = list(errors)
    for model, (colour, _), marker in zip(errors[years[0]], LOOKS, "osD^v", strict=False):
        ax.plot(
            [errors[year][model] for year in years], range(len(years)), marker, color=colour,
            label=model, markersize=7, fillstyle="none" if marker in "sD" else "full",
        )  # fmt: skip
    ax.set_yticks(range(len(years)), years)
    ax.invert_yaxis()
    ax.grid(axis="y", alpha=0.3)
    ax.set(xlabel="mean squared error on the three other years (°C²)", ylabel="trained on")
    ax.legend(frameon=False, loc="upper center", bbox_to_anchor=(0.5, 1.22), ncols=5)
    return fig


def scaling(sweeps, formulas, what, label):
    """What each way to the derivative costs along N, D and K: points, and the formula as a line.

    Chapter :doc:`/chapters/at_scale`.

    Parameters
    ----------
    sweeps : dict
        ``measurements.load()["scaling"]["sweeps"]``
    formulas : dict of str to callable of (N, D, K)
        A line goes through the last point of its way if `what` is "seconds"; bytes are eight for
        each number of the formula.
    what : str
        "seconds" or "bytes".
    label : str
        Of the vertical axis.

    Returns
    -------
    matplotlib.figure.Figure
    """
    fig, axes = plt.subplots(1, 3, figsize=(7.4, 3.4), sharey=True)
    for ax, (axis, rows) in zip(axes, sweeps.items(), strict=True):
        for (name, formula), (colour, dashes), marker in zip(
            formulas.items(), LOOKS, "osD^v", strict=True
        ):
            sizes = [row["size"] for row in rows if name in row[what]]
            along = [size["NDK".index(axis)] for size in sizes]
            measured = [row[what][name] for row in rows if name in row[what]]
            line = 8 * np.array([formula(*size) for size in sizes], float)
            if what == "seconds":
                line *= measured[-1] / line[-1]
            ax.plot(along, line, color=colour, linestyle=dashes, linewidth=1)
            ax.plot(along, measured, marker, color=colour, markersize=4, label=name)
        ax.set(xscale="log", yscale="log", xlabel=f"${axis}$")
    axes[0].set_ylabel(label)
    fig.legend(
        *axes[0].get_legend_handles_labels(), loc="outside upper center", ncols=5, frameon=False
    )
    return fig


def draw_four_panels(path):
    """Save the four panels of the book's three units at day 150, on white.

    As SVG for the README, or as a PNG of 1200 by 630 pixels, the shape in which a link that
    somebody shares shows its picture.
    """
    use_book_style()
    figure = four_panels(TanhBasis(THREE_UNITS), 150.0)
    if str(path).endswith(".png"):
        figure.set_size_inches(12, 6.3)
        figure.savefig(path, dpi=100, facecolor="white", bbox_inches=None)
    else:
        figure.savefig(path, metadata={"Date": None}, facecolor="white")
    plt.close(figure)


if __name__ == "__main__":
    for path in sys.argv[1:]:
        draw_four_panels(path)


if "IPython" in sys.modules and sys.modules["IPython"].get_ipython():
    use_book_style()
