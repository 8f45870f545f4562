"""A page of the built book as a reader meets it, with everything it asked for and said."""

from pathlib import Path

import axe_playwright_python

from bookbuild import contents
from bookbuild.paths import HTML

AXE = Path(axe_playwright_python.__file__).parent / "axe.min.js"
# All rules of WCAG 2.2 A and AA with good practice, and one more that axe keeps as experimental.
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22a", "wcag22aa", "best-practice"]
MORE_RULES = {
    "label-content-name-mismatch": True,
    "region": False,  # the theme's switches and the links above a page stand beside its landmarks
}

# axe measures the contrast of every letter of a formula and every word of a cell, for ten seconds a
# page. Of those that stand alike, in colour, ground, size and weight, it measures the first three.
ALIKE = """() => {
    const number = new Map(), place = new Map();
    const around = element => {
        if (!element) return "";
        if (!place.has(element)) {
            const {backgroundColor, backgroundImage, opacity} = getComputedStyle(element);
            const own = [backgroundColor, backgroundImage, opacity].join();
            const over = around(element.parentElement);
            place.set(element, own === "rgba(0, 0, 0, 0),none,1" ? over : `${over} ${own}`);
        }
        return place.get(element);
    };
    for (const element of document.querySelectorAll("body *")) {
        const {color, fontSize, fontWeight} = getComputedStyle(element);
        const key = [color, fontSize, fontWeight, around(element), element.localName].join();
        number.set(key, (number.get(key) ?? 0) + 1);
        if (number.get(key) > 3) element.dataset.alike = "";
    }
    axe.configure({rules: [{id: "color-contrast", selector: "*:not([data-alike])"}]});
}"""

LIES_ON = """const liesOn = (a, b) =>
    Math.min(a.right, b.right) - Math.max(a.left, b.left) > 1
    && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 1;"""
# The numbers of equations that lie on their formulas: on all of its box, which may scroll.
NUMBERS_ON_FORMULAS = f"""page => {{
    {LIES_ON}
    return [...page.querySelectorAll("div.math > .eqno")].filter(number => liesOn(
        number.getBoundingClientRect(),
        number.parentElement.querySelector(".formula").getBoundingClientRect(),
    )).map(number => number.textContent);
}}"""
# The words of figures that lie on other words.
WORDS_ON_WORDS = f"""() => {{
    {LIES_ON}
    return [...document.querySelectorAll("svg.drawing")].flatMap(drawing => {{
        const words = [...drawing.querySelectorAll("g[id*='text_']")]
            .map(word => [word.id, word.getBoundingClientRect()])
            .filter(([, box]) => box.width > 0);
        return words.flatMap(([one, a], i) => words.slice(i + 1)
            .filter(([, b]) => liesOn(a, b)).map(([other]) => `${{one}} on ${{other}}`));
    }});
}}"""


def pages():
    """Every page of the book, as its address relative to the book's root.

    Where the book is not built, its chapters: so that their tests are there, and fail.
    """
    found = sorted(path.relative_to(HTML).as_posix() for path in HTML.rglob("*.html"))
    found = [page for page in found if not page.startswith(("_static/", "index.html", "404.html"))]
    return found or [f"{name}.html" for name in contents.in_order()]


class Visit:
    """One page in a window of its own, with everything it asked for and said."""

    def __init__(self, chrome, address, width=1280, height=900, **options):
        self.context = chrome.new_context(viewport={"width": width, "height": height}, **options)
        self.page = self.context.new_page()
        self.answered, self.outside, self.said, self.pending = [], [], [], set()
        self.page.on("request", self._requested)
        self.page.on("response", self._answered)
        self.page.on("requestfinished", lambda request: self.pending.discard(request))
        self.page.on("requestfailed", self._failed)
        self.page.on("console", lambda message: self.said.append(f"{message.type}: {message.text}"))
        self.page.on("pageerror", lambda error: self.said.append(f"error: {error}"))
        self.page.goto(address)  # to the end, however busy the machine is
        self.rest()

    def rest(self):
        """Wait until nothing that was asked for is on its way, and nothing more has been asked for.

        Playwright's own "networkidle" waits half a second, and some browsers never tell it.
        """
        still = 0
        while still < 3:
            self.page.wait_for_timeout(50)
            still = 0 if self.pending else still + 1

    def _failed(self, request):
        self.pending.discard(request)
        self.said.append(f"failed: {request.url}")

    def _requested(self, request):
        self.pending.add(request)
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
        for where in ("document.body.scrollHeight", "0"):
            self.page.evaluate(f"scrollTo({{top: {where}, behavior: 'instant'}})")
            self.rest()

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
        self.page.evaluate(ALIKE)
        result = self.page.evaluate(
            """([tags, more]) => axe.run(document, {
                runOnly: tags, resultTypes: ["violations"],
                rules: Object.fromEntries(more.map(([rule, enabled]) => [rule, {enabled}])),
            })""",
            [RULES, list(MORE_RULES.items())],
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
                // The theme hides what is wider than the page, or lets its column scroll.
                const root = document.documentElement, text = document.querySelector(".content");
                const over = Math.max(0, ...[root, text].filter(Boolean).map(
                    box => box.scrollWidth - box.clientWidth));
                if (over <= 0) return [0, ""];
                const wide = [...document.querySelectorAll("article *")].find(
                    e => e.getBoundingClientRect().right > root.clientWidth + 1
                        && !e.closest(".formula, .wide, pre, .table-wrapper"));
                return [over, wide ? wide.outerHTML.slice(0, 120) : "?"];
            }"""
        )
