"""What a check found, to read as text or to look at in a notebook."""

import html
from dataclasses import dataclass, field

import numpy as np

RIGHT, WRONG, UNJUDGED, KINK = range(4)
CELLS = 24  # the picture has at most so many rows and columns


@dataclass(frozen=True)
class Report:
    """What a check found; ``str(report)`` is a text for whoever wrote what was checked.

    Chapter :doc:`/chapters/checking`. A report is true if what was checked is right, so that
    ``assert check_derivative(f, x, jac=jac)`` works in a test. In a notebook it shows a picture of
    the matrix beside its text.

    Attributes
    ----------
    ok : bool
    diagnosis : str
        What is wrong, in one sentence; empty if ok.
    errors : ndarray or None
        Entry by entry, yours - expected; None where the shapes do not allow it, or where entries
        were looked at all together only.
    entry : str
        The worst entry, worked out; empty if ok.
    remark : str
        What the check could not see at the given point, and what else should be known.
    subject : str
        What was checked, as the text names it.
    kind : str
        A short, stable name of the mistake; empty if ok.
    unjudged : dict
        The entries that could not be judged, index of the output + index of the input, and why.
    evaluations : int
        How often f was called.
    states : ndarray of int or None
        For each output and input whether the entry is right, wrong, not judged, or at a kink.
    blame : str
        How the text begins if it is not ok.
    """

    ok: bool
    diagnosis: str = ""
    errors: np.ndarray | None = None
    entry: str = ""
    remark: str = ""
    subject: str = "The Jacobian"
    kind: str = ""
    unjudged: dict = field(default_factory=dict)
    evaluations: int = 0
    states: np.ndarray | None = None
    blame: str = "Not yet"

    def __bool__(self):
        return self.ok

    def __str__(self):
        head = f"{self.subject} is right." if self.ok else f"{self.blame}: {self.diagnosis}."
        cost = f"{self.evaluations} evaluations of f." if self.evaluations else ""
        return "\n".join(filter(None, [head, self.entry, self.remark, self.not_judged(), cost]))

    def not_judged(self):
        """How many entries could not be judged and why, in one sentence."""
        if not self.unjudged:
            return ""
        reasons = list(dict.fromkeys(self.unjudged.values()))
        count = len(self.unjudged)
        head = "1 entry" if count == 1 else f"{count} entries"
        return f"Not judged: {head} ({'; '.join(reasons)})."

    def _repr_html_(self):
        text = "<br>".join(html.escape(line) for line in str(self).split("\n"))
        picture = "" if self.states is None or not self.states.size else drawn(self.states)
        return f'<div class="report">{picture}<p>{text}</p></div>'


def drawn(states):
    """The matrix as a small SVG: a cross is wrong, a ring not judged, a wedge a kink."""
    rows, cols = (min(size, CELLS) for size in states.shape)
    size, cells = 14, []
    counts = [int((states == state).sum()) for state in range(4)]
    row_of = [states.shape[0] * i // rows for i in range(rows + 1)]
    col_of = [states.shape[1] * j // cols for j in range(cols + 1)]
    for i in range(rows):
        for j in range(cols):
            block = states[row_of[i] : row_of[i + 1], col_of[j] : col_of[j + 1]]
            worst = next(s for s in (WRONG, UNJUDGED, KINK, RIGHT) if (block == s).any())
            cells.append(cell(worst, size * j + 1, size * i + 1, size))
    several = states.shape != (rows, cols)
    told = (
        f"Matrix of {states.shape[0]} outputs (rows) by {states.shape[1]} inputs (columns): "
        f"{counts[WRONG]} wrong (cross), {counts[RIGHT]} right (empty)"
        + (f", {counts[UNJUDGED]} not judged (ring)" if counts[UNJUDGED] else "")
        + (f", {counts[KINK]} at a kink (wedge)" if counts[KINK] else "")
        + (". Each cell stands for several entries and shows the worst" if several else "")
        + "."
    )
    width, height = size * cols + 2, size * rows + 2
    return (
        f'<figure style="margin: 0 0 0.5em"><svg role="img" aria-label="{told}" '
        f'xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" fill="none" stroke="currentColor">'
        f"<title>{told}</title>{''.join(cells)}</svg>"
        f'<figcaption style="font-size: 0.85em">{told}</figcaption></figure>'
    )


def cell(state, x, y, size):
    """One square and the mark of its state; the marks are read without colour."""
    box = f'<rect x="{x}" y="{y}" width="{size}" height="{size}" stroke-opacity="0.35"'
    a, b, c = x + 3, x + size - 3, x + size / 2
    top, low, middle = y + 3, y + size - 3, y + size / 2
    if state == WRONG:
        mark = f'<path d="M{a} {top}L{b} {low}M{b} {top}L{a} {low}" stroke-width="2"/>'
        return f'{box} fill="#c8570a" fill-opacity="0.35"/>{mark}'
    if state == UNJUDGED:
        return f'{box}/><circle cx="{c}" cy="{middle}" r="{size / 4}"/>'
    if state == KINK:
        return f'{box}/><path d="M{a} {top}L{c} {low}L{b} {top}"/>'
    return f"{box}/>"
