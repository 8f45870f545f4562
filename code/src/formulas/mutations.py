r"""A formula with one thing made wrong, in every way we can think of: what a test has to notice.

The changes are made in the TeX, token by token, as a slip of the pen would make them.
"""

import itertools
import re

from formulas.grammar import ACCENTS, GREEK, RELATIONS
from formulas.tokens import tokens

OPENS = {"(", "[", "{", r"\lVert", r"\lvert", r"\lfloor", r"\langle"}
CLOSES = {")", "]", "}", r"\rVert", r"\rvert", r"\rfloor", r"\rangle"}
INSTEAD = {
    r"\tanh": r"\sinh", r"\cosh": r"\sinh", r"\sinh": r"\cosh", r"\max": r"\min", r"\min": r"\max",
    r"\le": r"\ge", r"\odot": "", r"\otimes": "", r"\cdot": "+", r"\sqrt": "", "/": r"\cdot ",
    r"\lVert": r"\lvert", r"\operatorname{diag}": r"\operatorname{vec}", r"\operatorname{Im}": "",
    r"\operatorname{vec}": "", r"\operatorname{artanh}": r"\tanh", r"\neq": "=",
}  # fmt: skip


def mutants(tex):
    r"""The formula, made wrong in one place.

    Signs turned, numbers one larger, letters taken for another of the formula, two indices
    exchanged, scripts, accents, primes, factors and terms left out, fractions turned over, sums
    without their sign or with one term less, arguments exchanged, functions and operations taken
    for another.

    Parameters
    ----------
    tex : str
        The formula as it should be.

    Returns
    -------
    list of (str, str)
        What was done, and the TeX that came of it; no TeX twice.

    Examples
    --------
    >>> for what, changed in mutants("a+b^2"):
    ...     print(f"{what:24} {changed}")
    + for -, - for +         a-b^2
    2 is 3                   a+b^3
    a is b                   b+b^2
    b is a                   a+a^2
    ^2 left out              a+b
    factor a left out        +b^2
    factor b^2 left out      a+
    term a left out          b^2
    term +b^2 left out       a
    """
    found = {}
    all_tokens = tokens(tex)
    for rule in (
        signs, numbers, letters, exchanged, scripts, marks, instead, fractions, sums, factors,
        terms, arguments, conditions,
    ):  # fmt: skip
        for what, changed in rule(tex, all_tokens):
            if changed != tex and changed not in found.values():
                place = sum(key.split(" #")[0] == what for key in found)
                found[f"{what} #{place + 1}" if place else what] = changed
    return list(found.items())


def put(tex, start, stop, text):
    """The formula with something else in one place; letters do not run into a command."""
    command = re.search(r"\\[a-zA-Z]+$", tex[:start])
    if command and (text or tex[stop:])[:1].isalpha():
        text = " " + text
    if re.search(r"\\[a-zA-Z]+$", text) and tex[stop : stop + 1].isalpha():
        text += " "
    return tex[:start] + text + tex[stop:]


def is_letter(token):
    return (token.kind == "char" and token.text.isalpha()) or (
        token.text in GREEK and token.text != r"\nabla"
    )


def closing(found, i):
    """The place of the bracket that closes the one at this place."""
    depth = 0
    for j in range(i, len(found)):
        depth += (found[j].text in OPENS) - (found[j].text in CLOSES)
        if depth == 0:
            return j
    return len(found) - 1


def behind(found, i):
    """The place behind one piece: a token, a command and its arguments, or a pair of brackets."""
    text = found[i].text
    if text in OPENS:
        return closing(found, i) + 1
    if text in ACCENTS or text == r"\sqrt":
        return behind(found, i + 1)
    if text in (r"\frac", r"\dfrac", r"\tfrac"):
        return behind(found, behind(found, i + 1))
    return i + 1


def with_scripts(found, i):
    """The place behind a piece and its scripts and primes."""
    i = behind(found, i)
    while found[i].text in ("^", "_", "'"):
        i = i + 1 if found[i].text == "'" else behind(found, i + 1)
    return i


def signs(tex, found):
    for i, token in enumerate(found):
        if token.text in ("+", "-") and found[i - 1].text not in ("^", "_"):
            other = "-" if token.text == "+" else "+"
            yield "+ for -, - for +", put(tex, token.start, token.stop, other)


def numbers(tex, found):
    for token in found:
        if token.kind == "number":
            whole, dot, rest = token.text.partition(".")
            other = str(int(whole) + 1) + dot + rest
            yield f"{token.text} is {other}", put(tex, token.start, token.stop, other)


def letters(tex, found):
    kinds = sorted({token.text for token in found if is_letter(token)})
    for token in found:
        if is_letter(token) and len(kinds) > 1:
            other = kinds[(kinds.index(token.text) + 1) % len(kinds)]
            yield f"{token.text} is {other}", put(tex, token.start, token.stop, other)


def exchanged(tex, found):
    """Neighbours in a subscript, and what stands on either side of a sign that does not commute."""
    for i, j in subscripts(found):
        at = [k for k in range(i, j) if is_letter(found[k])]
        for a, b in itertools.pairwise(at):
            if found[a].text == found[b].text:
                continue
            yield f"indices {found[a].text} and {found[b].text} exchanged", swap(tex, found, a, b)
    for i, token in enumerate(found):
        if token.text == r"\circ":
            yield "maps exchanged", swap(tex, found, i - 1, i + 1)


def swap(tex, found, a, b):
    one, two = found[a], found[b]
    changed = put(tex, two.start, two.stop, one.text)
    return put(changed, one.start, one.stop, two.text)


def subscripts(found):
    """From where to where subscripts in braces go."""
    for i, token in enumerate(found[:-1]):
        if token.text == "_" and found[i + 1].text == "{":
            yield i + 2, closing(found, i + 1)


def scripts(tex, found):
    for i, token in enumerate(found[:-1]):
        if token.text in ("^", "_"):
            stop = found[behind(found, i + 1) - 1].stop
            yield f"{tex[token.start : stop]} left out", put(tex, token.start, stop, "")


def marks(tex, found):
    for i, token in enumerate(found):
        if token.text == "'":
            yield "a prime left out", put(tex, token.start, token.stop, "")
        elif token.text in ACCENTS:
            yield f"{token.text} left out", put(tex, token.start, token.stop, "")
        elif token.text == r"\top":
            yield "transposed twice", put(tex, found[i - 1].start, token.stop, "")


def instead(tex, found):
    for i, token in enumerate(found):
        if token.text == r"\lVert":
            end = found[closing(found, i)]
            changed = tex[: end.start] + r"\rvert" + tex[end.stop :]
            yield "a norm is an absolute value", put(changed, token.start, token.stop, r"\lvert")
        elif token.text in (r"\lfloor", r"\lvert"):
            end = found[closing(found, i)]
            changed = tex[: end.start] + ")" + tex[end.stop :]
            yield f"{token.text} left out", put(changed, token.start, token.stop, "(")
        elif token.text in INSTEAD:
            other = INSTEAD[token.text]
            yield f"{token.text} is {other or 'left out'}", put(tex, token.start, token.stop, other)


def fractions(tex, found):
    for i, token in enumerate(found):
        if token.text in (r"\frac", r"\dfrac", r"\tfrac"):
            middle, end = behind(found, i + 1), behind(found, behind(found, i + 1))
            above = tex[found[i + 1].start : found[middle - 1].stop]
            below = tex[found[middle].start : found[end - 1].stop]
            braced = "".join(p if p[0] == "{" else "{" + p + "}" for p in (below, above))
            yield "a fraction turned over", put(tex, token.stop, found[end - 1].stop, braced)


def sums(tex, found):
    for i, token in enumerate(found):
        if token.text == r"\sum":
            end = with_scripts(found, i)
            yield "a sum without its sign", put(tex, token.start, found[end - 1].stop, "")
            if "^" in [each.text for each in found[i:end]]:
                last = found[end - 1].start if found[end - 1].text == "}" else found[end - 1].stop
                if found[end - 1].text == "}":
                    yield "a sum of one term less", put(tex, last, last, "-1")
                else:
                    one = found[end - 1]
                    less = "{" + one.text + "-1}"
                    yield "a sum of one term less", put(tex, one.start, one.stop, less)


def in_scripts(found):
    """The places inside sub- and superscripts."""
    inside = set()
    for i, token in enumerate(found[:-1]):
        if token.text in ("^", "_"):
            inside |= set(range(i, behind(found, i + 1)))
    return inside


def factors(tex, found):
    inside = in_scripts(found)
    for i, token in enumerate(found[:-1]):
        if i in inside or (i and found[i - 1].text in ACCENTS):
            continue
        if (
            is_letter(token)
            or token.kind in ("number", "word")
            or token.text in OPENS - {"{"}
            or token.text in ACCENTS
            or token.text in (r"\frac", r"\dfrac", r"\tfrac")
        ) and not token.text.startswith((r"\text", r"\operatorname")):
            stop = found[with_scripts(found, i) - 1].stop
            yield f"factor {tex[token.start : stop]} left out", put(tex, token.start, stop, "")


def ends_term(token):
    return (
        token.text in {"+", "-", ",", ";", r"\Longrightarrow"} | set(RELATIONS) | OPENS | CLOSES
        or token.kind in ("begin", "end", "amp", "newline", "stop")
        or (token.kind == "word" and token.text.startswith(r"\text"))
    )


def terms(tex, found):
    """What stands between two signs, or between a sign and the end of a side."""
    inside = in_scripts(found)
    for i, token in enumerate(found[:-1]):
        if i in inside or token.text not in ("+", "-") or found[i - 1].text in ("^", "_"):
            continue
        right = i + 1
        while not ends_term(found[right]) or found[right].text in OPENS:
            right = with_scripts(found, right)
        left, depth = i, 0
        while left and (depth or not ends_term(found[left - 1]) or found[left - 1].text in CLOSES):
            left -= 1
            depth += (found[left].text in CLOSES) - (found[left].text in OPENS)
        if left < i:
            start = found[left].start
            text = tex[start : found[i - 1].stop]
            after = token.stop if token.text == "+" else token.start
            yield f"term {short(text)} left out", put(tex, start, after, "")
        stop = found[right - 1].stop
        text = tex[token.start : stop]
        yield f"term {short(text)} left out", put(tex, token.start, stop, "")


def short(text):
    return " ".join(text.split()) if len(text) < 40 else " ".join(text.split())[:36] + " ..."


def arguments(tex, found):
    """Two arguments of a function, or of an inner product, exchanged."""
    for i, token in enumerate(found):
        if token.text in ("(", r"\langle"):
            end, at, pieces = closing(found, i), i + 1, []
            depth = 0
            for j in range(i + 1, end + 1):
                depth += (found[j].text in OPENS) - (found[j].text in CLOSES)
                if (found[j].text == "," and depth == 0) or j == end:
                    pieces.append((found[at].start, found[j - 1].stop))
                    at = j + 1
            for (a, b), (c, d) in itertools.pairwise(pieces):
                what = f"{short(tex[a:b])} and {short(tex[c:d])} exchanged"
                yield what, tex[:a] + tex[c:d] + tex[b:c] + tex[a:b] + tex[d:]


def conditions(tex, found):
    """A case that holds where it should not."""
    for i, token in enumerate(found):
        if token.text.startswith(r"\text{if"):
            relation = next(each for each in found[i:] if each.text in RELATIONS)
            other = {"=": r"\neq ", "<": ">", ">": "<"}.get(relation.text, "=")
            yield "the other case", put(tex, relation.start, relation.stop, other)


__all__ = ["mutants"]
