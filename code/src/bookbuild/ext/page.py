"""What every page is sent beside its text: our templates, its description, its buttons."""

import os
import re
from pathlib import Path

from docutils import nodes
from sphinx_design.icons import get_octicon

from bookbuild import publication
from bookbuild.paths import THEME

LINE = 160  # letters of a description that a search engine shows


def add_theme(app, config):
    # As seen from the book, since a hash of the settings decides what is written anew.
    here = os.path.relpath(THEME, app.confdir)
    config.html_static_path.append(f"{here}/static")
    config.templates_path.insert(0, f"{here}/templates")


def describe(app, pagename, templatename, context, doctree):
    about = in_one_line(doctree) or context.get("description") or context["docstitle"]
    context.update(description=about, site=publication.site())


def in_one_line(doctree):
    """What a page is about: its first sentence that is neither a formula nor a cell."""
    for paragraph in doctree.findall(nodes.paragraph) if doctree else ():
        if isinstance(paragraph.parent, nodes.section) and not paragraph.next_node(nodes.math):
            text = re.sub(r"\s+", " ", paragraph.astext())
            return text if len(text) <= LINE else text[: text.rfind(" ", 0, LINE)]
    return ""


def offer(app, pagename, templatename, context, doctree):
    """The links above a page, each an icon with its name in words."""
    links = []
    if doctree is not None:
        if pagename in app.env.metadata and "kernelspec" in app.env.metadata[pagename]:
            notebook = f"{context['pathto']('notebooks', 1)}/{Path(pagename).name}.ipynb"
            links.append(("Download this chapter as a notebook", "download", notebook))
        source = context["pathto"](f"_sources/{context['sourcename']}", 1)
        links.append(("Download the source of this page", "file-code", source))
        links += publication.links(publication.repository(), pagename)
    context["links"] = [(label, get_octicon(icon, "1.2em"), url) for label, icon, url in links]


def extra_pages(app):
    """The page at the site's own address, which leads to the first chapter and can be shared; and
    the one that a host shows where there is none."""
    first = app.env.get_doctree(app.config.root_doc)
    yield "index", {"title": app.config.html_title, "description": in_one_line(first)}, "front.html"
    yield "404", {"title": "No such page"}, "404.html"
