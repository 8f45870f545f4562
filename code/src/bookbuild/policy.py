"""A Content-Security-Policy in every page: the site's own files, the page's own scripts, no others.

The policy stands in the page, so it holds wherever the pages are hosted, and from a folder too. A
script that stands in the page is named by its hash, whatever else finds its way in does not run.
"""

import base64
import hashlib
import re
from pathlib import Path

FIRST = '<meta charset="utf-8" />'  # of every page's head; what follows is under the policy
META = re.compile(r'\n *<meta http-equiv="Content-Security-Policy"[^>]*>')
SCRIPT = re.compile(r"<script>(.*?)</script>", re.DOTALL)


def policy(page):
    """The policy of a page, given as its text."""
    scripts = {
        "'sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() + "'": None
        for text in SCRIPT.findall(page)
    }
    return "; ".join([
        "default-src 'none'",
        " ".join(["script-src 'self'", *scripts]),
        "style-src 'self' 'unsafe-inline'",  # drawings and formulas carry style attributes
        "img-src 'self' data:",  # the theme's stylesheet holds its smallest icons
        "font-src 'self'",
        "connect-src 'self'",  # the search shows lines of the pages that it found
        "form-action 'self'",
        "base-uri 'none'",
    ])  # fmt: skip


def protect(app, error):
    if error or app.builder.format != "html":
        return
    for file in Path(app.outdir).rglob("*.html"):
        page = META.sub("", file.read_text(encoding="utf-8"))
        meta = f'\n    <meta http-equiv="Content-Security-Policy" content="{policy(page)}">'
        page = page.replace(FIRST, FIRST + meta, 1)
        file.write_text(page, encoding="utf-8")


def setup(app):
    app.connect("build-finished", protect, priority=950)  # when the scripts are as they will be
    return {"parallel_read_safe": True, "parallel_write_safe": True}
