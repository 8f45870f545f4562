"""A formula as every browser draws it, every speech engine reads it, and every program takes it.

math-core writes MathML as Chromium likes it. Each function below mends one thing that WebKit or
Firefox draws otherwise, or that is read aloud as something else, and says which. The result carries
its TeX, its namespace, and asks no translator to touch it.
"""

import html
import re
import xml.etree.ElementTree as ElementTree

from math_core import LatexToMathML

NAMESPACE = "http://www.w3.org/1998/Math/MathML"
LENGTH = re.compile(r"\\\\\s*\[")  # a row's end with the space below it, which is not understood
TOKENS = re.compile(
    r"\\begin\b|\\end\b|\\left\b|\\right\b|\\[a-zA-Z]+|\\.|[{}]|[^\\{}]+", re.DOTALL
)
ALONE = re.compile(r"\s*(\\text\{[^{}]*\}|\\Longrightarrow|\\implies|\\iff)\s*")
SCRIPTS = {"msub", "msup", "msubsup", "munder", "mover", "munderover"}
ROWS = {"math", "mrow", "mtd", "msqrt"}  # in which one thing may be put beside another
PRIMES = "′″‴"
FUNCTIONS = set("fgℓQℒJFηπϕOo")  # what stands for a function wherever a parenthesis follows
APPLY = "\N{FUNCTION APPLICATION}"
# As they are drawn: upright, speech engines apply them to whatever follows, `G_k z_k` is "G of z",
ITALIC = dict(zip("FGHJfgh", "𝐹𝐺𝐻𝐽𝑓𝑔ℎ", strict=True)) | {"Δ": "𝛥"}  # and this one is a "triangle".
ACCENTS = {
    "\N{MODIFIER LETTER CIRCUMFLEX ACCENT}": "^",  # no speech engine knows it; this one is a hat
    # WebKit draws this one wider than the room it has, over what is beside it,
    "\N{COMBINING LOW LINE}": "\N{OVERLINE}",
    # and this one, in the size of a text, into the top of a small letter.
    "\N{MACRON}": "\N{OVERLINE}",
}
ROOM = "0.1667em"  # beside a large operator, if nothing else is said
to_mathml = LatexToMathML(fancy_error=False)


def convert(tex, display):
    """The MathML of a formula, one element for each part that stands on a line of its own if need
    be: a display is cut at `\\qquad`."""
    if LENGTH.search(tex):
        raise ValueError(r"the length after \\ would be printed")
    return [element(part, display) for part in (parts(tex) if display else [tex])]


def element(tex, display):
    drawn = to_mathml.convert_with_local_state(tex, displaystyle=display)
    root = ElementTree.fromstring(drawn.replace("&ApplyFunction;", APPLY))
    for mend in MENDS:
        mend(root)
    semantics = ElementTree.Element("semantics")
    semantics.append(root[0] if len(root) == 1 else row_of(root))
    semantics.append(token("annotation", tex.strip(), encoding="application/x-tex"))
    root[:] = [semantics]
    root.attrib = {**root.attrib, "xmlns": NAMESPACE, "translate": "no"}
    return ElementTree.tostring(root, encoding="unicode").replace(" />", "/>")


def row_of(nodes):
    row = ElementTree.Element("mrow")
    row.extend(nodes)
    return row


def token(tag, text, **attributes):
    made = ElementTree.Element(tag, attributes)
    made.text = text
    return made


def parts(tex):
    """A display cut at each `\\qquad` that stands in no braces; a word between two goes with what
    follows it."""
    depth, found = 0, [""]
    for token in TOKENS.findall(tex):
        depth += (token in ("{", r"\begin", r"\left")) - (token in ("}", r"\end", r"\right"))
        if token == r"\qquad" and depth == 0:
            found.append("")
        else:
            found[-1] += token
    joined = []
    for part in found:
        if joined and ALONE.fullmatch(joined[-1]):
            joined[-1] += r"\qquad" + part
        else:
            joined.append(part)
    return joined


def shown(mathml):
    """The characters that a formula shows."""
    mathml = re.sub(r"<annotation.*?</annotation>", "", mathml, flags=re.DOTALL)
    return html.unescape(re.sub(r"<[^>]*>", "", mathml))


def rows(root):
    return [node for node in root.iter() if node.tag in ROWS]


# -------------------------------------------------------------------------------- what is mended


def plain_letters(root):
    """A variation selector after a script letter is read aloud, and the font draws none."""
    for item in root.iter("mi"):
        item.text = (item.text or "").replace("\N{VARIATION SELECTOR-1}", "")


def accents_that_stretch(root):
    """WebKit lets an accent that may not stretch float half an em above its letter."""
    for over in root.iter("mover"):
        if over.get("accent") == "true" and over[1].tag == "mo":
            over[1].text = ACCENTS.get(over[1].text, over[1].text)
            over[1].set("stretchy", "true")


def marks_beside(root):
    """Primes and the star of an optimum stand beside their letter, as the signs are drawn: raised
    once more they are specks, and a star that is a script is read as a power."""
    marks = PRIMES + "∗"
    for script in list(root.iter()):
        if script.tag not in ("msup", "msubsup"):
            continue
        *base, mark = script
        if mark.tag != "mo" or len(mark.text or "") != 1 or mark.text not in marks:
            continue
        mark.text = mark.text.replace("∗", "*")
        mark.attrib = {"lspace": "0", "rspace": "0", "class": "mark"}
        both = row_of([base[0], mark])
        if script.tag == "msup":
            script.tag, script[:] = "mrow", list(both)
        else:
            script.tag, script[:] = "msub", [both, base[1]]


def functions_apply(root):
    """`f(x)` is no product: a function before a parenthesis is applied to what is in it."""
    for row in rows(root):
        for here, after in reversed(list(zip(row, row[1:], strict=False))):
            if after.tag == "mo" and after.text == "(" and is_function(here):
                place = list(row).index(after)
                row.insert(place, token("mo", APPLY))


def is_function(node):
    """Whether it ends with the letter of a function, which may have an index, a prime or a star."""
    while len(node):
        if node[-1].get("class") == "mark":
            return True
        node = node[0] if node.tag in ("msub", "mover") else node[-1]
    return node.tag == "mi" and node.text in FUNCTIONS


def letters_that_are_no_functions(root):
    """A product is read as one."""
    for item in root.iter("mi"):
        if item.text in ITALIC:
            item.text = ITALIC[item.text]
            item.attrib.pop("mathvariant", None)


def three_dots_are_one_sign(root):
    """Three full stops in a row are read as three."""
    for row in rows(root):
        for first, *more in reversed(list(zip(row, row[1:], row[2:], strict=False))):
            if all(dot.tag == "mo" and dot.text == "." for dot in (first, *more)):
                first.text, first.attrib = "…", {}
                for dot in more:
                    row.remove(dot)


def nothing_where_nothing_closes(root):
    """The invisible right end of cases is read as a comma."""
    for row in rows(root):
        if len(row) and row[-1].tag == "mo" and row[-1].text == "\N{INVISIBLE SEPARATOR}":
            row.remove(row[-1])


def transposed(root):
    """The sign of a transpose is read as "down tack"; a T that stands upright is a T."""
    for script in root.iter():
        if script.tag in ("msup", "msubsup") and script[-1].text == "⊤":
            script[-1].tag, script[-1].text, script[-1].attrib = "mtext", "T", {}


def orders_of_derivatives(root):
    """A number in parentheses above a function is no power, though it is read as one."""
    for script in root.iter("msup"):
        row = list(script[1])
        if [item.text for item in row[::2]] == ["(", ")"] and len(row) == 3 and row[1].tag == "mn":
            row[1].tag = "mtext"


def script_operators_without_air(root):
    """WebKit leaves the air of an operator in scripts as well: `A^+` is then read as a sum."""
    for script in root.iter():
        if script.tag in SCRIPTS and script.get("accent") is None:
            for item in script[1:]:
                if item.tag == "mo":
                    item.set("lspace", "0")
                    item.set("rspace", "0")


def air_around_large_operators(root):
    """WebKit puts an operator's air inside its limits, where it does not part it from what follows:
    the air stands around them."""
    for row in rows(root):
        for node in list(row):
            core = node[0] if node.tag in SCRIPTS and len(node) else node
            if core.tag == "mo" and core.text == "∑":
                place = list(row).index(node)
                before, after = (core.get(side, ROOM) for side in ("lspace", "rspace"))
                core.set("lspace", "0")
                core.set("rspace", "0")
                if after != "0":
                    row.insert(place + 1, ElementTree.Element("mspace", width=after))
                if before != "0" and place:
                    row.insert(place, ElementTree.Element("mspace", width=before))


def small_operators_stay_small(root):
    """Firefox draws a Kronecker product as large as a sum."""
    for operator in root.iter("mo"):
        if operator.text in ("⊗", "⊙"):
            operator.set("largeop", "false")


def bars_grow_by_themselves(root):
    """Bars of a given size are short in WebKit; those that stretch grow with what is between."""
    for row in rows(root):
        opened = []
        for node in list(row):
            close = node[0] if node.tag in SCRIPTS and len(node) else node
            if close.tag != "mo" or close.text not in "|‖" or not close.text:
                continue
            if close.get("form") == "prefix":
                opened.append(node)
            elif close.get("form") == "postfix" and opened:
                bars_of(row, opened.pop(), node, close)


def bars_of(row, left, right, close):
    """Put what is between two bars into a row of its own with them."""
    children = list(row)
    start, end = children.index(left), children.index(right)
    for bar in (left, close):
        if bar.attrib.pop("minsize", None):
            bar.attrib.pop("maxsize", None)
            bar.set("stretchy", "true")
    inside = children[start:end]
    if close.text == "‖" and close.get("stretchy") == "false":
        # What stands between two double bars is read as "the metric of", and a norm is none. Each
        # in a row without the other, they are double bars.
        group = row_of([row_of(inside), right])
    elif right is close:
        group = row_of([*inside, close])
    else:
        right[0] = row_of([*inside, close])
        group = right
    row[start : end + 1] = [group]


def fractions_in_lines(root):
    """WebKit draws a fraction in a line of text as large as in a display."""

    def visit(node, display, script):
        for place, child in enumerate(node):
            here = child.get("displaystyle", "true" if display else "false") == "true"
            inner = script or (node.tag in SCRIPTS and place > 0)
            if child.tag == "mfrac":
                if not here and not inner:
                    for part in child:
                        part.set("style", "font-size:.7em")
                visit(child, False, inner)
            else:
                visit(child, here and not (node.tag in SCRIPTS and place > 0), inner)

    visit(root, root.get("display") == "block", False)


MENDS = [
    plain_letters,
    accents_that_stretch,
    marks_beside,
    functions_apply,
    letters_that_are_no_functions,
    three_dots_are_one_sign,
    nothing_where_nothing_closes,
    transposed,
    orders_of_derivatives,
    script_operators_without_air,
    air_around_large_operators,
    small_operators_stay_small,
    bars_grow_by_themselves,
    fractions_in_lines,
]
