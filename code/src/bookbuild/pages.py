"""What every page is sent: our templates, stylesheet, script and icon, and what it is about."""

import os
import re
from pathlib import Path

from docutils import nodes

HERE = Path(__file__).parent
LINE = 160  # letters of a description that a search engine shows


def add_ours(app, config):
    # As seen from the book, since a hash of the settings is among the files of the site.
    here = os.path.relpath(HERE, app.confdir)
    config.html_static_path.append(f"{here}/static")
    config.templates_path.insert(0, f"{here}/templates")  # before the theme's own


def finish(app, pagename, templatename, context, doctree):
    """Mend what the parts of a page bring with them."""
    body = context.get("body", "")
    # A bibliography is a list, and docutils gives its entries a role that lists do not know.
    context["body"] = body.replace('role="doc-biblioentry"', 'role="listitem"')
    if "sd-tab-set" not in body:
        scripts = context["script_files"]
        context["script_files"] = [s for s in scripts if "design-tabs" not in str(s.filename)]


def describe(app, pagename, templatename, context, doctree):
    context["description"] = in_one_line(doctree) or context.get("description", "")
    context["description"] = context["description"] or context["docstitle"]


def in_one_line(doctree):
    """What a page is about: its first sentence that is neither a formula nor a cell."""
    for paragraph in doctree.findall(nodes.paragraph) if doctree else ():
        if isinstance(paragraph.parent, nodes.section) and not paragraph.next_node(nodes.math):
            text = re.sub(r"\s+", " ", paragraph.astext())
            return text if len(text) <= LINE else text[: text.rfind(" ", 0, LINE)]
    return ""


def front_page(app):
    """The page at the site's own address, which leads to the first chapter and can be shared."""
    first = app.env.get_doctree(app.config.root_doc)
    yield "index", {"title": app.config.html_title, "description": in_one_line(first)}, "front.html"


def setup(app):
    app.connect("config-inited", add_ours)
    app.connect("html-collect-pages", front_page)
    app.connect("html-page-context", describe)
    app.connect("html-page-context", finish)
    app.add_css_file("book.css")
    app.add_js_file("book.js")
    return {"parallel_read_safe": True, "parallel_write_safe": True}
