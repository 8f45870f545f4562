"""What the built pages weigh, and what is found on them: a table, as `make audit` prints it."""

import gzip
import json
import os
import re
import statistics
import subprocess
import tempfile
from pathlib import Path

import node
from visit import Visit, pages

from bookbuild.browser import FLAGS, browser, chromium, serve
from bookbuild.paths import HTML

LIGHTHOUSE = "lighthouse@12.8.2"


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
    hidden = r"<(script|style|pre|svg|code|annotation).*?</\1>"
    body = re.sub(hidden, "", text, flags=re.DOTALL)
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


def lighthouse(address, runs=3):
    """Lighthouse's four scores (mobile, simulated): performance as the median of some runs."""
    environment = {**os.environ, "CHROME_PATH": chromium()}
    program = node.fetched(LIGHTHOUSE) / "node_modules/lighthouse/cli/index.js"
    scores = []
    with tempfile.TemporaryDirectory() as folder:
        for run in range(runs):
            file = Path(folder, f"{run}.json")
            command = [node.tool("node"), program, address, "--quiet", "--output=json"]
            command += [f"--output-path={file}", f"--chrome-flags=--headless {' '.join(FLAGS)}"]
            subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL)
            found = json.loads(file.read_text("utf-8"))["categories"]
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
        for page in pages():
            medians, runs = lighthouse(home + page)
            performance = [run["performance"] for run in runs]
            print(f"Lighthouse {page}: {medians}, runs {performance}", flush=True)


if __name__ == "__main__":
    main()
