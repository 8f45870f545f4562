"""Each chapter as a notebook that runs anywhere, and the wheel that it asks for, beside the pages.

A notebook that was downloaded alone finds no package, so its first cell fetches it from the site
the page stood on. Numbers that a page takes from cells are filled in, since the engine that does so
is not there.
"""

import json
import logging
import os
import re
import shutil
from pathlib import Path

import jupytext
import nbformat
from flit_core.wheel import make_wheel_in

from bookbuild import publication
from bookbuild.paths import ROOT

GLUED = re.compile(r"\{glue:text\}`(\w+)(?::[^`]*)?`")

# Where a downloaded notebook gets the package: the wheel on the site, else the repository.
FIRST = """\
# The book's package, if this notebook stands alone.
import importlib.util

if importlib.util.find_spec("jacobians") is None:
    %pip install -q "jacobians[figures] @ {source}"\
"""
NOWHERE = """\
# This notebook needs the book's package `jacobians`: install the folder code/ of the book.
import jacobians\
"""


logging.getLogger("flit_core").setLevel(logging.WARNING)  # it tells every step


def source(wheel_name):
    """What pip can install the package from."""
    if publication.site():
        return f"{publication.site()}/{wheel_name}"
    home = publication.repository()
    return f"git+{home}@{publication.branch()}#subdirectory=code" if home else ""


def write(app, error):
    if error or app.builder.format != "html":
        return
    out = Path(app.outdir)
    wheel = write_wheel(out / "wheels")
    where = source(f"wheels/{wheel.name}")
    first = FIRST.format(source=where) if where else NOWHERE
    (out / "notebooks").mkdir(exist_ok=True)
    for name in sorted(app.env.found_docs):
        chapter = ROOT / f"{name}.md"
        if "kernelspec" in app.env.metadata.get(name, {}):
            numbers = glued(out.parent / "jupyter_execute", chapter)
            text = alone(chapter.read_text(encoding="utf-8"), numbers, first)
            (out / f"notebooks/{chapter.stem}.ipynb").write_text(text, encoding="utf-8")


def write_wheel(folder):
    """Make the wheel of the package, which is small, and return its path."""
    os.environ.setdefault("SOURCE_DATE_EPOCH", "1767225600")  # the same files, the same bytes
    shutil.rmtree(folder, ignore_errors=True)  # that of another version
    folder.mkdir(parents=True)
    return make_wheel_in(ROOT / "code/pyproject.toml", folder).file


def glued(executed, chapter):
    """The numbers that this chapter's cells have stored for its text."""
    file = executed / f"chapters/{chapter.stem}.glue.json"
    stored = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    return {name: output["data"]["text/plain"].strip("'\"") for name, output in stored.items()}


def alone(text, numbers, first):
    """The notebook as it runs in an empty folder."""
    notebook = jupytext.reads(text, fmt="md:myst")
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = GLUED.sub(lambda m: numbers.get(m[1], m[0]), cell.source)
        else:
            cell.source = cell.source.replace(
                "from myst_nb import glue",
                "def glue(name, value, display=True):\n"
                '    """The numbers of the text are filled in already."""',
            )
    notebook.cells.insert(0, nbformat.v4.new_code_cell(first))
    for number, cell in enumerate(notebook.cells):
        cell["id"] = f"cell-{number}"
    notebook.nbformat_minor = 5
    return f"{nbformat.writes(notebook)}\n"
