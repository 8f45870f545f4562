"""Where everything lies, said once."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
CHAPTERS = ROOT / "chapters"
CONTENTS = ROOT / "_toc.yml"
BUILD = ROOT / "_build"
HTML = BUILD / "html"
THEME = Path(__file__).parent / "theme"

# What the pages are made from.
SOURCES = [
    ROOT / name
    for name in (
        "_config.yml", "_toc.yml", "requirements.txt", "chapters",
        "code/src", "code/pyproject.toml", "code/README.md", "code/LICENSE",  # the wheel
        "tests/equations",  # the page of formulas says what checks each
    )
]  # fmt: skip
