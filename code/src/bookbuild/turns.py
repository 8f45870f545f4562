"""Which pages a build reads, and which it leaves for the next one.

A change of the package makes every chapter stale, and to execute them all takes half a minute. A
build that is told which page its reader looks at reads that one alone and leaves the others' names
in a file. The names of what it reads stand there too, until it has ended well: a page that was read
by a build that failed, or was broken off, is read again, whatever Sphinx remembers of it.
"""

import json
import os
from pathlib import Path

#: The environment variable with the name of the page to read first.
FIRST = "BOOK_FIRST"


FILE = "unread.json"


def kept(build):
    """The names in the file: the pages being read, and those left for later."""
    file = build / FILE
    return json.loads(file.read_text(encoding="utf-8")) if file.is_file() else ([], [])


def keep(build, reading, later):
    (build / FILE).write_text(json.dumps([reading, later]), encoding="utf-8")


def ended_well(build):
    """Forget the names that were read; return those that are left."""
    _, later = kept(build)
    keep(build, [], later)
    return later


def outdated(app, env, added, changed, removed):
    reading, later = kept(Path(app.outdir).parent)
    return reading + later


def choose(app, env, docnames):
    first = os.environ.get(FIRST)
    later = [name for name in docnames if name != first]
    if first in docnames and env.all_docs.keys() >= set(later):  # links to the others can be made
        docnames[:] = [first]
    else:
        later = []
    keep(Path(app.outdir).parent, docnames, later)


def setup(app):
    app.connect("env-get-outdated", outdated)
    app.connect("env-before-read-docs", choose)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
