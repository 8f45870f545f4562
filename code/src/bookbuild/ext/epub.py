"""The whole book as an EPUB: Sphinx's own builder writes it, with our formulas and drawings.

A reader's device runs no scripts, so what needs one is left out. Its pages are XML of 2019: names
are spelt out, elements closed, and formulas use what MathML 3 knows.
"""

import html
import re
import xml.etree.ElementTree as ElementTree
from importlib.metadata import version

from bookbuild import publication
from bookbuild.ext.mathml import NAMESPACE
from bookbuild.paths import THEME

SCRIPTED = re.compile(r"<(form|script|style|button)\b.*?</\1>\n?", re.DOTALL)
VOID = re.compile(r"<((?:area|br|col|hr|img|input|link|meta|wbr)\b[^>]*?)\s*/?>")
ENTITY = re.compile(r"&(?!(?:amp|lt|gt|quot|apos);)(\w+);")
LIST_IN_PARAGRAPH = re.compile(r"<p>(<(ul|ol)\b.*?</\2>)\s*</p>", re.DOTALL)
PATH_OF_NOTHING = re.compile(r"<path(?![^>]*\sd=)([^>]*?)/>")  # matplotlib's, of a space
MATH = re.compile(r"<math\b.*?</math>", re.DOTALL)
STYLES = {"pygments.css", "epub.css", "math.css", "shelf.css"}
NAME = "jacobian-by-hand"
SETTINGS = {  # for every builder, for a change of them reads all pages anew
    "version": version("jacobians"),
    "epub_basename": "book",
    "epub_identifier": NAME,
    "epub_uid": NAME,
    "epub_show_urls": "no",
    "epub_use_index": False,
    "epub_tocdup": False,
    "epub_tocscope": "includehidden",  # or the contents are the first page alone
    "epub_tocdepth": 2,
    "epub_description": "How to find, check and use the derivative of a tanh basis.",
    "epub_contributor": "none",
    "epub_exclude_files": [
        f"_static/{file.name}"
        for file in sorted((THEME / "static").iterdir())
        if file.name not in STYLES
    ],
}  # fmt: skip

ElementTree.register_namespace("", NAMESPACE)


def site(hook):
    """A hook for the pages of the site, which a book on a shelf has no use for."""

    def only_there(app, *arguments):
        return hook(app, *arguments) if app.builder.name != "epub" else ()

    return only_there


def prepare(app):
    if app.builder.name == "epub":
        app.add_css_file("shelf.css")
        app.config.epub_title = app.config.html_title
        publication.fix_date()


def close(app, pagename, templatename, context, doctree):
    """Make a page XML, without what a device has not."""
    if app.builder.name != "epub":
        return
    context["script_files"] = []
    context["css_files"] = [
        file for file in context["css_files"] if str(file.filename).rpartition("/")[2] in STYLES
    ]
    if "body" in context:
        context["body"] = xml(context["body"])


def xml(body):
    body = VOID.sub(r"<\1/>", SCRIPTED.sub("", body))
    body = ENTITY.sub(lambda name: html.unescape(name[0]), body)
    body = PATH_OF_NOTHING.sub(r'<path d=""\1/>', body)
    body = LIST_IN_PARAGRAPH.sub(r"\1", body)  # as Sphinx writes what a function returns
    return MATH.sub(lambda formula: mathml_3(formula[0]), body)


def mathml_3(formula):
    """A formula without what MathML Core has added: a style of display stands around an element."""
    root = ElementTree.fromstring(formula)
    root.attrib.pop("translate", None)
    for parent in list(root.iter()):
        for place, child in enumerate(parent):
            tag = child.tag.rpartition("}")[2]
            style = {
                name: child.attrib.pop(name)
                for name in ("displaystyle", "scriptlevel")
                if tag in ("mfrac", "mtable") and name in child.attrib
            }
            if style:
                around = ElementTree.Element(f"{{{NAMESPACE}}}mstyle", style)
                around.append(child)
                parent[place] = around
    return ElementTree.tostring(root, encoding="unicode")
