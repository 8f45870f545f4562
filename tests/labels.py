"""Which equation a test checks, and which labels the chapters carry."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CHAPTERS = sorted((ROOT / "chapters").glob("*.md"))
CHECKED = {}


def checks_equation(label):
    """Mark a test as the one that checks the displayed equation with this label."""

    def mark(test):
        CHECKED.setdefault(label, []).append(test.__name__)
        return test

    return mark


def labels(text):
    """The labels of displayed equations in a chapter's text."""
    return re.findall(r"^\$\$ \((.*?)\)$", text, re.MULTILINE)
