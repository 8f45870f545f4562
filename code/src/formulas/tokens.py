"""TeX cut into tokens by pylatexenc: commands, characters, numbers, and words in braces."""

from dataclasses import dataclass

from pylatexenc.latexwalker import LatexWalker, LatexWalkerEndOfStream, LatexWalkerParseError
from pylatexenc.macrospec import LatexContextDb

SPACE = {r"\,", r"\;", r"\:", r"\!", r"\ ", r"\quad", r"\qquad", "&"}
SIZES = {"left", "right"} | {
    size + side for size in ("big", "Big", "bigg", "Bigg") for side in ("", "l", "r")
}
WORDS = {"text", "operatorname", "mathrm", "mathbf", "mathcal", "mathbb"}


class Refused(ValueError):
    """The grammar does not know what stands here, or nobody has said what a letter means."""


class Wrong(AssertionError):
    """What the formula says does not hold."""


@dataclass(frozen=True)
class Token:
    """One token: its text as in TeX, and where it stands.

    `kind` is command, char, number, word (``\\text{...}`` and its kind, in one piece), begin, end
    or stop.
    """

    kind: str
    text: str
    start: int
    stop: int


def tokens(tex):
    """The tokens of a formula, without spaces and the sizes of brackets.

    Parameters
    ----------
    tex : str
        What stands between the dollar signs.

    Returns
    -------
    list of Token
        The last one is of the kind stop.

    Raises
    ------
    Refused
        If TeX itself could not read it: a brace that is not closed, say.

    Examples
    --------
    >>> [token.text for token in tokens(r"2.5\\,\\bigl(\\tilde x\\bigr)")[:-1]]
    ['2.5', '(', '\\\\tilde', 'x', ')']
    """
    walker, found, at = LatexWalker(tex, latex_context=LatexContextDb()), [], 0
    while True:
        try:
            token = walker.get_token(at)
        except LatexWalkerEndOfStream:
            return [*found, Token("stop", "the end of the formula", len(tex), len(tex))]
        except LatexWalkerParseError as error:
            raise Refused(f"TeX itself does not read this: {error}") from error
        at, start = token.pos + token.len, token.pos
        if token.tok == "macro" and token.arg in WORDS:
            at, word = argument(tex, at)
            found.append(Token("word", rf"\{token.arg}{{{word}}}", start, at))
        elif token.tok == "macro" and token.arg in SIZES:
            if tex[at : at + 1] == ".":
                at += 1
        elif token.tok == "macro":
            if "\\" + token.arg not in SPACE:
                kind = "newline" if token.arg == "\\" else "command"
                found.append(Token(kind, "\\" + token.arg, start, start + 1 + len(token.arg)))
        elif token.tok in ("begin_environment", "end_environment"):
            found.append(Token(token.tok.split("_")[0], token.arg, start, at))
        elif token.tok in ("char", "brace_open", "brace_close", "specials"):
            text = token.arg if isinstance(token.arg, str) else token.arg.specials_chars
            if text.isdigit():
                while at < len(tex) and (
                    tex[at].isdigit() or (tex[at] == "." and tex[at + 1 : at + 2].isdigit())
                ):
                    at += 1
                found.append(Token("number", tex[start:at], start, at))
            elif not text.isspace():
                found.append(Token("amp" if text == "&" else "char", text, start, at))
        elif token.tok != "comment":
            raise Refused(f"{token.arg} has no place in a formula")


def argument(tex, at):
    """The words of a command's argument at this place, and where they end: a token or braces."""
    while tex[at].isspace():
        at += 1
    if tex[at] != "{":
        return at + 1, tex[at]
    depth, end = 0, at
    while True:
        depth += {"{": 1, "}": -1}.get(tex[end], 0)
        end += 1
        if depth == 0:
            return end, tex[at + 1 : end - 1].strip()


def line(tex, at):
    """In which line of the formula a place is, from 0."""
    return tex.count("\n", 0, at)
