r"""How a displayed formula is tested: read from its page, evaluated with what its letters mean.

The formula itself stands on the page and nowhere else. A test says what each letter means, by
another road than the package (loops, a complex step, mpmath, SymPy, least squares), and that the
display holds::

    @checks_equation("eq-slope")
    def test_the_slope_derivative_...(displayed):
        letters = {r"\phi": Phi, r"\delta": np.eye(K), r"x": X,
                   r"\partial\phi/\partial a": by_complex_step}   # axes n, k, d, l
        displayed.holds(letters, n=N, k=K, d=D, l=K)

- A key is the letter as the page writes it, with the scripts that belong to its name: ``w_0``,
  ``\tilde x``, ``\mathcal L^*``, ``h^*``, ``f'``, ``\Phi_c``. All other subscripts are indices,
  counted from 1, and the keywords of `holds` say how many values each has. An index that no sum
  binds runs over all of them.
- A derivative is a letter: ``\partial\phi/\partial a`` is an array with the indices of the
  numerator first and those of the denominator behind. ``J[]`` and ``J^\top[]`` are functions.
- \tanh, \sinh, \nabla, \delta and numbers such as N and D are letters as well. The room knows
  sums, norms, transposes, diag, vec, max, min, floors, imaginary parts: see `formulas`.
- Choose generic values, all sizes different, nothing 0, 1, equal or symmetric, or a wrong formula
  passes. `make mutations` shows what yours lets through.
- ``only=(1,)`` or ``only=[(0, 1), (2,)]`` looks at one statement, or at one link of a chain. Every
  claim of a display has to be looked at and every letter that is declared has to be met, or the
  test fails: a claim or a letter that is missing from the page is a mistake, too.
- O(.) needs ``shrink=`` (the letter that goes to zero), \approx needs ``near=``, \le ``reach=``,
  \propto ``over=`` and ``near=``. Take mpmath's numbers where floats are too coarse.
- A formula that has no value is pinned: `pinned(displayed, because=..., tex=...)` holds the TeX as
  it was when somebody last read it.
"""

import functools
import inspect
import textwrap

from labels import CHAPTERS

from formulas import Display, Wrong, displays

CHECKED = {}  # from labels to their tests, as they were written: with `displayed` to be filled in
PINNED = object()


def checks_equation(label):
    """Mark a test as the one that checks the displayed equation with this label."""

    def mark(test):
        if label in CHECKED and CHECKED[label].__module__ == test.__module__:
            raise ValueError(f"{label} has two tests, and each would see half of it")

        @functools.wraps(test)
        def run():
            examine(test, labelled()[label])

        run.__signature__ = inspect.Signature()
        CHECKED[label] = test
        return run

    return mark


def examine(test, display):
    """Run a test on a display, which may also be a mutant; raise if it does not hold."""
    fresh = Display(display.tex, display.label, display.path, display.line)
    held, place = test(fresh), f"{fresh.path}:{fresh.line}: {fresh.label}"
    if held is not PINNED and fresh.unchecked():
        raise Wrong(f"{place}: claims that its test does not look at: {fresh.unchecked()}")
    if fresh.idle():
        raise Wrong(f"{place}: letters that its test declares and nobody meets: {fresh.idle()}")


def pinned(displayed, *, because, tex):
    """Hold the TeX of a formula that has no value, and the reason why it has none."""
    if displayed.tex.strip() != textwrap.dedent(tex).strip():
        raise Wrong(
            f"{displayed.path}:{displayed.line}: {displayed.label} has changed. It is not "
            f"evaluated ({because}): read it again, and put what you have read into its test."
        )
    return PINNED


@functools.cache
def every_display():
    """Every display of the book, in the order of the files."""
    return [shown for page in CHAPTERS for shown in displays(page)]


@functools.cache
def labelled():
    """Every labelled display of the book, by its label."""
    return {shown.label: shown for shown in every_display() if shown.label}
