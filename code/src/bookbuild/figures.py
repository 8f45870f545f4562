"""Figures of the built page: drawn in the page itself, in its colours, and told in words.

A cell's SVG is put into the page instead of beside it, so that it follows the reader's light or
dark theme: black becomes the colour of the text and white that of the page. Data colours stay.
A figure without an alternative text is a warning with its chapter, and so an error of the build.
"""

import hashlib
import html
import re
from pathlib import Path

from docutils import nodes
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util import logging

logger = logging.getLogger(__name__)

THEMED = {
    r"(fill|stroke): #000000": r"\1: currentColor",
    r"(fill|stroke): #ffffff": r"\1: var(--pst-color-background)",
}

SMALLEST = 0.72  # of its own width: letters of 10 points are then 9.6 pixels high


class InlineFigures(SphinxPostTransform):
    default_priority = 5  # before Sphinx copies the images it finds
    formats = ("html",)

    def run(self, **kwargs):
        for image in list(self.document.findall(nodes.image)):
            if not image.get("alt", "").strip():
                logger.warning(
                    "figure without an alternative text: give the cell `mystnb: image: alt:`",
                    location=image,
                )
            elif image["uri"].endswith(".svg"):
                file = Path(self.env.srcdir, self.env.docname).parent / image["uri"]
                if not file.is_file():
                    file = Path(self.env.srcdir) / image["uri"].lstrip("/")
                svg = inline(file.read_text(encoding="utf-8"), image["alt"])
                image.replace_self(nodes.raw("", svg, format="html"))


def inline(svg, alt):
    """The drawing as an element of the page: named, themed, with ids that meet no others.

    It shrinks with the page until its letters would be too small to read, and scrolls from there.
    """
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<!--.*?-->|<metadata>.*?</metadata>|<style.*?</style>", "", svg, flags=re.DOTALL)
    svg = re.sub(r">\s+<", "><", svg)
    svg = re.sub(r' (d|x|y|transform)="([^"]*)"', shorten, svg)
    for pattern, colour in THEMED.items():
        svg = re.sub(pattern, colour, svg)
    key = "f" + hashlib.sha256(svg.encode()).hexdigest()[:6]
    svg = re.sub(r'(\bid="|href="#|url\(#)', rf"\g<1>{key}-", svg)
    points = re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', svg).groups()
    width, height = (round(float(size) * 4 / 3) for size in points)  # 72 points are 96 pixels
    name = html.escape(alt, quote=True)
    opening = (
        f'<div class="wide"><svg class="drawing" role="img" aria-label="{name}" '
        f'width="{width}" height="{height}" style="min-width: {round(SMALLEST * width)}px"'
    )
    svg = re.sub(r' (width|height)="[\d.]+pt"', "", svg, count=2)
    return svg.replace("<svg", opening, 1).strip() + "</div>"


def shorten(attribute):
    """The numbers of a drawing to a hundredth of a point, which is less than a screen can show."""
    name, text = attribute.groups()
    digits = 4 if "scale" in text else 2

    def number(match):
        return f"{float(match[0]):.{digits}f}".rstrip("0").rstrip(".")

    text = re.sub(r"-?\d+\.\d+", number, text)
    text = re.sub(r"\s+", " ", text).strip()
    return f' {name}="{text}"'


def setup(app):
    app.add_post_transform(InlineFigures)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
