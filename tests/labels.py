"""Where the chapters are, and which labels of equations they carry."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CHAPTERS = sorted((ROOT / "chapters").glob("*.md"))


def labels(text):
    """The labels of displayed equations in a chapter's text."""
    return re.findall(r"^\$\$ \((.*?)\)$", text, re.MULTILINE)
