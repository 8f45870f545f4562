"""The built pages as readers meet them: served on this machine and opened in headless Chromium.

    python -m bookbuild.audit       the table of every page, and Lighthouse's scores
    python -m bookbuild.audit get   make sure that there is a Chromium

The tests use the same functions (tests/test_browser.py).
"""

import contextlib
import functools
import gzip
import http.server
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import axe_playwright_python
from playwright.sync_api import sync_playwright

ROOT = Path(__file__).resolve().parents[3]
HTML = ROOT / "_build/html"
AXE = Path(axe_playwright_python.__file__).parent / "axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
LIGHTHOUSE = "lighthouse@12.8.2"

# Chromium's own start-up traffic is not the book's; a container's root has no sandbox.
FLAGS = ["--disable-background-networking", "--disable-component-update", "--no-first-run"]
FLAGS += ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []


# ----------------------------------------------------------------------------- pages and a browser


def pages():
    """Every page of the book, as its address relative to the book's root."""
    found = sorted(path.relative_to(HTML).as_posix() for path in HTML.rglob("*.html"))
    return [page for page in found if not page.startswith(("_static/", "index.html"))]


def chromium():
    """Where a Chromium is: on the PATH, or where Playwright keeps its own; None if nowhere."""
    for name in ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable"):
        if path := shutil.which(name):
            return path
    with sync_playwright() as playwright:
        path = playwright.chromium.executable_path
    return path if os.path.exists(path) else None


def get_chromium():
    """Make sure that there is one: Playwright's own, else the system's package where it may."""
    if chromium() is None:
        subprocess.run([sys.executable, "-m", "playwright", "install", "chromium"], check=False)
    if chromium() is None and shutil.which("apt-get") and os.geteuid() == 0:
        subprocess.run(["apt-get", "update", "-qq"], check=False)
        subprocess.run(["apt-get", "install", "-y", "-qq", "chromium"], check=False)
    path = chromium()
    if path is None:
        sys.exit("make: No Chromium could be had. Install one (chromium or google-chrome).")
    print(f"Browser: {path}")


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


class Visit:
    """One page in a window of its own, with everything it asked for and said."""

    def __init__(self, chrome, address, width=1280, height=900, **options):
        self.context = chrome.new_context(viewport={"width": width, "height": height}, **options)
        self.page = self.context.new_page()
        self.answered, self.outside, self.said = [], [], []
        self.page.on("request", self._requested)
        self.page.on("response", self._answered)
        self.page.on("requestfailed", lambda request: self.said.append(f"failed: {request.url}"))
        self.page.on("console", lambda message: self.said.append(f"{message.type}: {message.text}"))
        self.page.on("pageerror", lambda error: self.said.append(f"error: {error}"))
        self.page.goto(address, wait_until="networkidle")

    def _requested(self, request):
        if not request.url.startswith(("http://127.0.0.1:", "file:", "data:", "blob:")):
            self.outside.append(request.url)

    def _answered(self, response):
        if response.url.startswith("http"):
            self.answered.append(response.request)
        if response.status >= 400:
            self.said.append(f"{response.status}: {response.url}")

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.context.close()

    @property
    def weight(self):
        """Bytes that came over the wire, compressed, everything on the page included."""
        return sum(request.sizes()["responseBodySize"] for request in self.answered)

    def scroll(self):
        """Down to the end and back, so that whatever comes late has come."""
        self.page.evaluate("window.scrollTo(0, document.body.scrollHeight)")
        self.page.wait_for_load_state("networkidle")
        self.page.evaluate("window.scrollTo(0, 0)")

    def until(self, condition, arg=None):
        """Wait until a condition holds; Playwright's own way evaluates text in the page.

        The page's policy allows that the first time only, which is from outside.
        """
        for _ in range(100):
            if self.page.evaluate(condition, arg):
                return
            self.page.wait_for_timeout(100)
        raise TimeoutError(f"after 10 s this does not hold: {condition}")

    def settle(self):
        """Let the page's own scripts hear of what has changed, however busy the machine is."""
        self.page.evaluate(
            "() => new Promise(done => requestAnimationFrame(() => setTimeout(done, 400)))"
        )

    def axe(self):
        """What axe-core finds: WCAG 2.2 AA and good practice, one line a rule."""
        self.settle()  # the theme lets the keyboard reach what scrolls 0.3 s after the last change
        self.page.evaluate(AXE.read_text(encoding="utf-8"))
        result = self.page.evaluate(
            "rules => axe.run(document, {runOnly: rules, resultTypes: ['violations']})", RULES
        )
        return [
            f"{v['id']} x{len(v['nodes'])}: {v['nodes'][0]['html'][:160]}"
            for v in result["violations"]
        ]

    def shift(self):
        """The cumulative layout shift so far."""
        return self.page.evaluate(
            """() => new Promise(done => {
                let sum = 0;
                new PerformanceObserver(list => list.getEntries().forEach(e => sum += e.value))
                    .observe({type: "layout-shift", buffered: true});
                setTimeout(() => done(sum), 200);
            })"""
        )

    def sideways(self):
        """By how many pixels the page can be moved sideways, and what sticks out."""
        return self.page.evaluate(
            """() => {
                const root = document.documentElement, over = root.scrollWidth - root.clientWidth;
                if (over <= 0) return [0, ""];
                const wide = [...document.querySelectorAll("main *")].find(
                    e => e.getBoundingClientRect().right > root.clientWidth + 1
                        && !e.closest(".formula, .wide, pre, .pst-scrollable-table-container"));
                return [over, wide ? wide.outerHTML.slice(0, 120) : "?"];
            }"""
        )


# --------------------------------------------------------------------------------- what is read off


def drawings(text):
    """The figures that stand in a page."""
    return re.findall(r'<svg class="drawing".*?</svg>', text, re.DOTALL)


def later(text):
    """Bytes of a page that is not the first of its visit, besides its figures: the HTML alone."""
    for drawing in drawings(text):
        text = text.replace(drawing, "")
    return len(gzip.compress(text.encode()))


def nameless(text):
    """Figures and pictures without words for those who do not see them."""
    pictures = re.findall(r"<img [^>]*>", text) + drawings(text)
    return [p[:80] for p in pictures if not re.search(r'(alt|aria-label)="[^"]{40,}"', p)]


def raw_tex(text):
    """TeX that a reader would see."""
    body = re.sub(r"<(script|style|pre|svg|code).*?</\1>", "", text, flags=re.DOTALL)
    return re.findall(r"\\(?:frac|phi|tilde|operatorname|mathbb|begin|text)\b|\\\(|\$\$", body)


def report(chrome, home, page):
    """One row of the table."""
    text = (HTML / page).read_text(encoding="utf-8")
    with Visit(chrome, home + page) as first:
        first.scroll()
        weight, requests = first.weight, len(first.answered)
        shift, light = first.shift(), first.axe()
    with Visit(chrome, home + page, color_scheme="dark") as visit:
        dark = visit.axe()
    with Visit(chrome, home + page, width=320) as visit:
        over, _ = visit.sideways()
    row = [page, f"{weight / 1000:.1f}", f"{later(text) / 1000:.1f}", requests, len(first.outside)]
    row += [len(first.said), len(light), len(dark), len(nameless(text)), len(raw_tex(text)), over]
    return [*row, f"{shift:.3f}"], [*first.outside, *first.said, *light, *dark]


def latency(chrome, address):
    """For each figure with sliders, milliseconds from an input to a picture laid out anew."""
    with Visit(chrome, address) as visit:
        return visit.page.evaluate(
            """async () => {
                const found = {};
                for (const figure of document.querySelectorAll("figure.explorer")) {
                    const times = [];
                    for (const slider of figure.querySelectorAll("input[type=range]")) {
                        for (let i = 0; i < 40; i++) {
                            await new Promise(requestAnimationFrame);
                            const share = (i + .5) / 40, low = +slider.min, high = +slider.max;
                            slider.value = low + share * (high - low);
                            const start = performance.now();
                            slider.dispatchEvent(new Event("input", {bubbles: true}));
                            figure.querySelectorAll("path").forEach(p => p.getBoundingClientRect());
                            times.push(performance.now() - start);
                        }
                    }
                    times.sort((a, b) => a - b);
                    found[figure.dataset.explorer] = times[Math.floor(.95 * times.length)];
                }
                return found;
            }"""
        )


def lighthouse(address, runs=5):
    """Lighthouse's four scores (mobile, simulated): performance as the median of some runs."""
    environment = {**os.environ, "CHROME_PATH": chromium()}
    scores = []
    with tempfile.TemporaryDirectory() as folder:
        for run in range(runs):
            file = Path(folder, f"{run}.json")
            command = ["npx", "--yes", LIGHTHOUSE, address, "--quiet", "--output=json"]
            command += [f"--output-path={file}", f"--chrome-flags=--headless {' '.join(FLAGS)}"]
            subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL)
            found = json.loads(file.read_text(encoding="utf-8"))["categories"]
            scores.append({name: round(100 * c["score"]) for name, c in found.items()})
    return {name: statistics.median(s[name] for s in scores) for name in scores[0]}, scores


def main():
    head = ("page", "kB", "kB later", "requests", "outside", "console", "axe light", "axe dark")
    head += ("no text", "raw TeX", "sideways", "shift")
    print(f"{head[0]:28}" + "".join(f"{name:>10}" for name in head[1:]))
    with serve() as home, browser() as chrome:
        for page in pages():
            row, found = report(chrome, home, page)
            print(f"{row[0]:28}" + "".join(f"{value:>10}" for value in row[1:]), flush=True)
            for line in found:
                print("    " + line)
            for kind, time in latency(chrome, home + page).items():
                print(f"    {kind}: input to picture {time:.1f} ms at the 95th percentile")
        if shutil.which("npx") is None:
            print("Lighthouse was not run: it needs npx, which comes with Node.")
            return
        for page in pages():
            if page.startswith("chapters/"):
                medians, runs = lighthouse(home + page)
                print(f"Lighthouse {page}: {medians}, runs {[r['performance'] for r in runs]}")


if __name__ == "__main__":
    get_chromium() if sys.argv[1:] == ["get"] else main()
