"""The built pages as readers meet them: served on this machine and opened in headless Chromium.

For the tests, and for the tasks that print, measure and replay. ``python -m bookbuild.browser``
makes sure that there is a Chromium, and, where the system's packages may be installed, Firefox and
WebKit for the tests that compare them, and a reader of PDF files.
"""

import contextlib
import functools
import gzip
import http.server
import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

from playwright.sync_api import sync_playwright

from bookbuild.paths import HTML

# Chromium's own start-up traffic is not the book's; a container's root has no sandbox.
FLAGS = ["--disable-background-networking", "--disable-component-update", "--no-first-run"]
FLAGS += ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []


def chromium():
    """Where a Chromium is: on the PATH, or where Playwright keeps its own; None if nowhere."""
    for name in ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable"):
        if path := shutil.which(name):
            return path
    with sync_playwright() as playwright:
        path = playwright.chromium.executable_path
    return path if os.path.exists(path) else None


def firefox():
    """Where a Firefox is; None if nowhere."""
    return shutil.which("firefox-esr") or shutil.which("firefox")


def webkit():
    """WebKit's driver, and the browser that it drives on a screen of its own; None if one lacks."""
    driver, screen = shutil.which("WebKitWebDriver"), shutil.which("Xvfb")
    views = [*Path("/usr/lib").glob("*/webkit2gtk-4.*/MiniBrowser"),
             *Path("/usr/libexec").glob("webkit2gtk-4.*/MiniBrowser")]  # fmt: skip
    return (driver, str(views[0])) if driver and screen and views else None


def poppler():
    """Where the reader of PDF files is that the printed book is tried in; None if nowhere."""
    return shutil.which("pdftotext")


ENGINES = {  # how to find one, the packages it comes in: Debian's names
    "Chromium": (chromium, ["chromium"]),
    "Firefox": (firefox, ["firefox-esr"]),
    "WebKit": (webkit, ["webkit2gtk-driver", "xvfb"]),
    "Poppler": (poppler, ["poppler-utils"]),
}


def get(name):
    """Make sure that there is an engine, by the system's packages where it may."""
    find, packages = ENGINES[name]
    if find() is None and shutil.which("apt-get") and os.geteuid() == 0:
        subprocess.run(["apt-get", "update", "-qq"], check=False)
        subprocess.run(["apt-get", "install", "-y", "-qq", *packages], check=False)
    return find()


def get_chromium():
    """Make sure that there is one: Playwright's own, else the system's package where it may."""
    if chromium() is None:
        subprocess.run([sys.executable, "-m", "playwright", "install", "chromium"], check=False)
    path = get("Chromium")
    if path is None:
        sys.exit("make: No Chromium could be had. Install one (chromium or google-chrome).")
    print(f"Browser: {path}")


def get_others():
    """Firefox and WebKit, in which some tests look as well, and what reads a PDF."""
    for name in ("Firefox", "WebKit", "Poppler"):
        found = get(name)
        packages = " ".join(ENGINES[name][1])
        print(f"{name}: {found or f'none, and its tests are skipped. Debian has it: {packages}'}")


class Handler(http.server.SimpleHTTPRequestHandler):
    """Files as a web server sends them, compressed if they are text."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        path = Path(self.translate_path(self.path))
        if path.is_dir():
            path /= "index.html"
        if not path.is_file():
            self.send_error(404)
            return
        body, kind = path.read_bytes(), self.guess_type(str(path))
        self.send_response(200)
        if kind.startswith("text/") or kind.endswith(("javascript", "json", "svg+xml")):
            body = gzip.compress(body, mtime=0)
            self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "max-age=600")
        self.end_headers()
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self.wfile.write(body)

    def log_message(self, *args):
        pass


@contextlib.contextmanager
def serve(folder=HTML):
    """The address of a folder, served on loopback."""
    handler = functools.partial(Handler, directory=str(folder))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()


@contextlib.contextmanager
def browser():
    with sync_playwright() as playwright:
        chrome = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
        yield chrome
        chrome.close()


if __name__ == "__main__":
    get_chromium()
    get_others()
