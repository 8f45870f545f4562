"""Build on every save and reload the page: ``python -m bookbuild.live``, as `make live` does.

An error stands in the terminal, with its chapter and line, until the next save; it ends nothing.
"""

import contextlib
import importlib
import logging
import os
import sys
import time
import traceback

from livereload import Server
from livereload.handlers import LiveReloadHandler
from livereload.watcher import Watcher
from tornado.ioloop import PeriodicCallback

from bookbuild.__main__ import ROOT, SOURCES, html, separate

PORT = 8123

# What a build begins with. It takes longer to import than a changed sentence takes to build, so it
# is imported once. Nothing of ours is among it: that may change.
FIRST = (
    "jupyter_book.cli.main jupyter_book.sphinx sphinx.ext.autodoc sphinx.ext.napoleon "
    "myst_nb.sphinx_ext IPython.lib.lexers jupyter_cache.cache.db nbclient jupytext "
    "sphinx_book_theme sphinx_copybutton sphinx_design sphinx_exercise sphinx_proof "
    "sphinxcontrib.bibtex sphinx_external_toc fontTools.subset tinycss2 matplotlib.pyplot "
    "scipy.optimize"
).split()


class Saves(Watcher):
    """Looks for a saved file five times a second; livereload's own does so every 0.8 s."""

    def start(self, callback):
        PeriodicCallback(callback, 200).start()
        return True


class Copy:
    """Jupyter Book in a copy of this process, which has it imported: seen as `subprocess.Popen`."""

    def __init__(self, arguments, environment):
        read, write = os.pipe()
        sys.stdout.flush()
        self.pid = os.fork()
        if self.pid == 0:
            self.become(arguments, environment, write)
        os.close(write)
        self.stdout = os.fdopen(read)

    def become(self, arguments, environment, out):
        """In the copy: build, and end."""
        code = 1
        try:
            os.dup2(out, 1)
            os.environ.update(environment)
            importlib.import_module("jupyter_book.cli.main").main(arguments, standalone_mode=False)
            code = 0
        except SystemExit as end:
            code = end.code or 0
        except Exception:
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            os._exit(code)

    def wait(self):
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


def rebuild():
    start = time.monotonic()
    try:
        html(launch=Copy if hasattr(os, "fork") else separate)
    except SystemExit as fault:
        print(fault, file=sys.stderr)
    print(f"  {time.monotonic() - start:.1f} s; waiting for the next save", flush=True)


def hidden(path):
    """A notebook's checkpoint, an editor's swap file, or what Python compiled."""
    return "/." in path or path.endswith((".pyc", "~", ".swp"))


def main(port=PORT):
    for name in FIRST:
        with contextlib.suppress(ImportError):  # one that was renamed is imported by the build
            importlib.import_module(name)
    rebuild()
    LiveReloadHandler.DEFAULT_RELOAD_TIME = 0  # it leaves out a reload within 3 s of the last
    server = Server(watcher=Saves())
    for source in SOURCES:
        server.watch(str(ROOT / source), rebuild, ignore=hidden)
    for noisy in ("livereload", "tornado.access"):
        logging.getLogger(noisy).setLevel(logging.ERROR)
    print(f"Open http://127.0.0.1:{port}/chapters/index.html (Ctrl+C ends)", flush=True)
    server.serve(root=str(ROOT / "_build/html"), host="127.0.0.1", port=port)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
