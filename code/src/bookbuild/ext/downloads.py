"""Each chapter as a notebook that runs anywhere, and the wheel that it asks for, beside the pages.

A notebook that was downloaded alone finds no package and no engine. So its first cell fetches the
package from the site the page stood on, its text is plain Markdown with all numbers in it, and its
last cell asks again for the numbers of the sentences, which follow where the program lets them.
"""

import json
import logging
import re
import shutil
import tempfile
from pathlib import Path

import nbformat
from flit_core.wheel import make_wheel_in
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from bookbuild import publication, repository
from bookbuild.ext.plain import SITE, Plain
from bookbuild.ext.sentences import EXECUTED
from bookbuild.paths import ROOT

# The package: the wheel on the site, else the repository, else what a reader can do.
FIRST = """\
# The book's package, if this notebook stands alone. Its matrices are small: one thread is fastest.
import importlib.util
import os

for library in ("OPENBLAS_NUM", "OMP_NUM", "MKL_NUM", "VECLIB_MAXIMUM"):
    os.environ.setdefault(f"{{library}}_THREADS", "1")
if importlib.util.find_spec("jacobians") is None:
    {fetch}\
"""
FETCH = '%pip install -q "jacobians[figures] @ {source}"'
FETCH_BESIDE = '%pip install -q "./{wheel}[figures]"'  # of an assignment
NOWHERE = """\
raise ModuleNotFoundError(
        "This notebook needs the package of its book, and does not know where the book is. "
        "Run `%pip install 'jacobians[figures] @ file:///path/to/the/wheel'`, "
        "or `%pip install '/path/to/the/book/code[figures]'`, and then this cell again."
    )\
"""
LAST = """\
# The numbers in the text above, asked again after this run: those that differ are listed.
from IPython.display import HTML, display

SAID = {said}


def follow(said):
    for number, (expression, before) in enumerate(said):
        now = str(eval(expression, globals()))
        if now != before:
            print(f"{{before}} is now {{now}}: {{expression}}")
            places = f"document.querySelectorAll('.value-{{number}}')"
            script = f"for (const place of {{places}}) place.textContent = {{now!r}};"
            display(HTML(f"<script>{{script}}</script>"))


follow(SAID)\
"""
FOLDED = {"source_hidden": True}
CLOSED = {"source_hidden": True, "outputs_hidden": True}

logging.getLogger("flit_core").setLevel(logging.WARNING)  # it tells every step


def source(wheel_name):
    """What pip can install the package from."""
    if publication.site():
        return f"{publication.site()}/{wheel_name}"
    home = publication.repository()
    return f"git+{home}@{publication.branch()}#subdirectory=code" if home else ""


def note(app, pagename, templatename, context, doctree):
    """As a page is written, write its notebook; where the book is, is put in when all are there."""
    if doctree is None or "kernelspec" not in app.env.metadata.get(pagename, {}):
        return
    numbers = dict(app.env.toc_fignumbers.get(pagename, {}))
    writer = Plain(pagename, numbers)
    parts = writer.page(doctree)
    executed = nbformat.read(EXECUTED / f"{Path(pagename).name}.ipynb", 4)
    notebook = compose(parts, executed, writer.expressions)
    file = draft(app, pagename)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(nbformat.writes(notebook), encoding="utf-8")


def draft(app, pagename):
    return Path(app.outdir).parent / f"plain/{Path(pagename).name}.ipynb"


def compose(parts, executed, expressions):
    """The notebook of a page: its text, and its cells with what they printed and drew."""
    cells = []
    for part in parts:
        if part.cell is None:
            cell = new_markdown_cell(part.text)
            if part.answer and part.text.startswith("#"):
                cell.metadata["heading_collapsed"] = True
        else:
            given = executed.cells[part.cell]
            cell = new_code_cell(given.source, outputs=given.outputs)
            cell.execution_count = given.execution_count
            if part.answer or "hide-input" in given.metadata.get("tags", []):
                cell.metadata["jupyter"] = dict(CLOSED if part.answer else FOLDED)
        if part.answer:
            cell.metadata["tags"] = ["solution"]  # so that an assignment can leave it out
        cells.append(cell)
    if expressions:
        said = "".join(f"    ({code!r}, {value!r}),\n" for code, value in expressions)
        cell = new_code_cell(LAST.format(said=f"[\n{said}]"))
        cell.metadata["jupyter"] = dict(FOLDED)
        cells.append(cell)
    for number, cell in enumerate(cells, 1):
        cell["id"] = f"cell-{number}"
    spec = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
    return new_notebook(cells=cells, metadata={"kernelspec": spec})


def write(app, error):
    if error or app.builder.format != "html":
        return
    out = Path(app.outdir)
    wheel = write_wheel(out / "wheels")
    (out / "notebooks").mkdir(exist_ok=True)
    for name in sorted(app.env.found_docs):
        if (file := draft(app, name)).is_file():
            text = settled(file.read_text(encoding="utf-8"), f"wheels/{wheel.name}")
            (out / "notebooks" / file.name).write_text(text, encoding="utf-8")


def settled(text, wheel):
    """A notebook in its place: the first cell has an address, and so have links to other pages."""
    notebook = nbformat.reads(text, 4)
    where = source(wheel)
    fetch = FETCH.format(source=where) if where else NOWHERE
    first = new_code_cell(FIRST.format(fetch=fetch), id="cell-0")
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = linked(cell.source)
    if any(cell.cell_type == "code" for cell in notebook.cells):
        notebook.cells.insert(0, first)
    return f"{json.dumps(notebook, indent=1, ensure_ascii=False, sort_keys=True)}\n"


def linked(text):
    """Links to pages of the book by its address; without one, their titles."""
    if site := publication.site():
        return text.replace(f"]({SITE}", f"]({site}/")
    return unlinked(text)


def unlinked(text):
    """The titles of pages in the place of links to them."""
    return re.sub(rf"\[((?:[^\[\]\\]|\\.)*)\]\({SITE}[^)]*\)", r"\1", text)


def write_wheel(folder):
    """Make the wheel of the package, which is small, and return its path."""
    publication.fix_date()
    shutil.rmtree(folder, ignore_errors=True)  # that of another version
    folder.mkdir(parents=True)
    with tempfile.TemporaryDirectory() as clean:  # without what a system leaves beside the files
        repository.copy(
            ROOT, Path(clean),
            lambda name: name.startswith("code/") and not repository.left_behind(name),
        )  # fmt: skip
        return make_wheel_in(Path(clean) / "code/pyproject.toml", folder).file
