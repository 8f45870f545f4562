"""The room `formulas`, on a page that is not ours and on small formulas."""

from pathlib import Path

import numpy as np
import pytest

from formulas import Display, Refused, Wrong, displays
from formulas.mutations import mutants

PAGE = Path(__file__).parent / "springs.md"
SHOWN = {shown.label: shown for shown in displays(PAGE)}
rng = np.random.default_rng(5)


def test_displays_are_found_in_boxes_and_directives_and_not_in_code():
    assert list(SHOWN) == ["eq-swing", "eq-energy", "eq-chain-of-springs", "eq-binomial"]
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    for shown in SHOWN.values():
        assert lines[shown.line - 1] == shown.tex.splitlines()[0]


def swing(t, m=1.7, s=0.6, A=0.8, v=-0.3):
    """By small steps of the equation of motion, with Richardson's extrapolation."""

    def steps(count):
        q, p, h = A, v, t / count
        for _ in range(count):
            p = p - h / 2 * s / m * q
            q = q + h * p
            p = p - h / 2 * s / m * q
        return q

    return (4 * steps(4000) - steps(2000)) / 3


def test_a_swing_holds_beside_the_equation_of_motion():
    letters = {
        "q": swing, "A": 0.8, r"\omega": (0.6 / 1.7) ** 0.5, "v": -0.3, "s": 0.6, "m": 1.7,
        r"\cos": np.cos, r"\sin": np.sin,
    }  # fmt: skip
    for t in (0.7, 2.9):
        SHOWN["eq-swing"].holds(letters | {"t": t})
        for what, wrong in mutants(SHOWN["eq-swing"].tex):
            with pytest.raises(Exception):  # noqa: B017 - however it is noticed
                Display(wrong).holds(letters | {"t": t})
                pytest.fail(what, pytrace=False)


def test_a_command_outside_the_grammar_is_named_with_file_and_line():
    with pytest.raises(Refused, match=rf"{PAGE.name}:15: \\dot is not in the grammar"):
        SHOWN["eq-energy"].holds({})


def chain():
    C, u, s = rng.standard_normal((4, 3)), rng.standard_normal(3), rng.standard_normal(4)
    slope = [(np.sum(s * (C @ (u + e)) ** 2) - np.sum(s * (C @ (u - e)) ** 2)) / 4
             for e in np.eye(3)]  # fmt: skip
    return {
        "e": np.array([sum(C[i] * u) for i in range(4)]), "c": C, "C": C, "u": u, "n": 3, "s": s,
        r"\partial E/\partial u": np.array(slope),
    }  # fmt: skip


def test_indexed_and_whole_arrays_in_several_rows():
    letters = chain()
    SHOWN["eq-chain-of-springs"].holds(letters, i=4, j=3)
    assert not SHOWN["eq-chain-of-springs"].unchecked()
    with pytest.raises(Wrong, match=rf"{PAGE.name}:24: eq-chain-of-springs"):
        SHOWN["eq-chain-of-springs"].holds(letters | {"e": 2 * letters["e"]}, i=4, j=3)


def test_a_rate_is_measured():
    SHOWN["eq-binomial"].holds({r"\epsilon": 0.01}, shrink=r"\epsilon")
    for wrong in ("O(\\epsilon)", "O(\\epsilon^3)", "o(\\epsilon^2)"):
        with pytest.raises(Wrong):
            tex = SHOWN["eq-binomial"].tex.replace(r"O(\epsilon^2)", wrong)
            Display(tex).holds({r"\epsilon": 0.01}, shrink=r"\epsilon")


A, B = rng.standard_normal((3, 3)), rng.standard_normal((3, 3))
a, b = rng.standard_normal(3), rng.standard_normal(3)
KNOWN = {"A": A, "B": B, "a": a, "b": b, "C": A @ B, "n": 3, "x": 0.7, "f": np.sin, "M": A * B}


@pytest.mark.parametrize(
    "tex",
    [
        r"C = AB",
        r"(AB)^\top = B^\top A^\top",
        r"M_{ij} = A_{ij}B_{ij}, \quad M = A\odot B",
        r"a^\top b = \langle a, b\rangle = \sum_i a_ib_i",
        r"\operatorname{vec}(ab^\top) = b\otimes a",
        r"\operatorname{diag}(a)\,b = a\odot b",
        r"\frac12x = x/2 = \tfrac{1}{2}\,x",
        r"f(x)^2 = f^2(x) = \bigl(f(x)\bigr)^2 \text{ and } n = 3",
        r"(f\circ f)(x) = f(f(x))",
        r"\max_i a_i = \max(a_1,a_2,a_3)",
        r"\begin{pmatrix} A & 0\\ & B\end{pmatrix}\begin{pmatrix} a\\ b\end{pmatrix}"
        r" = \begin{pmatrix} Aa\\ Bb\end{pmatrix} \in\mathbb{R}^{2n}",
        r"[A]_{ij} = A_{ij}, \qquad A = [A_{ij}]_{i;j}",
        r"\begin{cases} a_i & \text{if } i=j,\\ 0 & \text{otherwise}\end{cases}"
        r" = [\operatorname{diag}a]_{ij}",
        r"\lfloor 2.7\rfloor = 2, \qquad \lvert -x\rvert = |x|, \qquad 30\,\% = 0.3",
        r"(2\times 3) = (2\times n)\,(n\times 3)",
        r"i = 1,\dots,n",
        r"\begin{cases} x & \text{if } x>0,\\ -x & \text{if } x<0\end{cases} = |x|",
        r"0 < x, \quad n \neq 2",
    ],
)  # fmt: skip
def test_what_the_grammar_reads(tex):
    Display(tex).holds(KNOWN, i=3, j=3)


@pytest.mark.parametrize(
    ("tex", "why"),
    [
        (r"C = BA", "does not hold"),
        (r"C = A\odot B", "does not hold"),
        (r"a = a^\top", "shapes"),
        (r"a b = x", "a product of shapes"),
        (r"A + a = A", "a sum of shapes"),
        (r"A_{ij} = A_{ji}", "where i=1, j=2"),
        (r"A_{ij} = \sum_{k=1}^{4} A_{ij}", "does not hold"),
        (r"x = \begin{cases} x & \text{if } i=i,\\ x & \text{if } i=1 \end{cases}", "cases hold"),
        (r"(2\times 3) = (2\times n)\,(2\times 3)", "do not fit"),
        (r"A\in\mathbb{R}^{n}", "the shape"),
        (r"i = 1,\dots,n-1", "runs from 1 to 3"),
        (r"a_4 = x", "index 4"),
    ],
)
def test_what_does_not_hold_is_said(tex, why):
    with pytest.raises(Wrong, match=why):
        Display(tex).holds(KNOWN, i=3, j=3)


@pytest.mark.parametrize(
    ("tex", "why"),
    [
        (r"x", "claims nothing"),
        (r"x = y", "y is not declared"),
        (r"x = \wp x", r"\\wp is not in the grammar"),
        (r"x = \text{so they say}", "not declared"),
        (r"x \approx x", "near="),
        (r"x \le x", "reach="),
        (r"x = x + O(x)", "shrink="),
        (r"A = A\odot A A", "without brackets"),
        (r"x = ,\ x", "is not in the grammar|was expected|nothing"),
        (r"\frac{x}{", "TeX itself|is not in the grammar"),
        (r"A^+ = A", "A.* is not declared"),
        (r"x = \begin{array}{c} x \end{array}", "array"),
        (r"x = \begin{pmatrix} x & \cdots & x\end{pmatrix}", "has no value"),
        (r"\sum_{i=1} a_i = x", "with one bound"),
    ],
)
def test_what_the_grammar_does_not_know_is_refused(tex, why):
    with pytest.raises(Refused, match=why):
        Display(tex).holds(KNOWN, i=3, j=3)


def test_the_public_names_have_examples_that_run():
    import doctest

    import formulas
    import formulas.claims
    import formulas.mutations
    import formulas.page
    import formulas.tokens

    for module in (formulas, formulas.claims, formulas.page, formulas.tokens, formulas.mutations):
        result = doctest.testmod(module)
        assert result.failed == 0, module.__name__
