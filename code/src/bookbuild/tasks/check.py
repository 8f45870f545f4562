"""What can be said of the sources in seconds, before a commit: each finding with file and line.

``python -m bookbuild.tasks.check`` says what is wrong: ordinary tools, which pre-commit runs too, and
the tests of the sources. With the word `format` it mends what can be mended without thought.
"""

import shutil
import subprocess
import sys
from pathlib import Path

import jupytext
from jupytext.config import load_jupytext_config

from bookbuild.paths import CHAPTERS, ROOT

SETTINGS = "--config=code/pyproject.toml"
PYTHON = ["code", "tests", "make.py"]
CELLS = "E402,I001,E501,B018,B023,B905"  # what a chapter may do and a module may not
WORDS = "nd,te,fo,ans"  # indices of a formula, which are no misspelt words


def chapters():
    return sorted(CHAPTERS.glob("*.md"))


def pages():
    return [str(path.relative_to(ROOT)) for path in chapters()]


def tool(name, *arguments):
    """Run a tool of this environment; True if it found something, which it has said."""
    path = shutil.which(name, path=str(Path(sys.executable).parent))
    return subprocess.run([path, *arguments], cwd=ROOT).returncode != 0


def lint():
    """Python in the package, the tests and the cells, and British words everywhere."""
    return [
        tool("ruff", "check", "--quiet", "--output-format=concise", SETTINGS, *PYTHON),
        tool("ruff", "format", "--check", "--quiet", SETTINGS, *PYTHON),
        tool("nbqa", f"ruff check --quiet --output-format=concise --ignore={CELLS}",
             *pages(), SETTINGS),
        tool("codespell", f"--ignore-words-list={WORDS}", "--skip=*.svg,*.csv,*.json",
             *pages(), "README.md", "CONTRIBUTING.md", "DESIGN.md", "code/src", "tests"),
    ]  # fmt: skip


def main():
    found = [
        *lint(),
        tool("pytest", "-q", "-n", "0", "--tb=line", "-p", "no:xdist", "tests/chapters/test_sources.py"),
    ]
    sys.exit(any(found))


def as_saved(text, path):
    """A chapter's text as jupytext writes it when a notebook is saved."""
    config = load_jupytext_config(str(path))
    notebook = jupytext.reads(text, fmt="md:myst", config=config)
    return jupytext.writes(notebook, fmt="md:myst", config=config)


def reformat():
    """Mend layout: Python by ruff, cells by ruff through nbQA, chapters by jupytext."""
    tool("ruff", "format", "--quiet", SETTINGS, *PYTHON)
    tool("nbqa", "ruff format --quiet --line-length=80", *pages(), SETTINGS)
    for path in chapters():
        text = path.read_text(encoding="utf-8")
        if (new := as_saved(text, path)) != text:
            path.write_text(new, encoding="utf-8")
            print(f"written anew: {path.relative_to(ROOT)}")


if __name__ == "__main__":
    reformat() if sys.argv[1:] == ["format"] else main()
