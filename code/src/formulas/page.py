"""The displays of a Markdown page, found by the parser that also makes the page: MyST's."""

import re
from pathlib import Path

from markdown_it.renderer import RendererHTML
from myst_parser.config.main import MdParserConfig
from myst_parser.parsers.mdit import create_md_parser

from formulas.claims import Display

EXTENSIONS = {"dollarmath", "colon_fence", "deflist", "attrs_inline", "attrs_block"}
VERBATIM = ("code", "literalinclude", "raw", "mermaid")  # directives whose content is no Markdown


def displays(path, text=None):
    """The displayed formulas of a page, those inside boxes and folds as well.

    Parameters
    ----------
    path : Path or str
        The page, and what a message calls it.
    text : str, optional
        Its text; read from the file if it is not given.

    Returns
    -------
    list of Display
        In the order of the page. The label of one that has none is "".

    Examples
    --------
    >>> page = "Two.\\n\\n$$\\na = b\\n$$ (eq-ab)\\n\\n:::{note}\\n$$\\nb = c\\n$$ (eq-bc)\\n:::\\n"
    >>> [(shown.label, shown.line, shown.tex) for shown in displays("page.md", page)]
    [('eq-ab', 4, 'a = b'), ('eq-bc', 9, 'b = c')]
    """
    text = Path(path).read_text(encoding="utf-8") if text is None else text
    parser = create_md_parser(MdParserConfig(enable_extensions=EXTENSIONS), RendererHTML)
    return list(found(parser, text, 1, path))


def found(parser, text, first, path):
    """The displays of a piece of a page whose first line has this number."""
    for token in parser.parse(text):
        if token.type in ("math_block", "math_block_label", "amsmath"):
            yield display(token.content, token.info, first + token.map[0], path)
        elif token.type in ("fence", "colon_fence"):
            name = re.match(r"\{([\w:.-]+)\}", token.info.strip())
            if name and name[1] == "math":
                options = re.match(r"(?:\s*:\w+:.*\n)*", token.content)[0]
                label = re.search(r":label:\s*(\S+)", options)
                line = first + token.map[0] + 1 + options.count("\n")
                tex = token.content[len(options) :]
                yield Display(tex.rstrip(), label[1] if label else "", path, line)
            elif name and not name[1].startswith(VERBATIM):
                yield from found(parser, token.content, first + token.map[0] + 1, path)


def display(content, label, line, path):
    """One display, without the line ends beside the dollar signs."""
    body = content.lstrip("\n")
    return Display(body.rstrip(), label or "", path, line + len(content) - len(body))
