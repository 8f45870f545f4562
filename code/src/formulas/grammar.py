r"""The grammar of `formulas`: tokens in, a tree out. It knows no value and no meaning.

Read it from `Parser.statements` downwards; the rules stand in the docstring of the package.
"""

from dataclasses import dataclass, field, replace

from formulas.tokens import Refused, tokens

RELATIONS = {
    "<": "<",
    ">": ">",
    r"\lt": "<",
    r"\gt": ">",
    "=": "=", ":": ":", r"\approx": r"\approx", r"\le": r"\le", r"\leq": r"\le", r"\ge": r"\ge",
    r"\geq": r"\ge", r"\propto": r"\propto", r"\in": r"\in", r"\to": r"\to", r"\neq": r"\neq",
    r"\ne": r"\neq",
}  # fmt: skip
AND = {"and", "and so", "or", "with"}
DOTS = {r"\dots", r"\ldots", r"\cdots"}
ACCENTS = {
    r"\hat": r"\hat", r"\widehat": r"\hat", r"\tilde": r"\tilde", r"\widetilde": r"\tilde",
    r"\bar": r"\bar", r"\overline": r"\bar",
}  # fmt: skip
FENCES = {
    r"\lVert": (r"\rVert", "norm"), r"\lvert": (r"\rvert", "abs"), "|": ("|", "abs"),
    r"\lfloor": (r"\rfloor", "floor"), r"\langle": (r"\rangle", "inner"), r"\|": (r"\|", "norm"),
}  # fmt: skip
BRACKETS = {"(": ")", "[": "]", "{": "}"}
BETWEEN = {r"\cdot", r"\odot", r"\otimes", r"\circ", r"\times", "/"}
BIG = {r"\sum", r"\prod"}
GREEK = {
    "\\" + name
    for name in "alpha beta gamma delta epsilon varepsilon zeta eta theta vartheta iota kappa "
    "lambda mu nu xi pi rho sigma tau upsilon phi varphi chi psi omega Gamma Delta Theta Lambda "
    "Xi Pi Sigma Upsilon Phi Psi Omega ell nabla".split()
}
FUNCTIONS = {
    "\\" + name
    for name in "sin cos tan sinh cosh tanh coth exp log ln max min det arg Im Re dim".split()
}


@dataclass(frozen=True)
class Node:
    at: int = field(default=0, kw_only=True, compare=False)  # where in the TeX it stands
    sub: "Node | None" = field(default=None, kw_only=True)
    sup: "Node | None" = field(default=None, kw_only=True)


@dataclass(frozen=True)
class Number(Node):
    text: str


@dataclass(frozen=True)
class Name(Node):
    head: str  # with accent, font and differential: \tilde{x}, \mathcal{L}, \mathrm{d}W
    primes: int = 0


@dataclass(frozen=True)
class Group(Node):
    bracket: str
    items: tuple
    marks: tuple = ()  # what stands between them: , or ;
    primes: int = 0


@dataclass(frozen=True)
class Fence(Node):
    kind: str
    items: tuple


@dataclass(frozen=True)
class Fraction(Node):
    above: Node
    below: Node


@dataclass(frozen=True)
class Partial(Node):
    above: Node  # Name; its order is in `order`
    below: Node
    order: Node | None = None


@dataclass(frozen=True)
class Root(Node):
    inside: Node


@dataclass(frozen=True)
class Big(Node):
    kind: str
    under: Node
    first: Node | None
    last: Node | None
    body: Node


@dataclass(frozen=True)
class Dots(Node):
    """Cells that a reader fills in; they have no value."""

    text: str


@dataclass(frozen=True)
class Rows(Node):
    kind: str
    rows: tuple


@dataclass(frozen=True)
class Product(Node):
    items: tuple
    between: tuple  # one for each gap, "" for things side by side


@dataclass(frozen=True)
class Sum(Node):
    terms: tuple
    signs: tuple


@dataclass(frozen=True)
class Said(Node):
    """A text and what it says something of."""

    text: Name
    of: Node


@dataclass(frozen=True)
class Statement(Node):
    sides: tuple
    relations: tuple


@dataclass(frozen=True)
class Range(Node):
    index: Name
    first: Node
    last: Node


def children(node):
    """The nodes right below one."""
    for value in vars(node).values():
        for each in value if isinstance(value, tuple) else (value,):
            if isinstance(each, Node):
                yield each
            elif isinstance(each, tuple):  # the cells of a row
                yield from (cell for cell in each if isinstance(cell, Node))


def spell(node):
    """A tree as text, the same for everything that reads the same."""
    match node:
        case None:
            return ""
        case Number(text):
            base = text
        case Name(head, primes):
            base = head + "'" * primes
        case Group(bracket, items, marks, primes):
            inner = "".join(spell(i) + m for i, m in zip(items, (*marks, ""), strict=True))
            base = bracket + inner + BRACKETS[bracket] + "'" * primes
        case Product(items, between):
            gaps = (b or " " for b in (*between, ""))
            base = "".join(spell(i) + g for i, g in zip(items, gaps, strict=True)).strip()
        case Sum(terms, signs):
            base = "".join(s + spell(t) for s, t in zip(signs, terms, strict=True))
        case _:
            base = repr(node)
    return (
        base
        + (f"_{{{spell(node.sub)}}}" if node.sub else "")
        + (f"^{{{spell(node.sup)}}}" if node.sup else "")
    )


class Parser:
    """Recursive descent over the tokens of one formula."""

    def __init__(self, tex):
        self.tokens, self.i = tokens(tex), 0
        self.bars = []  # what closes the fences we are in

    # ------------------------------------------------------------------------- tokens

    @property
    def now(self):
        return self.tokens[self.i]

    def next(self):
        self.i += 1
        return self.tokens[self.i - 1]

    def take(self, *texts):
        """The next token if it is one of these."""
        if self.now.kind != "stop" and self.now.text in texts:
            return self.next()

    def need(self, text):
        if not self.take(text):
            self.refuse(f"{self.now.text} where {text} was expected")

    def refuse(self, why, token=None):
        error = Refused(why)
        error.at = (token or self.now).start
        raise error

    def skip(self):
        while self.now.kind in ("amp", "newline"):
            self.i += 1

    # --------------------------------------------------------------------- statements

    def statements(self):
        """All of the formula, as statements and ranges."""
        aligned = self.take_environment("begin")
        found, pending = [], []  # pending: sides that wait for the relation of a later one
        empty = True  # whether nothing has come since the last comma
        while self.now.kind != "stop":
            at = self.now.start
            if empty and self.now.text in (",", ";"):
                self.refuse("a comma and nothing before it")
            if sign := self.end_of_statement():
                empty = empty or sign in (",", ";")
                continue
            empty = False
            if self.take(*DOTS):  # k = 1, \dots, K
                self.need(",")
                found.append(self.range(found.pop() if found else None, self.side(), at))
                continue
            if self.now.text in RELATIONS and found:  # a line that goes on with the last chain
                last = found.pop()
                sides, relations = self.chain(list(last.sides), list(last.relations))
            else:
                sides, relations = self.chain([self.side()], [])
            if not relations and not isinstance(sides[0], Said):
                pending.append(sides[0])
                if self.now.text != ",":
                    self.refuse(f"{spell(sides[0])} claims nothing")
                continue
            for each in pending:
                found.append(Statement((each, *sides[1:]), tuple(relations), at=at))
            pending = []
            found.append(Statement(tuple(sides), tuple(relations), at=at))
        if aligned and not any(t.kind == "end" and t.text == "aligned" for t in self.tokens):
            self.refuse(r"\begin{aligned} is not closed", aligned)
        if pending:
            self.refuse(f"{spell(pending[0])} claims nothing")
        return tuple(found)

    def take_environment(self, kind):
        if self.now.kind == kind and self.now.text == "aligned":
            return self.next()

    def end_of_statement(self):
        """The sign that ends a statement, taken."""
        if self.now.kind in ("amp", "newline") or self.take_environment("end"):
            self.skip()
            return "a line end"
        if self.now.kind == "word" and self.now.text in {rf"\text{{{word}}}" for word in AND}:
            return self.next().text
        if self.now.text == "." and self.tokens[self.i + 1].kind not in ("stop", "end"):
            self.refuse("a full stop in the middle")
        sign = self.take(",", ";", ".", r"\Longrightarrow", r"\Rightarrow", r"\implies")
        return sign and sign.text

    def chain(self, sides, relations):
        self.skip_amp()
        while self.now.text in RELATIONS and self.now.kind in ("char", "command"):
            relations.append(RELATIONS[self.next().text])
            self.skip_amp()
            sides.append(self.side())
            self.skip_amp()
        return sides, relations

    def skip_amp(self):
        while self.now.kind == "amp":
            self.i += 1

    def range(self, start, last, at):
        if not isinstance(start, Statement) or start.relations != ("=",):
            self.refuse("dots without a beginning")
        return Range(start.sides[0], start.sides[1], last, at=at)

    # -------------------------------------------------------------------------- sides

    def side(self):
        """Terms with signs between them; or a text and what it speaks of."""
        at = self.now.start
        if self.is_text():
            text = self.name()
            return text if self.closes() else Said(text, self.side(), at=at)
        terms, signs = [], []
        while True:
            sign = self.take("+", "-")
            if sign is None and terms:
                break
            signs.append(sign.text if sign else "+")
            terms.append(self.term())
        if len(terms) == 1 and signs == ["+"]:
            return terms[0]
        return Sum(tuple(terms), tuple(signs), at=at)

    def is_text(self):
        return self.now.kind == "word" and self.now.text.startswith(r"\text{")

    def closes(self):
        """Whether a term cannot go on here."""
        return (
            self.now.kind in ("stop", "newline", "amp", "end")
            or self.now.text in RELATIONS
            or self.now.text in {",", ";", ".", "+", "-", ")", "]", "}"}
            or self.now.text in {r"\Longrightarrow", r"\Rightarrow", r"\implies"} | DOTS
            or self.now.text in {close for close, _ in FENCES.values() if close not in ("|", r"\|")}
            or self.now.text in self.bars[-1:]
            or self.is_text()
        )

    def term(self):
        at, items, between = self.now.start, [self.factor()], []
        while not self.closes():
            sign = self.take(*BETWEEN)
            between.append(sign.text if sign else "")
            items.append(self.factor())
        if not between:
            return items[0]
        for odd in (r"\odot", r"\otimes"):
            if odd in between and set(between) != {odd} and not self.only_calls(items, between):
                self.refuse(f"{odd} beside another product, without brackets")
        return Product(tuple(items), tuple(between), at=at)

    def only_calls(self, items, between):
        """Whether all that stands side by side can be read as functions of what follows them."""
        return all(
            b or isinstance(after, Group) for b, after in zip(between, items[1:], strict=True)
        )

    # ------------------------------------------------------------------------ factors

    def factor(self):
        token, at = self.now, self.now.start
        if token.kind == "number":
            return self.scripts(Number(self.next().text, at=at))
        if token.kind == "begin":
            return self.rows()
        if token.text in BRACKETS:
            return self.group()
        if token.text in FENCES:
            return self.fence()
        if self.take(r"\frac", r"\dfrac", r"\tfrac"):
            return self.fraction(at)
        if self.take(r"\sqrt"):
            return self.scripts(Root(self.argument(), at=at))
        if token.text in BIG:
            return self.big()
        if token.text in (r"\max", r"\min") and self.tokens[self.i + 1].text == "_":
            return self.big()
        return self.name()

    def argument(self):
        """What a command takes: a side in braces, or one token."""
        if self.take("{"):
            inside = self.side()
            self.need("}")
            return inside
        return self.one()

    def one(self):
        """One token: a digit, or a letter without scripts."""
        token = self.now
        if token.kind == "number":
            if len(token.text) > 1:  # \frac12 takes one digit and leaves the other
                first, rest = token.text[0], token.text[1:]
                self.tokens[self.i] = replace(token, text=rest, start=token.start + 1)
                return Number(first, at=token.start)
            return Number(self.next().text, at=token.start)
        return self.head()

    def fraction(self, at):
        above = self.partial() or self.argument()
        if isinstance(above, tuple):
            below = self.partial()
            if not isinstance(below, tuple):
                self.refuse(r"\partial above the line and none below it")
            if above[2] is not None:
                self.refuse("the derivative of a power")
            if spell(above[1]) != spell(below[2]):
                self.refuse("a derivative of one order by another")
            return self.scripts(Partial(above[0], below[0], above[1], at=at))
        return self.scripts(Fraction(above, self.argument(), at=at))

    def factor_parts(self):
        """The name above, the name below and the order of the derivative that the tokens are."""
        self.next()
        node = self.fraction(0)
        return node.above, node.below, node.order

    def partial(self):
        r"""``{\partial^m f_i}``: the name, its order, and the order below the line."""
        if not (self.now.text == "{" and self.tokens[self.i + 1].text == r"\partial"):
            return None
        self.i += 2
        order = self.script() if self.take("^") else None
        name = self.group() if self.now.text == "(" else self.name()
        self.need("}")
        if name.sup is None or spell(name.sup) in ("*", "+"):
            return name, order, None
        return replace(name, sup=None), order, name.sup

    def fence(self):
        token = self.next()
        close, kind = FENCES[token.text]
        self.bars.append(close)
        items = [self.side()]
        while self.take(","):
            items.append(self.side())
        self.bars.pop()
        self.need(close)
        return self.scripts(Fence(kind, tuple(items), at=token.start))

    def group(self):
        token = self.next()
        self.bars.append("")
        items, marks = [self.side()], []
        while mark := self.take(",", ";"):
            marks.append(mark.text)
            items.append(self.side())
        self.bars.pop()
        self.need(BRACKETS[token.text])
        bare = items[0].sub is None and items[0].sup is None
        if token.text == "{" and len(items) == 1 and isinstance(items[0], Group | Fence) and bare:
            return self.scripts(items[0])  # braces around brackets only carry the scripts
        node = Group(token.text, tuple(items), tuple(marks), at=token.start)
        return self.scripts(node)

    def big(self):
        kind, at = self.next().text, self.now.start
        self.need("_")
        under, first, last = self.script(), None, None
        if isinstance(under, Statement):
            if under.relations != ("=",):
                self.refuse("a bound that is no equation")
            under, first = under.sides
        if self.take("^"):
            last = self.script()
        if (first is None) != (last is None):
            self.refuse(f"{kind} with one bound")
        body = self.term() if kind in BIG else self.side()
        return Big(kind, under, first, last, body, at=at)

    def rows(self):
        token, rows = self.next(), []
        if token.text not in ("cases", "pmatrix", "bmatrix"):
            self.refuse(rf"\begin{{{token.text}}} is not in the grammar", token)
        while self.now.kind != "end":
            row = [self.cell(token.text)]
            while self.now.kind == "amp":
                self.i += 1
                row.append(self.cell(token.text))
            rows.append(tuple(row))
            if self.now.kind == "newline":
                self.i += 1
            elif self.now.kind != "end":
                self.refuse(f"{self.now.text} where a row should end")
        if self.next().text != token.text:
            self.refuse(rf"\begin{{{token.text}}} is not closed", token)
        return self.scripts(Rows(token.text, tuple(rows), at=token.start))

    def cell(self, kind):
        """A side, a condition (in cases), or None for an empty cell."""
        if self.now.kind in ("amp", "newline", "end"):
            return None
        if kind == "cases" and self.is_text():
            word = self.next().text[6:-1].strip(" .")
            if word == "otherwise":
                return "otherwise"
            if word != "if":
                self.refuse(f"{word!r} in a case", self.tokens[self.i - 1])
            sides, relations = self.chain([self.side()], [])
            self.take(",", ".")
            return Statement(tuple(sides), tuple(relations))
        if self.now.text in DOTS | {r"\vdots", r"\ddots"}:
            return Dots(self.next().text)
        side = self.side()
        self.take(",")
        return side

    # -------------------------------------------------------------------------- names

    def head(self):
        """A letter with its accents, font or differential, without scripts."""
        token = self.next()
        if token.kind == "command" and token.text in ACCENTS:
            inside = self.argument()
            if not isinstance(inside, Name):
                self.refuse(f"{token.text} over more than a letter", token)
            return replace(inside, head=f"{ACCENTS[token.text]}{{{inside.head}}}", at=token.start)
        if token.kind == "word" and token.text == r"\mathrm{d}":
            inside = self.head()
            return replace(inside, head=token.text + inside.head, at=token.start)
        if token.kind == "word":
            return Name(" ".join(token.text.split()), at=token.start)
        if token.text in GREEK | FUNCTIONS:
            return Name(token.text, at=token.start)
        if token.kind == "char" and token.text.isalpha() and token.text.isascii():
            return Name(token.text, at=token.start)
        self.refuse(f"{token.text} is not in the grammar", token)

    def name(self):
        return self.scripts(self.head())

    def scripts(self, node):
        """Primes, a subscript and a superscript, in any order."""
        primes, sub, sup = 0, node.sub, node.sup
        while True:
            if self.now.text == "'":
                self.i += 1
                primes += 1
            elif self.now.text == "_" and sub is None:
                self.i += 1
                sub = self.script()
            elif self.now.text == "^" and sup is None:
                self.i += 1
                sup = self.script()
            elif self.now.text == r"\%":  # a hundredth
                self.i += 1
                node = replace(node, text=node.text + "%")
            else:
                break
        if primes:
            node = replace(node, primes=primes)
        return replace(node, sub=sub, sup=sup)

    def script(self):
        r"""A script: ``*``, ``+``, ``\top``, a token, or in braces sides or an equation."""
        at = self.now.start
        if sign := self.take("*", "+", r"\top"):
            return Name(sign.text, at=at)
        if not self.take("{"):
            return self.one()
        if self.now.text in ("*", "+", r"\top") and self.tokens[self.i + 1].text == "}":
            sign = self.next()
            self.need("}")
            return Name(sign.text, at=at)
        sides, relations = self.chain([self.side()], [])
        if relations:
            self.need("}")
            return Statement(tuple(sides), tuple(relations), at=at)
        marks = []
        while mark := self.take(",", ";"):
            marks.append(mark.text)
            sides.append(self.side())
        self.need("}")
        if marks:
            return Group("(", tuple(sides), tuple(marks), at=at)
        return sides[0]
