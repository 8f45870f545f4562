"""Where the chapters are, what they tell, and which labels of equations they carry."""

import re

from bookbuild import paths
from bookbuild.paths import ROOT  # noqa: F401 (the tests take it from here, beside the chapters)

CHAPTERS = sorted(paths.CHAPTERS.glob("*.md"))


def as_told(text):
    """A chapter's text without the alternative texts of its figures, which stand in no sentence."""
    return re.sub(r"^    alt: .*?^(?=\S|  \S)", "", text, flags=re.MULTILINE | re.DOTALL)


def labels(text):
    """The labels of displayed equations in a chapter's text."""
    return re.findall(r"^\$\$ \((.*?)\)$", text, re.MULTILINE)
