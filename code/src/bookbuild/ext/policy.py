"""A Content-Security-Policy in every page: the site's own files, the page's own scripts, no others.

The policy stands in the page, so it holds wherever the pages are hosted, and from a folder too. A
script that stands in the page is named by its hash, whatever else finds its way in does not run.
Where the book knows its address, that stands beside 'self': WebKit takes nothing
for that in a frame that is a sandbox.
"""

import base64
import hashlib
import re
from pathlib import Path

import furo

from bookbuild import publication
from bookbuild.paths import THEME

META = '<meta http-equiv="Content-Security-Policy" content="{}">'
IN_PAGE = re.compile(META.format('[^"]*'))
SCRIPT = re.compile(r"<script>(.*?)</script>", re.DOTALL)
# The templates that have scripts of their own, which stand in every page as they stand there.
TEMPLATES = [furo.THEME_PATH / "base.html", THEME / "templates/page.html"]


def hashes(*texts):
    """What names the scripts that stand in these texts."""
    found = (script for text in texts for script in SCRIPT.findall(text))
    digests = (hashlib.sha256(script.encode()).digest() for script in dict.fromkeys(found))
    return [f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests]


def policy(scripts):
    allowed = "; ".join([
        "default-src 'none'",
        " ".join(["script-src 'self'", *scripts]),
        "style-src 'self' 'unsafe-inline'",  # drawings and formulas carry style attributes
        "img-src 'self' data:",  # the theme's stylesheet holds its icons
        "font-src data:",  # and ours the mathematical font
        "connect-src 'self'",  # the search shows lines of the pages that it found
        "form-action 'self' file:",  # Firefox does not count a folder as 'self'
        "base-uri 'none'",
    ])  # fmt: skip
    site = publication.site()
    return allowed.replace("'self'", f"'self' {site}/") if site else allowed


def protect(app, pagename, templatename, context, doctree):
    templates = [Path(file).read_text(encoding="utf-8") for file in TEMPLATES]
    allowed = policy(hashes(*templates, context.get("body", "")))
    context["metatags"] = f"{META.format(allowed)}{context.get('metatags', '')}"


def without_policy(page):
    """A page as `make live` serves it: the script that reloads it is none of its own."""
    return IN_PAGE.sub("", page)
