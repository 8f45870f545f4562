"""Which pages are read, and where executed chapters are kept: under a key that knows the package.

jupyter-cache recognises a chapter by its cells alone, so a page would keep yesterday's numbers
after a change in the package. Each state of the package, its data and the lock gets a cache of its
own: a change executes the chapters again, and changing it back finds the old pages again. What
builds the book is no part of that key: a change of it makes the pages anew, from the same outputs.
"""

import functools
import hashlib
import os

import sqlalchemy
from jupyter_cache import get_cache
from jupyter_cache.cache import db
from myst_nb.core.render import NbElementRenderer
from nbclient import NotebookClient

from bookbuild import repository
from bookbuild.paths import BUILD, ROOT

#: The environment variable with the one page that a preview reads and writes.
PREVIEW = "BOOK_PREVIEW"

# After its last cell a kernel has nothing more to do; to ask it politely to end takes time.
NotebookClient.shutdown_kernel.default_value = "immediate"


def state(package):
    """A short hash of one of our packages and of the lock."""
    folder = ROOT / "code/src" / package
    files = [
        file
        for file in folder.rglob("*")
        if file.is_file() and not repository.left_behind(file.relative_to(folder))
    ]
    digest = hashlib.sha256()
    for file in sorted([*files, ROOT / "requirements.txt"]):
        digest.update(file.relative_to(ROOT).as_posix().encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()[:12]


def choose_cache(app, config):
    cache = BUILD / ".jupyter_cache" / state("jacobians")
    config.nb_execution_cache_path = str(cache)
    forget_complaints(cache)


def open_database(address):
    """jupyter-cache's database, by its path: in an address, a folder named 100%20 is another."""
    path = address.removeprefix("sqlite:///")
    return sqlalchemy.create_engine(sqlalchemy.URL.create("sqlite", database=path))


def forget_complaints(folder):
    """Drop outputs with something on stderr: perhaps the machine said it, and not the chapter.

    They have failed a build, and would fail every one after it.
    """
    if folder.is_dir():
        cache = get_cache(folder)
        for record in cache.list_cache_records():
            file = folder / "executed" / record.hashkey / "base.ipynb"
            if '"name": "stderr"' in file.read_text(encoding="utf-8"):
                cache.remove_cache(record.pk)


def telling(render):
    """Let the terminal show what a cell wrote on stderr, beside the error that it did."""

    @functools.wraps(render)
    def render_stderr(self, output, cell_metadata, cell_index, source_line):
        shown = render(self, output, cell_metadata, cell_index, source_line)
        if shown:
            said = output["text"].rstrip()
            self.logger.warning(f"it says:\n{said}", subtype="stderr", line=source_line)
        return shown

    return render_stderr


db.create_engine = open_database
if not hasattr(NbElementRenderer.render_stderr, "__wrapped__"):
    NbElementRenderer.render_stderr = telling(NbElementRenderer.render_stderr)


def read_first(app, env, docnames):
    """Links to the other pages can be made if they have been read before."""
    first = os.environ.get(PREVIEW)
    if first in docnames and env.all_docs.keys() >= set(docnames):
        docnames[:] = [first]


def leave_the_search(app):
    """A preview writes no index: the build that follows does, of all pages."""
    if os.environ.get(PREVIEW):
        app.builder.search = False
