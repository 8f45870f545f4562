"""Build on every save and reload the page: ``python -m bookbuild.live``, as `make live` does.

An error stands in the terminal, with its chapter and line, until the next save; it ends nothing.
Where a change concerns many pages, the one that is open is built and shown first, and the others
while it is read.
"""

import contextlib
import gc
import importlib
import logging
import multiprocessing
import os
import signal
import sys
import tempfile
import time
import traceback
from pathlib import Path

from livereload import Server
from livereload.handlers import LiveReloadHandler, StaticFileHandler
from livereload.watcher import Watcher
from tornado.ioloop import PeriodicCallback

from bookbuild.__main__ import BUILD, ROOT, SOURCES, html
from bookbuild.policy import META

PORT = 8123
LEFT = BUILD / "tmp"  # here lies what a kernel leaves if its build is broken off
FORK = "fork" in multiprocessing.get_all_start_methods() and multiprocessing.get_context("fork")

# What a build begins with. It takes longer to import than a changed sentence takes to build, so it
# is imported once.
FIRST = (
    "jupyter_book.cli.main jupyter_book.sphinx sphinx.ext.autodoc sphinx.ext.napoleon "
    "myst_nb.sphinx_ext IPython.lib.lexers jupyter_cache.cache.db nbclient jupytext "
    "sphinx_book_theme sphinx_copybutton sphinx_design sphinx_exercise sphinx_proof "
    "sphinxcontrib.bibtex sphinx_external_toc ziamath math_core fontTools.subset tinycss2 "
    "matplotlib.pyplot scipy.optimize"
).split()


class Copy:
    """Jupyter Book in a copy of this process, which has it imported: seen as `subprocess.Popen`."""

    def __init__(self, arguments, environment):
        read, write = os.pipe()
        sys.stdout.flush()
        self.pid = os.fork()
        if self.pid == 0:
            self.become(arguments, environment, write)
        os.close(write)
        self.stdout = os.fdopen(read, encoding="utf-8")

    def become(self, arguments, environment, out):
        """In the copy: build, and end."""
        code = 1
        try:
            os.dup2(out, 1)
            os.environ.update(environment)
            for name in [name for name in sys.modules if name.split(".")[0] == "bookbuild"]:
                del sys.modules[name]  # ours may have changed
            tempfile.tempdir = str(LEFT)
            gc.disable()  # to look for garbage takes a quarter of the time, and this ends soon
            importlib.import_module("jupyter_book.cli.main").main(arguments, standalone_mode=False)
            code = 0
        except SystemExit as end:
            code = end.code or 0
        except Exception:
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            os._exit(code)

    def kill(self):
        os.kill(self.pid, signal.SIGKILL)

    def wait(self):
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


class Pages(StaticFileHandler):
    """The built pages, and which of them was asked for last.

    They are served without their policy, which lets no other script run than the page's own: not
    even the one that reloads it.
    """

    last = ""

    def get(self, path, include_body=True):
        if path.endswith(".html"):
            Pages.last = path.removesuffix(".html")
        return super().get(path, include_body)

    @classmethod
    def get_content(cls, path, start=None, end=None):
        if not path.endswith(".html"):
            return super().get_content(path, start, end)
        return META.sub("", Path(path).read_text(encoding="utf-8")).encode()

    def get_content_size(self):
        path = self.absolute_path
        return len(self.get_content(path)) if path.endswith(".html") else super().get_content_size()


class Builds(Watcher):
    """A build on every save, and the process that then builds the other pages beside the server.

    It looks five times a second; livereload's own watcher does so every 0.8 s.
    """

    others, shown = None, ""

    def start(self, callback):
        PeriodicCallback(callback, 200).start()
        PeriodicCallback(self.show_others, 200).start()
        return True

    def save(self):
        if self.others:
            self.others.terminate()
            self.others.join()
            self.others = None
        self.shown = Pages.last
        if self.build(self.shown):
            self.others = FORK.Process(target=self.build_others, daemon=True)
            self.others.start()

    def build(self, first=""):
        """True if other pages are left to be built."""
        start, left = time.monotonic(), False
        try:
            left = html(Copy, first) if FORK else html()
        except SystemExit as fault:
            print(fault, file=sys.stderr)
        then = "building the other pages" if left else "waiting for the next save"
        print(f"  {time.monotonic() - start:.1f} s; {then}", flush=True)
        return left

    def build_others(self):
        with contextlib.suppress(KeyboardInterrupt):  # broken off by the next save
            self.build()

    def show_others(self):
        """Reload a page that was opened, still as it had been, while it was built."""
        if self.others and not self.others.is_alive():
            self.others = None
            if Pages.last != self.shown:
                LiveReloadHandler.reload_waiters("*")


def hidden(path):
    """A notebook's checkpoint, an editor's swap file, or what Python compiled."""
    return "/." in path or path.endswith((".pyc", "~", ".swp"))


def main(port=PORT):
    for name in FIRST:
        with contextlib.suppress(ImportError):  # one that was renamed is imported by the build
            importlib.import_module(name)
    LEFT.mkdir(parents=True, exist_ok=True)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # to be ended is to be interrupted
    builds = Builds()
    builds.build()
    LiveReloadHandler.DEFAULT_RELOAD_TIME = 0  # it leaves out a reload within 3 s of the last
    server = Server(watcher=builds)
    server.SFH = Pages
    for source in SOURCES:
        server.watch(str(ROOT / source), builds.save, ignore=hidden)
    for noisy in ("livereload", "tornado.access"):  # a filter, since livereload sets its own level
        logging.getLogger(noisy).addFilter(lambda record: record.levelno >= logging.ERROR)
    print(f"Open http://127.0.0.1:{port}/chapters/index.html (Ctrl+C ends)", flush=True)
    server.serve(root=str(ROOT / "_build/html"), host="127.0.0.1", port=port)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
