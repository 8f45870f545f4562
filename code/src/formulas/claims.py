r"""A display and what it claims: each relation between two sides is a claim that can fail."""

import functools
import itertools
import math
from dataclasses import dataclass, field

import numpy as np

from formulas.grammar import Group, Name, Number, Parser, Product, Range, Said, Sum, spell
from formulas.tokens import Refused, Wrong, line
from formulas.values import Letters, Shape, add, evaluate, is_array, key, plain

EXACT = 1e-9  # the relative distance that counts as rounding


@dataclass
class Display:
    """A displayed formula and where it stands.

    Parameters
    ----------
    tex : str
        What stands between the dollar signs.
    label : str
        Its label on the page, or "".
    path : Path or str
        The page.
    line : int
        The page's line on which `tex` begins.

    Examples
    --------
    >>> Display(r"a^2 + b^2 = c^2").holds({"a": 3, "b": 4, "c": 5})
    >>> Display(r"a^2 + b^2 = c^3", "eq-c", "page.md", 7).holds({"a": 3, "b": 4, "c": 5})
    Traceback (most recent call last):
    formulas.tokens.Wrong: page.md:7: eq-c: 25 = 125 does not hold
    """

    tex: str
    label: str = ""
    path: object = "formula"
    line: int = 1
    checked: set = field(default_factory=set, repr=False, compare=False)
    unused: dict = field(default_factory=dict, repr=False, compare=False)

    @functools.cached_property
    def statements(self):
        """The statements of the formula as trees."""
        try:
            return Parser(self.tex).statements()
        except Refused as error:
            raise self.placed(error, getattr(error, "at", 0)) from None

    def placed(self, error, at, label=""):
        """The error again, with file and line in front."""
        place = f"{self.path}:{self.line + line(self.tex, at)}"
        return type(error)(": ".join(part for part in (place, label, str(error)) if part))

    def claims(self):
        """All claims as pairs: the statement's number, and the claim's in its chain."""
        return [
            (number, link)
            for number, each in enumerate(self.statements)
            for link in range(len(links(each)))
        ]

    def unchecked(self):
        """The claims that no call of `holds` has looked at."""
        return [claim for claim in self.claims() if claim not in self.checked]

    def idle(self):
        """The letters that were declared and that no claim has asked for."""
        return [letter for letter, idle in self.unused.items() if idle]

    def holds(
        self,
        letters,
        *,
        only=None,
        rtol=EXACT,
        near=None,
        reach=None,
        shrink=None,
        over=None,
        **sizes,
    ):
        r"""Raise `Wrong` unless every claim holds.

        Parameters
        ----------
        letters : dict
            What each letter stands for, see the grammar of the package.
        only : tuple of int, or list of such, optional
            The claims to look at: a statement ``(1,)`` or one link of its chain, ``(1, 0)``.
        rtol : float
            The relative distance that counts as rounding.
        near : float, optional
            How near ``\approx`` and ``\propto`` are meant, relative.
        reach : float, optional
            How near the smaller side of ``\le`` comes to the larger, as a fraction of it.
        shrink : str, optional
            The letter that goes to zero where ``O(.)`` or ``o(.)`` is claimed.
        over : list of dict, optional
            What differs between the cases over which ``\propto`` is claimed.
        **sizes
            The indices, and how many values each has.

        Raises
        ------
        Wrong
            If a claim does not hold; with file, line, label and values.
        Refused
            If the grammar or the declarations do not know what stands there.
        """
        wanted = [only] if isinstance(only, tuple) else only
        chosen = [
            claim
            for claim in self.claims()
            if wanted is None or any(claim[: len(each)] == each for each in wanted)
        ]
        if not chosen:
            raise Wrong(f"{self.path}:{self.line}: {self.label}: there is no claim {only}")
        how = dict(rtol=rtol, near=near, reach=reach, shrink=shrink, over=over)
        known = Letters(letters, sizes)
        for number, link in chosen:
            statement = self.statements[number]
            free = known.free(statement) if not isinstance(statement, Range) else []
            for at in itertools.product(*(range(1, known.extent(each) + 1) for each in free)):
                bound = dict(zip(free, at, strict=True))
                try:
                    links(statement)[link](known.with_bound(bound=bound), how)
                except (Refused, Wrong) as error:
                    where = ", ".join(f"{index}={value}" for index, value in bound.items())
                    error = type(error)(f"{error}, where {where}" if where else str(error))
                    raise self.placed(error, statement.at, self.label) from None
            self.checked.add((number, link))
        for letter in known.values:
            self.unused[letter] = self.unused.get(letter, True) and letter not in known.used


def links(statement):
    """The claims of a statement, as functions of the letters and of how they are meant."""
    if isinstance(statement, Range):
        return [functools.partial(index_range, statement)]
    if isinstance(statement.sides[0], Said) and not statement.relations:
        return [functools.partial(said, statement.sides[0])]
    found, sides, i = [], statement.sides, 0
    while i < len(statement.relations):
        relation = statement.relations[i]
        if relation == ":":
            if statement.relations[i + 1 : i + 2] != (r"\to",):
                raise Refused("a colon without an arrow")
            found.append(functools.partial(maps, *sides[i : i + 3]))
            i += 2
        else:
            found.append(functools.partial(CLAIMS[relation], sides[i], sides[i + 1]))
            i += 1
    return found


# ---------------------------------------------------------------------------------- claims


def distance(a, b):
    """How far two values are apart, and how large they are."""
    if isinstance(a, Shape) or isinstance(b, Shape):
        return float(a != b), 0.0
    if is_array(a) != is_array(b) and not (not is_array(b) and b == 0):
        raise Wrong(f"{show(a)} and {show(b)} are a number and an array")
    if is_array(a) and is_array(b) and a.shape != b.shape:
        raise Wrong(f"the shapes {a.shape} and {b.shape} differ")
    gap, scale = np.max(np.abs(a - b)), max(np.max(np.abs(a)), np.max(np.abs(b)))
    if not scale < math.inf:
        raise Wrong(f"{show(a)} and {show(b)} are not both finite")
    return gap, scale


def show(value):
    """A value in a message, short."""
    if is_array(value):
        return f"an array {value.shape}"
    if isinstance(value, (tuple, str, int)) or callable(value):
        return str(value)
    return f"{complex(value):.6g}" if isinstance(value, complex) else f"{float(value):.6g}"


def equal(left, right, letters, how):
    if any(rates(side) for side in (left, right)):
        return shrinks(left, right, letters, how)
    a, b = evaluate(left, letters), evaluate(right, letters)
    if callable(a) or callable(b):
        raise Wrong(f"{spell(left)} = {spell(right)} compares a function with a value")
    gap, scale = distance(a, b)
    if not gap <= how["rtol"] * scale + how["rtol"] * 1e-2:
        raise Wrong(f"{show(a)} = {show(b)} does not hold")


def approximate(left, right, letters, how):
    if how["near"] is None:
        raise Refused(r"\approx needs near=, how near is meant")
    a, b = evaluate(left, letters), evaluate(right, letters)
    gap, scale = distance(a, b)
    if not gap <= how["near"] * scale:
        raise Wrong(rf"{show(a)} \approx {show(b)} does not hold to {how['near']:g}")


def bounded(left, right, letters, how):
    if how["reach"] is None:
        raise Refused(r"\le needs reach=, how near the smaller comes to the larger")
    a, b = evaluate(left, letters), evaluate(right, letters)
    if not how["reach"] * b <= a <= b < math.inf:
        raise Wrong(rf"{show(a)} \le {show(b)} does not hold, or comes no nearer than stated")


def different(left, right, letters, how):
    gap, scale = distance(evaluate(left, letters), evaluate(right, letters))
    if gap <= how["rtol"] * scale:
        raise Wrong(f"{spell(left)} and {spell(right)} are equal")


def strictly(left, right, letters, how):
    a, b = evaluate(left, letters), evaluate(right, letters)
    if not a < b:
        raise Wrong(f"{show(a)} < {show(b)} does not hold")


def proportional(left, right, letters, how):
    if how["over"] is None or how["near"] is None:
        raise Refused(r"\propto needs over=, the cases, and near=")
    ratios = []
    for case in how["over"]:
        known = letters.with_bound(values={key(name): value for name, value in case.items()})
        ratios.append(float(evaluate(left, known)) / float(evaluate(right, known)))
    if not 0 < max(ratios) <= (1 + how["near"]) * min(ratios):
        found = f"{min(ratios):.3g} to {max(ratios):.3g}"
        raise Wrong(rf"{spell(left)} \propto {spell(right)}: the ratio goes from {found}")


def member(left, right, letters, how):
    r"""``a \in\mathbb{R}^{n\times m}``: the shape of an array."""
    shape = np.shape(evaluate(left, letters))
    if shape != dimensions(right, letters):
        raise Wrong(f"{spell(left)} has the shape {shape}, not {dimensions(right, letters)}")


def dimensions(space, letters):
    r"""The shape that ``\mathbb{R}^{n\times m}`` speaks of."""
    if not isinstance(space, Name) or space.head != r"\mathbb{R}" or space.sup is None:
        raise Refused(f"{spell(space)} is no space that is known")
    sizes = evaluate(space.sup, letters)
    return tuple(sizes) if isinstance(sizes, Shape) else (sizes,)


def maps(function, source, target, letters, how):
    r"""``f:\mathbb{R}^n\to\mathbb{R}^m``: f takes n numbers and returns m."""
    value = evaluate(function, letters)
    found = np.shape(value(np.zeros(dimensions(source, letters))))
    if found != dimensions(target, letters):
        raise Wrong(f"{spell(function)} returns the shape {found}")


def said(what, letters, how):
    if evaluate(what, letters) is not True:
        raise Wrong(f"{what.text.head} is not so")


def index_range(statement, letters, how):
    """k = 1, ..., K: the index has just these values."""
    first, last = evaluate(statement.first, letters), evaluate(statement.last, letters)
    found = letters.extent(spell(statement.index))
    if (first, last) != (1, found):
        raise Wrong(f"{spell(statement.index)} runs from 1 to {found}, not {first} to {last}")


CLAIMS = {
    "=": equal,
    r"\approx": approximate,
    r"\le": bounded,
    r"\ge": lambda left, right, *rest: bounded(right, left, *rest),
    r"\neq": different,
    "<": strictly,
    ">": lambda left, right, *rest: strictly(right, left, *rest),
    r"\propto": proportional,
    r"\in": member,
}


# ----------------------------------------------------------------------------------- rates


def rates(side):
    r"""The terms ``O(.)`` and ``o(.)`` of a side: their letters and arguments."""
    found = []
    terms = zip(side.terms, side.signs, strict=True) if isinstance(side, Sum) else [(side, "+")]
    for term, sign in terms:
        if (
            isinstance(term, Product)
            and len(term.items) == 2
            and isinstance(term.items[0], Name)
            and spell(term.items[0]) in ("O", "o")
            and isinstance(term.items[1], Group)
        ):
            if sign == "-":
                raise Wrong(f"a minus before {term.items[0].head}(.) says nothing")
            found.append((term.items[0].head, term.items[1], term))
    return found


def without(side, gone):
    """A side less its rates."""
    terms = side.terms if isinstance(side, Sum) else (side,)
    signs = side.signs if isinstance(side, Sum) else ("+",)
    kept = [(t, s) for t, s in zip(terms, signs, strict=True) if t not in gone]
    if not kept:
        return Number("0")
    return Sum(tuple(t for t, _ in kept), tuple(s for _, s in kept), at=side.at)


def shrinks(left, right, letters, how):
    """What the formula leaves over goes to zero at the rate that it states."""
    if how["shrink"] is None:
        raise Refused("O(.) needs shrink=, the letter that goes to zero")
    found = rates(left) + rates(right)
    if len(found) != 1:
        raise Refused("more than one rate in a claim")
    (kind, argument, term), name = found[0], key(how["shrink"])
    start, rest, scale = letters.look_up(name), [], []
    for halvings in range(3):
        moved = plain(start) / 2**halvings
        known = letters.with_bound(values={name: moved})
        a, b = (evaluate(without(side, (term,)), known) for side in (left, right))
        gap = add(a, b, -1)
        rest.append(np.linalg.norm(gap) if is_array(gap) else abs(gap))
        scale.append(abs(evaluate(argument, known)))
    if not (rest[2] > 0 and scale[2] > 0):
        raise Wrong("nothing is left over whose rate could be seen")
    slopes = [(math.log2(each[1] / each[2])) for each in (rest, scale)]
    if slopes[1] < 0.5:
        raise Wrong(f"{spell(argument)} does not go to zero")
    if kind == "O" and abs(slopes[0] - slopes[1]) > 0.2:
        raise Wrong(f"what is left shrinks with power {slopes[0]:.2f}, not {slopes[1]:.2f}")
    if kind == "o" and slopes[0] < slopes[1] + 0.5:
        raise Wrong(f"what is left shrinks with power {slopes[0]:.2f}, no faster than stated")
