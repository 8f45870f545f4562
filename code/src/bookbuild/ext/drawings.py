"""Figures of the built page: drawn in the page itself, in its colours, and told in words.

A cell's SVG is put into the page instead of beside it, so that it follows the reader's light or
dark theme. A figure without an alternative text is a warning with its chapter, and so an error of
the build.
"""

from pathlib import Path

from docutils import nodes
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util import logging

from jacobians.book import svg

logger = logging.getLogger(__name__)


class InlineDrawings(SphinxPostTransform):
    default_priority = 5
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
                drawing = svg.element(file.read_text(encoding="utf-8"), image["alt"])
                image.replace_self(nodes.raw("", drawing, format="html"))
