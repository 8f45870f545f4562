"""Which pages are read, and where executed chapters are kept: under a key that knows the package.

jupyter-cache recognises a chapter by its cells alone, so a page would keep yesterday's numbers
after a change in the package. Each state of the package, its data and the lock gets a cache of its
own: a change executes the chapters again, and changing it back finds the old pages again. What
builds the book is no part of that key: a change of it makes the pages anew, from the same outputs.
"""

import hashlib
import os

from nbclient import NotebookClient

from bookbuild.paths import BUILD, ROOT

#: The environment variable with the one page that a preview reads and writes.
PREVIEW = "BOOK_PREVIEW"

# After its last cell a kernel has nothing more to do; to ask it politely to end takes time.
NotebookClient.shutdown_kernel.default_value = "immediate"


def state(package):
    """A short hash of one of our packages and of the lock."""
    folder = ROOT / "code/src" / package
    files = [f for f in folder.rglob("*") if f.is_file() and f.suffix != ".pyc"]
    digest = hashlib.sha256()
    for file in sorted([*files, ROOT / "requirements.txt"]):
        digest.update(file.relative_to(ROOT).as_posix().encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()[:12]


def choose_cache(app, config):
    config.nb_execution_cache_path = str(BUILD / ".jupyter_cache" / state("jacobians"))


def read_first(app, env, docnames):
    """Links to the other pages can be made if they have been read before."""
    first = os.environ.get(PREVIEW)
    if first in docnames and env.all_docs.keys() >= set(docnames):
        docnames[:] = [first]
