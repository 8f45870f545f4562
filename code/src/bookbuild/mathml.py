"""Mathematics is in the page when it arrives: TeX becomes MathML while the book is built.

Browsers draw MathML themselves, screen readers speak it, and no script is involved. The one thing a
page needs is a mathematical font; it is cut down to the characters that the book's formulas use.
A formula that is not TeX is a warning with its chapter and line, and so an error of the build.
"""

import html
import re
import unicodedata
from pathlib import Path

import ziamath
from docutils import nodes
from math_core import LatexError, LatexToMathML
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util import logging
from sphinx.util.math import get_node_equation_number

from bookbuild import fonts

logger = logging.getLogger(__name__)
LENGTH = re.compile(r"\\\\\s*\[")  # a row's end with the space below it, which is not understood
LETTER = r"(<mi[^>]*>[^<]*</mi>|<mrow><mspace/><mi>[^<]*</mi></mrow>)"
INDEX = r"(<mi>[^<]*</mi>|<mrow>(?:<mi>[^<]*</mi>)*</mrow>)"
PRIME = "(<mo>[′″‴]</mo>)"
to_mathml = LatexToMathML(fancy_error=False)
FONT = Path(ziamath.__file__).parent / "fonts" / "STIXTwoMath-Regular.ttf"


def render(node, tex, display):
    try:
        if LENGTH.search(tex):
            raise ValueError(r"the length after \\ would be printed")
        return beside(to_mathml.convert_with_local_state(tex, displaystyle=display))
    except (LatexError, ValueError) as error:
        logger.warning("TeX error: %s in: %s", error, tex.strip(), location=node)
        return f"<code>{html.escape(tex)}</code>"


def beside(mathml):
    """Primes beside their letter, as the sign is drawn; raised once more, they are specks."""
    mathml = re.sub(f"<msup>{LETTER}{PRIME}</msup>", r"<mrow>\1\2</mrow>", mathml)
    return re.sub(
        f"<msubsup>{LETTER}{INDEX}{PRIME}</msubsup>", r"<msub><mrow>\1\3</mrow>\2</msub>", mathml
    )


def visit_inline(self, node):
    mathml = render(node, node.astext(), display=False)
    self.body.append(f'<span class="math">{mathml}{node.get("then", "")}</span>')
    raise nodes.SkipNode


def visit_display(self, node):
    self.body.append(self.starttag(node, "div", CLASS="math"))
    # A formula wider than the page scrolls inside its own box.
    mathml = render(node, node.astext(), display=True)
    self.body.append(f'<div class="formula">{mathml}</div>')
    if node["number"]:
        self.body.append(f'<span class="eqno">({get_node_equation_number(self, node)})')
        self.add_permalink_ref(node, "Link to this equation")
        self.body.append("</span>")
    self.body.append("</div>\n")
    raise nodes.SkipNode


class KeepPunctuation(SphinxPostTransform):
    """A comma or a full stop after a formula stays on the formula's line."""

    default_priority = 900
    formats = ("html",)

    def run(self, **kwargs):
        for formula in list(self.document.findall(nodes.math)):
            after = formula.next_node(descend=False, siblings=True)
            if isinstance(after, nodes.Text) and (mark := re.match(r"[.,;:!?)]+", after)):
                formula["then"] = mark[0]
                after.parent.replace(after, nodes.Text(after[mark.end() :]))


def characters(pages):
    """Every character that the pages' formulas show; single letters also as italics."""
    used = set()
    for page in pages:
        for formula in re.findall(r"<math.*?</math>", page.read_text(encoding="utf-8"), re.DOTALL):
            used.update(html.unescape(re.sub(r"<[^>]*>", "", formula)))
            for letter in re.findall(r"<mi>(.)</mi>", formula):
                used.update(italic(letter))
            if "<msqrt" in formula or "<mroot" in formula:
                used.add("√")  # it stands nowhere in the text
    return {c for c in used if not c.isspace()}


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


def write_font(app, error):
    """Write the part of the font that the finished pages use."""
    if error or app.builder.format != "html":
        return
    out = Path(app.outdir)
    used = characters(sorted(out.rglob("*.html")))
    fonts.cut(app, FONT, out / "_static/math.woff2", used, features=["ssty"])


def setup(app):
    app.add_html_math_renderer("mathml", (visit_inline, None), (visit_display, None))
    app.add_post_transform(KeepPunctuation)
    app.connect("build-finished", write_font)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
