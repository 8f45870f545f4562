"""Mathematics is in the page when it arrives: TeX becomes MathML as a page is read.

Browsers draw MathML themselves, screen readers speak it, and no script is involved. The one thing a
page needs is a mathematical font; it is cut down to the characters that the book's formulas use and
stands in a stylesheet, so that a page in somebody else's frame, which may load no font, has it.
A formula that is not TeX is a warning with its chapter and line, and so an error of the build.
"""

import base64
import hashlib
import html
import io
import logging
import re
import unicodedata
from pathlib import Path

import ziamath
from docutils import nodes
from fontTools import subset
from math_core import LatexError
from sphinx.transforms import SphinxTransform
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util import logging as sphinx_logging
from sphinx.util.math import get_node_equation_number

from bookbuild.ext import mathml
from bookbuild.paths import BUILD

logger = sphinx_logging.getLogger(__name__)
logging.getLogger("fontTools").setLevel(logging.WARNING)  # it tells every table that it cuts

FONT = Path(ziamath.__file__).parent / "fonts" / "STIXTwoMath-Regular.ttf"


def is_formula(node):
    return isinstance(node, nodes.math | nodes.math_block)


class FormulasToMathML(SphinxTransform):
    default_priority = 850  # once substitutions and references have brought all formulas

    def apply(self, **kwargs):
        for node in self.document.findall(is_formula):
            node["mathml"] = convert(node)


def convert(node):
    tex, display = node.astext(), isinstance(node, nodes.math_block)
    try:
        return "".join(mathml.convert(tex, display))
    except (LatexError, ValueError) as error:
        logger.warning("TeX error: %s in: %s", error, tex.strip(), location=node)
        return f"<code>{html.escape(tex)}</code>"


class KeepPunctuation(SphinxPostTransform):
    """A comma or a full stop after a formula stays on the formula's line."""

    default_priority = 900
    formats = ("html",)

    def run(self, **kwargs):
        for formula in list(self.document.findall(nodes.math)):
            after = formula.next_node(descend=False, siblings=True)
            if isinstance(after, nodes.Text) and (mark := re.match(r"[.,;:!?)]+", after)):
                formula["then"] = mark[0]
                # By its place: two texts that read alike are equal.
                parent = after.parent
                at = next(n for n, child in enumerate(parent) if child is after)
                parent[at] = nodes.Text(after[mark.end() :])


def visit_inline(self, node):
    self.body.append(f'<span class="math">{node["mathml"]}{node.get("then", "")}</span>')
    raise nodes.SkipNode


def visit_display(self, node):
    # Its id is the wrapper's that the theme puts around it; a book on a shelf has no such theme.
    anchor = f' id="{node["ids"][0]}"' if self.builder.name == "epub" and node["ids"] else ""
    self.body.append(f'<div class="math"{anchor}>')
    # A formula wider than the page scrolls inside its own box.
    self.body.append(f'<div class="formula">{node["mathml"]}</div>')
    if node["number"]:
        self.body.append(f'<span class="eqno">({get_node_equation_number(self, node)})')
        self.add_permalink_ref(node, "Link to this equation")
        self.body.append("</span>")
    self.body.append("</div>\n")
    raise nodes.SkipNode


# ---------------------------------------------------------------------------------------- the font


LETTER = re.compile(r"<mi(?![^>]*mathvariant)[^>]*>(.)</mi>")  # one alone, drawn as an italic


def note_characters(app, doctree):
    """Remember every character that the page's formulas show; single letters as italics alone."""
    used = set()
    for node in doctree.findall(is_formula):
        formula = node["mathml"]
        used.update(mathml.shown(LETTER.sub("", formula)))
        used.update(map(italic, LETTER.findall(formula)))
        if "<msqrt" in formula or "<mroot" in formula:
            used.add("√")  # it stands nowhere in the text
    characters(app.env)[app.env.docname] = {c for c in used if not c.isspace()}


def characters(env):
    if not hasattr(env, "book_characters"):
        env.book_characters = {}
    return env.book_characters


def forget_characters(app, env, docname):
    characters(env).pop(docname, None)


def italic(letter):
    """The mathematical italic of a letter: a browser draws a one-letter <mi> with it."""
    kind = "SMALL" if letter.islower() else "CAPITAL"
    name = unicodedata.name(letter, "")
    if name.startswith(("LATIN", "GREEK")):
        base = name.replace("LATIN", "").replace("GREEK", "").replace(f"{kind} LETTER", "").strip()
        for candidate in (
            f"MATHEMATICAL ITALIC {kind} {base}",
            f"MATHEMATICAL ITALIC {base} SYMBOL",
        ):
            try:
                return unicodedata.lookup(candidate)
            except KeyError:
                continue
    return {"h": "ℎ", "ϕ": "𝜙", "ϵ": "𝜖", "∂": "𝜕"}.get(letter, letter)


def write_font(app, env):
    """Write the part of the font that the book uses, as a stylesheet; cut once for each part."""
    if app.builder.format != "html":
        return
    text = "".join(sorted(set().union(*characters(env).values())))
    kept = BUILD / "fonts" / f"{hashlib.sha256(text.encode()).hexdigest()[:16]}.woff2"
    if not kept.is_file():
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.write_bytes(cut(FONT, text))
    data = base64.b64encode(kept.read_bytes()).decode()
    static = Path(app.outdir, "_static")
    static.mkdir(parents=True, exist_ok=True)
    (static / "math.css").write_text(
        '@font-face { font-family: "Book Math"; font-display: block;'
        f' src: url("data:font/woff2;base64,{data}") format("woff2"); }}\n',
        encoding="utf-8",
    )


def link_font(app, pagename, templatename, context, doctree):
    """The font is half of what a page without formulas weighs, which it does not need."""
    if doctree is not None and doctree.next_node(is_formula):
        app.add_css_file("math.css")


def cut(font, text):
    options = subset.Options(
        flavor="woff2", layout_features=["ssty"], hinting=False, notdef_outline=True
    )
    font = subset.load_font(str(font), options)
    font.recalcTimestamp = False  # the same pages give the same bytes
    cutter = subset.Subsetter(options)
    cutter.populate(text=text)
    cutter.subset(font)
    made = io.BytesIO()
    subset.save_font(font, made, options)
    return made.getvalue()
