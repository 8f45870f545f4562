"""What the chapter on shared units shows: its layers' patterns, and a softmax with sliders."""

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.patches import PathPatch
from matplotlib.path import Path

from jacobians.book import explorer, figures

POSITIVE, NEGATIVE = figures.UNITS[0][0], figures.UNITS[1][0]


def patterns(layers, X1):
    """Which output of a layer hears which input, and with which sign: by z above, by W below.

    :numref:`fig-sharing`.

    Parameters
    ----------
    layers : dict of str to ndarray, shape (N, K, N, K)
        The derivatives of what comes out by Z, outputs first.
    X1 : ndarray, shape (N, D+1)
        Inputs with their column of ones. By :eq:`eq-through-z` they lead from Z to W.

    Returns
    -------
    matplotlib.figure.Figure
        Rows and columns are stacked by unit, as in :eq:`eq-block`.
    """
    fig, axes = plt.subplots(2, len(layers), figsize=(8.2, 3.7), sharey=True)
    for column, (name, J) in zip(axes.T, layers.items(), strict=True):
        by_W = np.einsum("nkml,md->nkdl", J, X1)
        for ax, J4 in zip(column, (J, by_W), strict=True):
            rows, columns = J4.shape[:2], J4.shape[2:]
            matrix = J4.transpose(1, 0, 3, 2).reshape(np.prod(rows), np.prod(columns))
            squares(ax, np.argwhere(matrix > 0), fc=POSITIVE, ec="none")
            squares(ax, np.argwhere(matrix < 0), fc="none", ec=NEGATIVE, lw=0.8)
            for unit in range(1, rows[1]):
                ax.axhline(unit * rows[0], color=figures.GREY, lw=0.5)
                ax.axvline(unit * columns[0], color=figures.GREY, lw=0.5)
            ax.set(xlim=(0, matrix.shape[1]), ylim=(matrix.shape[0], 0), xticks=[], yticks=[])
            ax.spines[["top", "right"]].set_visible(True)
            ax.set_box_aspect(1)
        column[0].set_title(name)
        column[0].set_xlabel("inputs $z_{nl}$", fontsize="small")
        column[1].set_xlabel("parameters $W_{dl}$", fontsize="small")
    for ax in axes[:, 0]:
        ax.set_ylabel("outputs $(n, k)$", fontsize="small")
    return fig


def squares(ax, cells, side=0.74, **look):
    """One path for all these cells of a matrix, given as (row, column): a page stays light."""
    if len(cells) == 0:
        return
    corners = np.array([[0, 0], [1, 0], [1, 1], [0, 1], [0, 0]]) * side + (1 - side) / 2
    path = np.concatenate([corners + cell[::-1] for cell in cells])
    codes = [Path.MOVETO, *[Path.LINETO] * 3, Path.CLOSEPOLY] * len(cells)
    ax.add_patch(PathPatch(Path(path, codes), joinstyle="miter", **look))


def softmax(z):
    """The probabilities of one sample, equation :eq:`eq-softmax`."""
    e = np.exp(np.asarray(z) - np.max(z))
    return e / e.sum()


def softmax_explorer(z=(1.0, 0.0, -0.5), temperature=1.0, right=2):
    """Softmax of three logits and its Jacobian, with sliders for the logits and the temperature.

    :numref:`fig-softmax`.

    Parameters
    ----------
    z : sequence of three float
        The logits at first.
    temperature : float
        What they are divided by, at first.
    right : int
        The class that is right at first: 1, 2 or 3.

    Returns
    -------
    jacobians.book.explorer.Explorer
        The matrix is :eq:`eq-softmax-matrix`, divided by the temperature; the derivative of the
        loss is :eq:`eq-cross-entropy-gradient` for one sample, divided by it too.
    """
    with explorer.small():
        return _softmax_explorer(z, temperature, right)


def _softmax_explorer(z, temperature, right):
    p = softmax(np.divide(z, temperature))
    J = np.diag(p) - np.outer(p, p)
    size = (explorer.WIDTH, 0.62 * explorer.WIDTH)
    fig, (left, matrix) = plt.subplots(1, 2, figsize=size, width_ratios=(1.1, 1))
    left.set(xlim=(-0.1, 3.7), ylim=(0, 1.42), yticks=[0, 0.5, 1], xlabel="unit")
    left.set_title("probability", loc="left")
    left.set_xticks([1, 2, 3])
    left.axhline(1, color=figures.GREY, lw=0.5)
    left.text(-0.05, 1.28, "$p$", color=POSITIVE)
    left.text(-0.05, 1.12, "$p-y$", color=NEGATIVE)
    for k, q in enumerate(p, 1):
        y = float(k == right)
        bar = [(k - 0.3, 0), (k + 0.1, 0), (k + 0.1, q), (k - 0.3, q), (k - 0.3, 0)]
        left.add_patch(PathPatch(Path(bar), fc=POSITIVE, ec="none", gid=f"part-bar-{k}"))
        look = {"color": NEGATIVE, "clip_on": False}
        left.plot([k + 0.25] * 2, [q, y], "--", **look, gid=f"part-gap-{k}")
        left.plot([k + 0.25], [y], "D", ms=5, **look, gid=f"part-class-{k}")
        figures.value(left, k - 0.25, 1.28, "", figures.number(q), f"p-{k}", color=POSITIVE)
        figures.value(left, k - 0.25, 1.12, "", figures.number(q - y), f"r-{k}", color=NEGATIVE)
    matrix.set(xlim=(0.5, 3.5), ylim=(3.5, 0.5), xlabel="logit $z_l$", ylabel="$p_k$")
    matrix.set_xticks([1, 2, 3])
    matrix.set_yticks([1, 2, 3])
    matrix.set_box_aspect(1)
    matrix.set_title("$\\partial p_k/\\partial z_l$", loc="left")
    for k, l in np.ndindex(3, 3):
        half = np.sqrt(abs(J[k, l]))  # 1/2 for the largest entry that there can be, 1/4
        ring = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1], [-1, -1]]) * half * 0.8
        look = (
            {"fc": mpl.colors.to_rgba(POSITIVE, 0.55), "ec": POSITIVE}
            if k == l
            else {"fc": "none", "ec": NEGATIVE, "ls": "--"}
        )
        path = Path(ring + [l + 1, k + 1])
        matrix.add_patch(PathPatch(path, gid=f"part-entry-{k + 1}{l + 1}", **look))
        entry = figures.number(J[k, l] / temperature)
        figures.value(matrix, l + 0.64, k + 1.08, "", entry, f"J-{k + 1}{l + 1}", bbox=None)
    drawing, panels = explorer.drawn(fig, SOFTMAX)
    state = {f"z{k}": float(each) for k, each in enumerate(z, 1)}
    state = {"unit": 1, **state, "T": float(np.log10(temperature)), "y": right}
    controls = (
        explorer.choice("unit", "Unit", ["1", "2", "3"])
        + explorer.choice("y", "Right class", ["1", "2", "3"])
        + explorer.slider("z", "logit <i>z</i> of the unit", -6, 6, 0.1, p="<i>p</i>")
        + explorer.slider("T", "temperature", -1, 1, 0.05, power=True, loss="loss")
        + explorer.numbers(
            p="probability of the unit",
            own="its derivative by its own logit",
            loss="loss, minus log of the probability of the right class",
            back="derivative of the loss by the logit",
        )
        + explorer.buttons(
            Reset=state,
            All_alike={**state, "z1": 0.0, "z2": 0.0, "z3": 0.0},
            Two_that_tie={**state, "z1": 2.0, "z2": 2.0, "z3": -4.0},
            Sure_and_wrong={**state, "z1": 6.0, "z2": -3.0, "z3": -3.0, "y": 2},
        )
    )
    return explorer.Explorer("softmax", drawing, controls, {"state": state, "panels": panels})


SOFTMAX = (
    "Left, three bars, the probabilities of three units, and beside each a dashed line to 1 for "
    "the class that is right and to 0 for the others. Right, a matrix of three by three squares: "
    "filled on the diagonal, where it is positive, hollow elsewhere, where it is negative. In each "
    "row the hollow squares together are as large as the filled one. Numbers stand in all of them."
)
