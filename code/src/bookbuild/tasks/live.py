"""Build on every save and reload the page: ``python -m bookbuild.tasks.live``, as make live does.

An error stands in the terminal, with its chapter and line, until the next save; it ends nothing.
A build runs in a process of its own, which has imported the engine while it waited: to import it
takes longer than a changed sentence takes to build. Where a change concerns many pages, the one
that is open is built and shown first, and the others while it is read.
"""

import contextlib
import logging
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from livereload import Server
from livereload.handlers import LiveReloadHandler, StaticFileHandler
from livereload.watcher import Watcher
from tornado.ioloop import PeriodicCallback

from bookbuild.ext.policy import without_policy
from bookbuild.paths import BUILD, HTML, ROOT, SOURCES

PORT = 8123

# What a build begins with, none of it ours, which may have changed by then; and to look for garbage
# takes a quarter of the time.
WAITING = """
import contextlib, gc, importlib, sys
for name in {names!r}.split():
    with contextlib.suppress(ImportError):  # one that was renamed is imported by the build
        importlib.import_module(name)
gc.disable()
page = sys.stdin.readline()
if page:
    from bookbuild.tasks import build
    build.build(page.strip())
"""
ENGINE = (
    "jupyter_book.sphinx sphinx.ext.autodoc sphinx.ext.napoleon myst_nb.sphinx_ext "
    "sphinx.builders.html IPython.lib.lexers jupyter_cache.cache.db nbclient jupytext furo "
    "sphinx_copybutton sphinx_design sphinx_exercise sphinx_proof sphinxcontrib.bibtex "
    "sphinx_external_toc sphinx_comments ziamath math_core fontTools.subset matplotlib.pyplot "
    "scipy.optimize"
)


class Waiting:
    """A process that has the engine imported, and builds when it is told to."""

    def __init__(self):
        temporary = BUILD / "tmp"  # here lies what a kernel leaves if its build is broken off
        temporary.mkdir(parents=True, exist_ok=True)
        self.process = subprocess.Popen(
            [sys.executable, "-c", WAITING.format(names=ENGINE)],
            cwd=ROOT, env={**os.environ, "TMPDIR": str(temporary)}, encoding="utf-8",
            stdin=subprocess.PIPE,
        )  # fmt: skip

    def build(self, page=""):
        self.process.stdin.write(f"{page}\n")
        self.process.stdin.close()
        return self.process


class Pages(StaticFileHandler):
    """The built pages, and which of them was asked for last. They are served without their policy,
    which lets no other script run than the page's own: not even the one that reloads it."""

    last = ""

    def get(self, path, include_body=True):
        if path.endswith(".html"):
            Pages.last = path.removesuffix(".html")
        return super().get(path, include_body)

    @classmethod
    def get_content(cls, path, start=None, end=None):
        if not path.endswith(".html"):
            return super().get_content(path, start, end)
        return without_policy(Path(path).read_text(encoding="utf-8")).encode()

    def get_content_size(self):
        path = self.absolute_path
        return len(self.get_content(path)) if path.endswith(".html") else super().get_content_size()


class Builds(Watcher):
    """A build on every save: first of the page that is open, then of all that has changed.

    It looks often; livereload's own watcher does so every 0.8 s.
    """

    def start(self, callback):
        self.running, self.page, self.waiting = None, "", Waiting()
        PeriodicCallback(callback, 200).start()
        PeriodicCallback(self.look, 100).start()
        return True

    def save(self):
        """Begin again with the page that is open, whatever was being built."""
        end(self.running)
        everywhere = self.filepath.startswith(str(ROOT / "code"))
        self.filepath = None  # or the pages were asked to reload before they are built
        self.begin(Pages.last if everywhere else "")

    def begin(self, page):
        self.page, self.started, self.shown = page, time.monotonic(), False
        self.open, self.before = Pages.last, written(Pages.last)
        self.running, self.waiting = self.waiting.build(page), Waiting()

    def look(self):
        """Show the open page as soon as it is written. Has the build ended? Then build the rest."""
        if not self.running:
            return
        if not self.shown and written(self.open) not in (self.before, b""):
            self.shown = True
            print(f"  the page is there after {self.seconds():.1f} s", flush=True)
            LiveReloadHandler.reload_waiters("*")
        if self.running.poll() is not None:
            code, page = self.running.returncode, self.page
            self.running = None
            # Or somebody has another page in sight, which was written later.
            if not self.shown or self.open != Pages.last or len(LiveReloadHandler.waiters) > 1:
                LiveReloadHandler.reload_waiters("*")
            then = "building the other pages" if page and not code else "waiting for the next save"
            print(f"  {self.seconds():.1f} s; {then}", flush=True)
            if page and not code:
                self.begin("")

    def seconds(self):
        return time.monotonic() - self.started


def written(name):
    """A page as it is now; nothing while it is not there to its end."""
    with contextlib.suppress(OSError):
        page = (HTML / f"{name}.html").read_bytes()
        return page if page.rstrip().endswith(b"</html>") else b""
    return b""


def end(process):
    if process:
        process.kill()
        process.wait()


def hidden(path):
    """A notebook's checkpoint, an editor's swap file, or what Python compiled."""
    return "/." in path.replace(os.sep, "/").removeprefix(ROOT.as_posix()) or path.endswith(
        (".pyc", "~", ".swp")
    )


def main(port=PORT):
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # to be ended is to be interrupted
    if Waiting().build().wait():
        print("  waiting for the next save", flush=True)
    builds = Builds()
    LiveReloadHandler.DEFAULT_RELOAD_TIME = 0  # it leaves out a reload within 3 s of the last
    server = Server(watcher=builds)
    server.SFH = Pages
    for source in SOURCES:
        server.watch(str(source), builds.save, ignore=hidden)
    for noisy in ("livereload", "tornado.access"):  # a filter, since livereload sets its own level
        logging.getLogger(noisy).addFilter(lambda record: record.levelno >= logging.ERROR)
    print(f"Open http://127.0.0.1:{port}/chapters/index.html (Ctrl+C ends)", flush=True)
    try:
        server.serve(root=str(HTML), host="127.0.0.1", port=port)
    except OSError as fault:
        sys.exit(f"make: Port {port} cannot be had ({fault.strerror}): make live PORT=8124")
    finally:
        end(builds.running)
        end(builds.waiting.process)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
