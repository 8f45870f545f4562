r"""The value of a tree: NumPy arrays, numbers and functions, given what the letters stand for.

A vector is an array with one axis and counts as a column. Whole numbers stay exact (`fractions`),
so that a letter may also stand for a number of any precision, mpmath's for example.
"""

import itertools
import math
import operator
from dataclasses import replace
from fractions import Fraction as Ratio

import numpy as np

from formulas.grammar import (
    FUNCTIONS,
    Big,
    Fence,
    Fraction,
    Group,
    Name,
    Number,
    Parser,
    Partial,
    Product,
    Root,
    Rows,
    Said,
    Statement,
    Sum,
    children,
    spell,
)  # fmt: skip
from formulas.tokens import Refused, Wrong


class Shape(tuple):
    r"""What ``(n \times m)`` stands for: the shape of a matrix."""


# ------------------------------------------------------------------------------- arithmetic


def tidy(value):
    """A column as an array with one axis, and an array with one entry as a number."""
    if isinstance(value, np.ndarray):
        if value.size == 1 and value.ndim <= 2:
            return value.item()
        if value.ndim == 2 and value.shape[1] == 1:
            return value[:, 0]
    return value


def plain(value):
    """A ratio as a float, beside arrays."""
    return float(value) if isinstance(value, Ratio) else value


def is_array(value):
    return isinstance(value, np.ndarray)


def add(a, b, sign=1):
    if isinstance(a, (Shape, tuple, list)) or isinstance(b, (Shape, tuple, list)):
        raise Wrong("a sum of what are no numbers")
    if is_array(a) and is_array(b) and a.shape != b.shape:
        raise Wrong(f"a sum of shapes {a.shape} and {b.shape}")
    if is_array(a) or is_array(b):
        a, b = plain(a), plain(b)
    return a + b if sign == 1 else a - b


def multiply(a, b):
    """Side by side: a number times anything, or the product of matrices; a vector is a column."""
    if isinstance(a, Shape) and isinstance(b, Shape):
        if a[1] != b[0]:
            raise Wrong(f"the shapes {a} and {b} do not fit")
        return Shape((a[0], b[1]))
    if not is_array(a) or not is_array(b):
        return plain(a) * plain(b) if is_array(a) or is_array(b) else a * b
    left = a[:, None] if a.ndim == 1 else a
    right = b[:, None] if b.ndim == 1 else b
    if left.ndim != 2 or right.ndim != 2 or left.shape[1] != right.shape[0]:
        raise Wrong(f"a product of shapes {a.shape} and {b.shape}")
    return tidy(left @ right)


def entrywise(a, b):
    if not (is_array(a) and is_array(b) and a.shape == b.shape):
        raise Wrong(f"an entrywise product of shapes {np.shape(a)} and {np.shape(b)}")
    return a * b


def kronecker(a, b):
    if not (is_array(a) and is_array(b)):
        raise Wrong("a Kronecker product of what are no arrays")
    return tidy(np.kron(*(each[:, None] if each.ndim == 1 else each for each in (a, b))))


def divide(a, b):
    if is_array(b) or callable(b):
        raise Wrong("division by what is no number")
    if isinstance(a, (int, Ratio)) and isinstance(b, (int, Ratio)):
        return Ratio(a) / Ratio(b)
    return plain(a) / plain(b) if is_array(a) else a / b


def power(base, exponent):
    if callable(base):  # \tanh^2 z
        return lambda *args: power(base(*args), exponent)
    if is_array(base) or is_array(exponent):
        raise Wrong("a power of an array")
    if isinstance(exponent, Ratio) and exponent.denominator == 1:
        exponent = int(exponent)
    if isinstance(exponent, Ratio):  # of any precision: mpmath's numbers know their own ratio
        exponent = type(base)(exponent.numerator) / exponent.denominator
    return base**exponent


def compose(outer, inner):
    if not (callable(outer) and callable(inner)):
        raise Wrong("a composition of what are no maps")
    return lambda *args: outer(inner(*args))


def transpose(a):
    if callable(a):
        return lambda *args: transpose(a(*args))
    if not is_array(a):
        raise Wrong("the transpose of a number")
    return tidy(a[None, :] if a.ndim == 1 else a.T)


def square_root(a):
    if is_array(a):
        raise Wrong("the root of an array")
    return math.sqrt(a) if isinstance(a, (int, Ratio)) else a**0.5


def size(a):
    return math.sqrt(np.sum(np.abs(a) ** 2)) if is_array(a) else abs(a)


def absolute(a):
    if is_array(a):
        raise Wrong("the absolute value of an array")
    return abs(a)


def inner(a, b):
    if np.shape(a) != np.shape(b):
        raise Wrong(f"an inner product of shapes {np.shape(a)} and {np.shape(b)}")
    return np.sum(a * b)


def diagonal(a):
    if not is_array(a) or a.ndim != 1:
        raise Wrong("the diagonal of what is no vector")
    return np.diag(a)


COMPARED = {
    "=": operator.eq, r"\neq": operator.ne, "<": operator.lt, ">": operator.gt,
    r"\le": operator.le, r"\ge": operator.ge,
}  # fmt: skip
FENCED = {"norm": size, "abs": absolute, "floor": lambda a: math.floor(a), "inner": inner}
OPERATORS = {
    r"\operatorname{diag}": diagonal,
    r"\operatorname{vec}": lambda a: a.reshape(-1, order="F"),
    r"\operatorname{Im}": lambda a: a.imag,
    r"\operatorname{Re}": lambda a: a.real,
    r"\max": max,
    r"\min": min,
}
BETWEEN = {r"\odot": entrywise, r"\otimes": kronecker, r"\circ": compose, "/": divide}
BETWEEN |= dict.fromkeys(("", r"\cdot"), multiply)


# ---------------------------------------------------------------------------------- letters


def key(text):
    r"""A declaration's key as the tree spells it: ``\tilde x`` and ``\tilde{x}`` are one letter."""
    if text.endswith("[]"):
        return key(text[:-2]) + "[]"
    if text.startswith(r"\partial"):
        above, below = text.split("/")
        return derivative(*Parser(rf"\frac{{{above}}}{{{below}}}").factor_parts())
    return spell(Parser(text).side())


def derivative(above, below, order):
    order = f"^{{{spell(order)}}}" if order else ""
    return rf"\partial{order}{spell(above)}/\partial {spell(below)}"


class Letters:
    """What the letters of a display stand for, and the ranges of its indices.

    Parameters
    ----------
    letters : dict
        From names as TeX writes them to numbers, arrays, lists of arrays, or functions.
    sizes : dict
        From indices to how many values each has.
    """

    def __init__(self, letters, sizes):
        self.values = {key(text): self.clean(value) for text, value in letters.items()}
        self.sizes, self.bound, self.used = sizes, {}, set()

    @staticmethod
    def clean(value):
        return value if callable(value) or isinstance(value, list) else tidy_in(value)

    def extent(self, name):
        """How many values an index has; None if it is no index."""
        return self.sizes.get(name.rstrip("'"))

    def with_bound(self, **kind):
        other = object.__new__(Letters)
        other.values = self.values | kind.get("values", {})
        other.sizes, other.bound = self.sizes, self.bound | kind.get("bound", {})
        other.used = self.used  # one record for all
        return other

    def look_up(self, text):
        """The value declared under a key, remembered as used."""
        self.used.add(text)
        return self.values[text]

    def is_index(self, node):
        return (
            isinstance(node, Name)
            and node.sub is None
            and node.sup is None
            and (spell(node) in self.bound or self.extent(spell(node)) is not None)
        )

    def free(self, node):
        """The indices that a node speaks of and no sum inside it binds, in order."""
        if self.is_index(node):
            return [] if spell(node) in self.bound else [spell(node)]
        found, bound = [], set()
        if isinstance(node, Big):
            bound = {spell(each) for each in leaves(node.under)}
        elif isinstance(node, Group) and node.bracket == "[" and node.sub is not None:
            inside = {name for item in node.items for name in self.free(item)}
            bound = inside & set(self.free(node.sub))  # it makes a matrix of entries
        for each in children(node):
            found += [name for name in self.free(each) if name not in {*found, *bound}]
        return found


def leaves(node):
    """The names that a sum runs over: one, or several with commas between them."""
    return node.items if isinstance(node, Group) else (node,)


def tidy_in(value):
    return np.asarray(value) if isinstance(value, (np.ndarray, tuple)) else value


# --------------------------------------------------------------------------------- the tree


def refuse(node, why):
    error = Refused(why)
    error.at = node.at
    raise error


def evaluate(node, letters):
    """The value of a node. `Refused` if a letter is not declared, `Wrong` if shapes do not fit."""
    match node:
        case Number(text):
            value = Ratio(text.rstrip("%")) / (100 if text.endswith("%") else 1)
            value = int(value) if value.denominator == 1 else float(value)
        case Name():
            return name(node, letters)
        case Group(bracket, items):
            if bracket == "[" and node.sub is not None and builds(node, letters):
                return matrix_of(node, letters)
            value = tuple(evaluate(item, letters) for item in items)
            value = value[0] if len(value) == 1 else value
        case Fence(kind, items):
            value = FENCED[kind](*(evaluate(item, letters) for item in items))
        case Fraction(above, below):
            value = divide(evaluate(above, letters), evaluate(below, letters))
        case Partial():
            return partial(node, letters)
        case Root(inside):
            value = square_root(evaluate(inside, letters))
        case Big():
            return big(node, letters)
        case Rows("cases", rows):
            value = chosen(node, rows, letters)
        case Rows(_, rows):
            value = blocks([[cell and evaluate(cell, letters) for cell in row] for row in rows])
        case Product():
            return product(node, letters)
        case Sum(terms, signs):
            value = None
            for term, sign in zip(terms, signs, strict=True):
                each, sign = evaluate(term, letters), 1 if sign == "+" else -1
                value = add(0 if value is None else value, each, sign)
            return value
        case Said(text, of):
            of = evaluate(of, letters)
            return call(name(text, letters), of if isinstance(of, tuple) else (of,), text)
        case _:
            refuse(node, f"{getattr(node, 'text', spell(node))} has no value")
    return scripted(value, node, letters)


def scripted(value, node, letters, sub=True):
    """A value with the scripts that were no part of a name: an index, a transpose, a power."""
    if sub and node.sub is not None:
        value = entry(value, indices(node.sub, letters), node)
    if node.sup is None:
        return value
    if isinstance(node.sup, Name) and node.sup.head == r"\top":
        return transpose(value)
    if isinstance(node.sup, Name) and node.sup.head in ("*", "+"):
        refuse(node, f"{spell(node)} is not declared")
    return power(value, evaluate(node.sup, letters))


def variants(node):
    """A name with all its scripts, and with fewer; and which scripts each leaves over."""
    base = spell_bare(node)
    sub = f"_{{{spell(node.sub)}}}" if node.sub else ""
    sup = f"^{{{spell(node.sup)}}}" if node.sup else ""
    seen = set()
    for text, left in (
        (base + sub + sup, (False, False)), (base + sub, (False, True)),
        (base + sup, (True, False)), (base, (True, True)),
    ):  # fmt: skip
        if text not in seen:
            seen.add(text)
            yield text, left


def spell_bare(node):
    """A name or a group without its scripts."""
    return spell(replace(node, sub=None, sup=None))


def name(node, letters, brackets=""):
    """The value of a name, found with as many of its scripts as were declared."""
    if letters.is_index(node):
        if spell(node) not in letters.bound:
            refuse(node, f"the index {spell(node)} has no value here")
        return letters.bound[spell(node)]
    for text, left in variants(node):
        if text + brackets in letters.values:
            value = letters.look_up(text + brackets)
            sub, sup = left
            if not sub and node.sub is not None and all(map(letters.is_index, parts(node.sub))):
                sub = True  # declared with its indices, to tell it from another with fewer
            break
    else:
        text = spell_bare(node)
        if text not in OPERATORS or brackets:
            refuse(node, f"{spell(node)}{brackets} is not declared")
        value, sub, sup = OPERATORS[text], True, True
    left = Name(node.head, sub=node.sub if sub else None, sup=node.sup if sup else None, at=node.at)
    return scripted(value, left, letters)


def partial(node, letters):
    """A derivative by its name; indices that are no part of a name are those of its array."""
    order = f"^{{{spell(node.order)}}}" if node.order else ""
    for above, (a, _) in variants(node.above):
        for below, (b, _) in variants(node.below):
            text = rf"\partial{order}{above}/\partial {below}"
            if text in letters.values:
                value = letters.look_up(text)
                for side, indexed in ((node.above, a), (node.below, b)):
                    if indexed and side.sub is not None:
                        value = entry(value, indices(side.sub, letters), node)
                return value
    refuse(node, f"{derivative(node.above, node.below, node.order)} is not declared")


def parts(sub):
    """A subscript's parts as they stand side by side."""
    if isinstance(sub, Product) and not any(sub.between):
        return sub.items
    return sub.items if isinstance(sub, Group) else (sub,)


def indices(sub, letters):
    """The values of the indices in a subscript, counted from 1."""
    found, rest = [], list(parts(sub))
    while rest:
        part = rest.pop(0)
        if isinstance(part, Product) and not any(part.between):
            rest[:0] = part.items
            continue
        if isinstance(part, Group) and len(part.items) > 1:  # (n, k): one axis, as vec stacks it
            found.append(stacked(part, letters))
            continue
        value = evaluate(part, letters)
        if callable(value):  # \pi(k)
            if not rest or not isinstance(rest[0], Group):
                refuse(part, f"{spell(part)} as an index")
            value = value(*(evaluate(item, letters) for item in rest.pop(0).items))
        if isinstance(value, (bool, float)) or not isinstance(value, (int, np.integer)):
            raise Wrong(f"{value} as an index")
        found.append(int(value))
    return found


def stacked(group, letters):
    """The place of several indices on one axis, the first running fastest."""
    place, step = 1, 1
    for item in group.items:
        if not letters.is_index(item):
            refuse(item, f"{spell(item)} is no index, so its place on an axis is not known")
        place += step * (evaluate(item, letters) - 1)
        step *= letters.extent(spell(item))
    return place


def entry(value, at, node):
    """The entry or the part of an array with these indices; of a function, that of its values."""
    if callable(value):
        return lambda *args: entry(value(*args), at, node)
    for index in at:
        if not isinstance(value, (np.ndarray, list)):
            raise Wrong(f"more indices than {spell_bare(node)} has axes")
        if not 1 <= index <= len(value):
            raise Wrong(f"index {index} of {spell_bare(node)} is not among 1, ..., {len(value)}")
        value = value[index - 1]
    return value.item() if isinstance(value, np.generic) else value


def call(function, args, node):
    if not callable(function):
        refuse(node, f"{spell(node)} is no function")
    return tidy(function(*args))


def product(node, letters):
    """Factors from left to right; a function is applied to the group behind it."""
    items, between = node.items, ("", *node.between)
    if r"\times" in between:  # a shape: the products between the signs
        cuts = [0, *(i for i, sign in enumerate(between) if sign == r"\times"), len(items)]
        runs = [(items[a:b], between[a + 1 : b]) for a, b in itertools.pairwise(cuts)]
        return Shape(evaluate(Product(*run), letters) for run in runs)
    value, i = factor(items, between, 0, letters)
    while i < len(items):
        how = BETWEEN[between[i]]
        each, i = factor(items, between, i, letters)
        value = how(value, each)
    return value


def factor(items, between, i, letters):
    """One factor with what it is applied to, and the place behind it."""
    item = items[i]
    group = items[i + 1] if i + 1 < len(items) and between[i + 1] == "" else None
    if isinstance(item, Name) and isinstance(group, Group) and group.bracket == "[":
        args = [evaluate(inside, letters) for inside in group.items]
        value = call(name(item, letters, "[]"), args, item)
        return scripted(value, group, letters), i + 2
    value, i = evaluate(item, letters), i + 1
    while callable(value) and i < len(items) and between[i] == "":
        group = items[i]
        if isinstance(group, Group) and group.bracket == "(":
            bare = Group(group.bracket, group.items, group.marks, at=group.at)
            args = evaluate(bare, letters)
            value = call(value, args if isinstance(args, tuple) else (args,), item)
            value, i = scripted(value, group, letters), i + 1
        elif isinstance(item, Name) and item.head == r"\nabla":  # of a function, not of its value
            value, i, item = value(evaluate(group, letters)), i + 1, group
        elif isinstance(item, Name) and item.head.startswith("\\") and operates(item):
            inside, i = factor(items, between, i, letters)
            value = call(value, (inside,), item)
        else:
            break
    return value, i


def operates(item):
    r"""Whether a function needs no brackets: \tanh z, but not \phi z."""
    return item.head in FUNCTIONS or item.head.startswith(r"\operatorname")


def big(node, letters):
    """A sum, a product, a largest or a smallest value over indices, or over letters."""
    names = [spell(each) for each in leaves(node.under)]
    if node.kind in (r"\min", r"\max") and any(letters.extent(each) is None for each in names):
        if node.kind not in letters.values:
            refuse(node, f"{node.kind} over {', '.join(names)} is not declared")

        def body(*values):
            moved = letters.with_bound(values=dict(zip(names, values, strict=True)))
            return evaluate(node.body, moved)

        return letters.look_up(node.kind)(body)
    ranges = []
    for each in names:
        if node.first is not None:
            first, last = evaluate(node.first, letters), evaluate(node.last, letters)
            ranges.append(range(whole(first), whole(last) + 1))
        elif letters.extent(each) is None:
            refuse(node, f"the index {each} of a sum has no range")
        else:
            ranges.append(range(1, letters.extent(each) + 1))
    values = [
        evaluate(node.body, letters.with_bound(bound=dict(zip(names, at, strict=True))))
        for at in itertools.product(*ranges)
    ]
    if not values:
        raise Wrong("a sum over nothing")
    if node.kind in (r"\min", r"\max"):
        return OPERATORS[node.kind](values)
    how, total = (add if node.kind == r"\sum" else multiply), values[0]
    for each in values[1:]:
        total = how(total, each)
    return total


def whole(value):
    if not isinstance(value, (int, np.integer)):
        raise Wrong(f"{value} as a bound")
    return int(value)


def chosen(node, rows, letters):
    """The value of the one case that holds."""
    found = []
    for value, condition in rows:
        if isinstance(condition, Statement):
            a, b = (evaluate(side, letters) for side in condition.sides)
            (relation,) = condition.relations
            if relation not in COMPARED:
                refuse(node, f"{relation} in a case")
            holds = COMPARED[relation](a, b)
        elif condition == "otherwise":
            holds = not found
        else:
            refuse(node, "a case without a condition")
        if holds:
            found.append(value)
    if len(found) != 1:
        raise Wrong(f"{len(found)} cases hold at once")
    return evaluate(found[0], letters)


def blocks(rows):
    """A matrix by its cells. None and 0 are blocks of zeros of the shape that fits."""
    if len({len(row) for row in rows}) != 1:
        raise Wrong("rows of different lengths")
    rows = [[0 if cell is None else cell for cell in row] for row in rows]
    shapes = [[(c.shape + (1,))[:2] if is_array(c) else None for c in row] for row in rows]
    if all(shape is None for row in shapes for shape in row):
        return np.array([[plain(cell) for cell in row] for row in rows])
    tall = [next((s[0] for s in row if s), 1) for row in shapes]
    wide = [next((s[1] for s in column if s), 1) for column in zip(*shapes, strict=True)]
    full = []
    for cells, height in zip(rows, tall, strict=True):
        row = []
        for cell, width in zip(cells, wide, strict=True):
            if is_array(cell):
                cell = cell.reshape(len(cell), -1)
            elif cell == 0 or (height, width) == (1, 1):
                cell = np.full((height, width), plain(cell))
            if np.shape(cell) != (height, width):
                raise Wrong(f"a block of shape {np.shape(cell)} in the place of {(height, width)}")
            row.append(cell)
        full.append(row)
    return tidy(np.block(full))


def builds(node, letters):
    """Whether the brackets make a matrix of entries, or take an entry of a matrix."""
    loose = letters.with_bound()
    loose.bound = {}
    return bool(set(loose.free(node.items[0])) & set(loose.free(node.sub)))


def matrix_of(node, letters):
    """``[a_{nk}]_{n;k}``: rows and columns by indices, the last of several running fastest."""
    if not isinstance(node.sub, Group) or node.sub.marks != (";",):
        refuse(node, "a matrix of entries needs rows and columns, with a semicolon between them")
    axes = [[spell(part) for part in parts(each)] for each in node.sub.items]
    names = [each for axis in axes for each in axis]
    shape = [math.prod(letters.extent(each) for each in axis) for axis in axes]
    ranges = [range(1, letters.extent(each) + 1) for each in names]
    values = [
        evaluate(node.items[0], letters.with_bound(bound=dict(zip(names, at, strict=True))))
        for at in itertools.product(*ranges)
    ]
    return tidy(np.array(values).reshape(shape))
