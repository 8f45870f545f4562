"""Where the book lives, said once, and what a page can offer because of it.

The repository is taken from BOOK_REPOSITORY (https://github.com/owner/name), which the publishing
workflow sets, else from the git remote `origin` if the repository is ours, else there is none; the
address of the published pages from BOOK_URL. Without a repository a page has no button that leads
nowhere.
"""

import os
import re
from pathlib import Path
from urllib.parse import quote

from bookbuild import repository as project

BINDER = "https://mybinder.org/v2/gh"


def repository(root):
    """The repository's address on GitHub without a slash at its end, or an empty text."""
    said = os.environ.get("BOOK_REPOSITORY", "")
    if not said:
        said = project.git(root, "remote", "get-url", "origin") or ""
    match = re.search(r"github\.com[/:]([\w.-]+)/([\w.-]+?)(?:\.git)?/?$", said)
    return f"https://github.com/{match[1]}/{match[2]}" if match else ""


def branch(root):
    return os.environ.get("BOOK_BRANCH") or project.branch(root)


def site():
    """The address of the published pages without a slash at its end, or an empty text."""
    return os.environ.get("BOOK_URL", "").rstrip("/")


def buttons(home, branch, page):
    """What a page offers of its own in a repository at this address: label, icon, address."""
    owner_name = home.removeprefix("https://github.com/")
    body = quote(f"On the page {page}:\n\n(what it says, and what it should say)\n")
    return [
        (
            "Run this chapter in Binder",
            "fas fa-rocket",
            f"{BINDER}/{owner_name}/{branch}?urlpath=lab/tree/{page}.md",
        ),
        (
            "Report a mistake on this page",
            "fas fa-bug",
            f"{home}/issues/new?title={quote(f'A mistake in {page}')}&body={body}",
        ),
        ("Edit the source of this page", "fas fa-pencil", f"{home}/edit/{branch}/{page}.md"),
    ]


def add_buttons(app, pagename, templatename, context, doctree):
    home = repository(app.srcdir)
    if home and doctree is not None:
        context["header_buttons"] += [
            {"type": "link", "tooltip": label, "icon": icon, "url": url}
            for label, icon, url in buttons(home, branch(app.srcdir), pagename)
        ]


def add_site(app, pagename, templatename, context, doctree):
    context["site"] = site()


def write_sitemap(app, error):
    """Every page of the book for the machines that look for them, if it is known where they are."""
    if error or app.builder.format != "html" or not site():
        return
    pages = sorted(app.env.found_docs)
    entries = "".join(f"<url><loc>{site()}/{page}.html</loc></url>\n" for page in pages)
    (Path(app.outdir) / "sitemap.xml").write_text(
        '<?xml version="1.0" encoding="utf-8"?>\n'
        f'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n{entries}</urlset>\n',
        encoding="utf-8",
    )


def setup(app):
    app.connect("html-page-context", add_site)
    app.connect("html-page-context", add_buttons, priority=600)  # after the theme's own
    app.connect("build-finished", write_sitemap)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
