r"""A displayed TeX formula, read from its page and evaluated on NumPy arrays.

`displays` finds the labelled displays of a Markdown page through the page's own parser; a `Display`
is read by a grammar of index notation and evaluated with what a test says the letters stand for:

>>> from formulas import Display
>>> import numpy as np
>>> rng = np.random.default_rng(0)
>>> A, x = rng.standard_normal((4, 3)), rng.standard_normal(3)
>>> shown = Display(r"y_i = \sum_{j=1}^{n} a_{ij}\,x_j, \qquad \lVert x\rVert^2 = x^\top x")
>>> shown.holds({"y": A @ x, "a": A, "x": x, "n": 3}, i=4, j=3)

What does not hold raises `Wrong`, what the grammar does not know `Refused`, with file and line:

>>> Display(r"y_i = \sum_{j=1}^{n} a_{ji}\,x_j").holds({"y": A @ x, "a": A, "x": x, "n": 3}, i=4)
Traceback (most recent call last):
formulas.tokens.Wrong: formula:1: -1.06133 = -1.93995 does not hold, where i=1
>>> Display(r"\wp x").statements
Traceback (most recent call last):
formulas.tokens.Refused: formula:1: \wp is not in the grammar

The grammar
-----------
A display is statements, parted by commas, semicolons, line ends, ``\Longrightarrow`` or the words
*and*, *and so*, *or*, *with*. A statement is sides with relations between them::

    statement = side {relation side} | name "=" number "," dots "," side    an index with its range
    relation  = "=" | \neq | \approx | "<" | ">" | \le | \ge | \propto | \in | ":" | \to
    side      = [sign] term {sign term} | text [side]      a text is a letter if it is declared
    term      = factor {[\cdot | \odot | \otimes | \circ | \times | "/"] factor}
    factor    = number | name | group | fence | fraction | root | big | cases | matrix
    name      = letter {"'"} ["_" script] ["^" script]    with accent or font; \operatorname, \tanh
    script    = token | "{" list of sides "}"
    group     = "(" list ")" | "[" list "]" | "{" side "}"                  with scripts like a name
    fence     = \lVert side \rVert | \lvert side \rvert | "|" side "|" | \lfloor side \rfloor
              | \langle side "," side \rangle
    fraction  = \frac{side}{side} (\dfrac, \tfrac), also of \partial name and \partial name
    big       = (\sum | \prod) "_" script ["^" script] term  |  (\max | \min) "_" script side
    cases     = rows of  side "&" "if" statement,  or  side "&" "otherwise"
    matrix    = pmatrix or bmatrix; cells are numbers or blocks, 0 or nothing is a block of zeros

What a letter means is told by the declarations, never guessed. A name is looked up with all its
scripts first (``w_0``, ``h^*``, ``J_f``), then without. A subscript that was not part of a declared
name is an index, counted from 1; a superscript is a transpose (``\top``) or a power. A declared
function is applied to the group that follows it; \tanh and its kind are functions that the test
declares, ``f'`` and ``f^{(5)}`` are names of their own. Keys are written as on the page:
``r"\tilde x"``, ``r"\partial\phi/\partial a"`` (its indices are those of the numerator, then those
of the denominator), ``"J[]"`` for ``J[\,\cdot\,]``. A declared index (``n=5``) that is not bound by
a sum runs over all its values; ``n'`` has the range of ``n``.

An array with one axis is a column, so that products written side by side are matrix products. Only
arrays of one shape are added, or a number to an array. ``[a_{nk}]_{n;k}`` makes a matrix of
entries; ``{n;\,dk}`` puts two indices on one axis, the last running fastest, and ``(n,k)`` in a
subscript is one index of a stacked axis, the first running fastest, as in ``vec``.

What is claimed
---------------
``=`` to rounding; ``\approx`` to the relative distance `near`; ``a \le b`` also says that a comes
as near to b as `reach` b; ``\propto`` that the ratios over the cases `over` differ by no more than
`near`; a term ``O(.)`` that what is left shrinks at the stated rate and not faster as the letter
`shrink` does, ``o(.)`` that it shrinks faster; ``\in\mathbb{R}^{a\times b}`` and ``:\mathbb{R}^a
\to\mathbb{R}^b`` speak of shapes; a declared text (``r"\text{shape}"``) is a test of what follows.
"""

from formulas.claims import Display
from formulas.page import displays
from formulas.tokens import Refused, Wrong

__all__ = ["Display", "Refused", "Wrong", "displays"]
