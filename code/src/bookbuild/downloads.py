"""Each chapter as a notebook that runs anywhere, and the wheel that it asks for, beside the pages.

A notebook that was downloaded alone finds no package, so its first cell fetches it from the site
the page stood on. Numbers that a page takes from cells are filled in, since the engine that does so
is not there.
"""

import json
import os
import re
from functools import partial
from pathlib import Path

import jupytext
import nbformat
from flit_core import wheel

from bookbuild import address, cache

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


def source(app, wheel_name):
    """What pip can install the package from."""
    if address.site():
        return f"{address.site()}/{wheel_name}"
    home = address.repository(app.srcdir)
    return f"git+{home}@{address.branch(app.srcdir)}#subdirectory=code" if home else ""


def add_button(app, pagename, templatename, context, doctree):
    if doctree is not None and "jupytext" in str(app.env.metadata.get(pagename, {})):
        entry = {
            "type": "link",
            "tooltip": "Download this chapter as a notebook",
            "icon": "fas fa-download",
            "url": f"{context['pathto']('notebooks', 1)}/{Path(pagename).name}.ipynb",
        }
        context["header_buttons"].insert(0, entry)


def write(app, error):
    if error or app.builder.format != "html":
        return
    root, out = Path(app.srcdir), Path(app.outdir)
    os.environ.setdefault("SOURCE_DATE_EPOCH", "1767225600")  # the same files, the same bytes
    (out / "wheels").mkdir(exist_ok=True)
    made = wheel.make_wheel_in(root / "code/pyproject.toml", out / "wheels").file
    first = source(app, f"wheels/{made.name}")
    cell = FIRST.format(source=first) if first else NOWHERE
    (out / "notebooks").mkdir(exist_ok=True)
    for chapter in sorted((root / "chapters").glob("*.md")):
        text, numbers = chapter.read_text("utf-8"), glued(out.parent / "jupyter_execute", chapter)
        target = out / f"notebooks/{chapter.stem}.ipynb"
        parts = text, numbers, cell
        target.write_bytes(cache.kept(app, target.name, parts, partial(alone, *parts)))


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
    return f"{nbformat.writes(notebook)}\n".encode()


def setup(app):
    app.connect("html-page-context", add_button, priority=700)
    app.connect("build-finished", write)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
