"""Build on every save and reload the page: ``python -m bookbuild.live``, as `make live` does.

An error stands in the terminal, with its chapter and line, until the next save; it ends nothing.
"""

import logging
import subprocess
import sys
import time

from livereload import Server

from bookbuild.__main__ import ROOT, SOURCES

PORT = 8123


def rebuild():
    start = time.monotonic()
    subprocess.run([sys.executable, "-m", "bookbuild"], check=False)
    print(f"  {time.monotonic() - start:.1f} s; waiting for the next save", flush=True)


def hidden(path):
    """A notebook's checkpoint, an editor's swap file, or what Python compiled."""
    return "/." in path or path.endswith((".pyc", "~", ".swp"))


def main(port=PORT):
    rebuild()
    server = Server()
    for source in SOURCES:
        server.watch(str(ROOT / source), rebuild, ignore=hidden)
    for noisy in ("livereload", "tornado.access"):
        logging.getLogger(noisy).setLevel(logging.ERROR)
    print(f"Open http://127.0.0.1:{port}/chapters/index.html (Ctrl+C ends)", flush=True)
    server.serve(root=str(ROOT / "_build/html"), host="127.0.0.1", port=port)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
