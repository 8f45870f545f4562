"""Where the chapters are, and which labels of equations they carry."""

import re

from bookbuild import paths
from bookbuild.paths import ROOT  # noqa: F401 (the tests take it from here, beside the chapters)

CHAPTERS = sorted(paths.CHAPTERS.glob("*.md"))


def labels(text):
    """The labels of displayed equations in a chapter's text."""
    return re.findall(r"^\$\$ \((.*?)\)$", text, re.MULTILINE)
