"""What runs inside Sphinx: every hook of the book, in its order, each with its why.

Sphinx first reads the pages (an event and the transforms below), then writes them (post-transforms,
and the context of each page), then finishes. Numbers are Sphinx's priorities: small comes first.
"""

from docutils import nodes
from docutils.parsers.rst.directives.body import Container
from myst_nb.sphinx_ import HideCodeCellNode
from sphinx.errors import ExtensionError
from sphinx.writers.html5 import HTML5Translator

try:
    from bookbuild.ext import (
        ahead,
        downloads,
        drawings,
        elsewhere,
        epub,
        execution,
        faults,
        folds,
        formula_page,
        formulas,
        page,
        policy,
        published,
        search,
        sentences,
    )
except ImportError as error:  # jupyter-book of another environment
    raise ExtensionError(
        f"{error}. This book has an environment of its own: type make, or python make.py"
    ) from error

site = epub.site  # on the pages of the site only, not in the book on a shelf

HOOKS = [
    # event, hook, priority, why it is there and then
    ("config-inited", execution.choose_cache, 1, "before myst-nb reads where its cache lies"),
    ("config-inited", faults.silence, 500, "a cell that fails is told in a line of ours"),
    ("config-inited", page.add_theme, 500, "our templates are found before the theme's own"),
    ("builder-inited", site(published.restore_build_info), 500, "before it asks what has changed"),
    ("builder-inited", epub.prepare, 500, "a book has a style of its own"),
    ("builder-inited", execution.leave_the_search, 500, "before the index is loaded"),
    ("env-get-outdated", formula_page.changed, 500, "a formula has changed that it shows"),
    ("env-before-read-docs", execution.read_first, 500, "a preview reads one page, and no other"),
    ("env-before-read-docs", ahead.begin, 600, "of the pages that remain, what is to be executed"),
    ("env-before-read-docs", published.name_unlisted, 500, "a file that is no chapter is named"),
    ("source-read", faults.scan, 500, "a forgotten mark is seen in the text, and not in the tree"),
    ("doctree-read", formulas.note_characters, 500, "once formulas are MathML (FormulasToMathML)"),
    ("env-purge-doc", formulas.forget_characters, 500, "what a page no longer shows is forgotten"),
    ("env-updated", formulas.write_font, 500, "all pages are read, none is written: a page links"
     " to the stylesheet by its checksum"),
    ("env-get-updated", elsewhere.write_again, 600, "numbers are given, too"),
    ("html-collect-pages", site(page.extra_pages), 500, "the front page, one for a wrong address"),
    ("html-page-context", formulas.link_font, 500, "a page without formulas needs no font of them"),
    ("html-page-context", page.describe, 500, "what the page is about, where it is published"),
    ("html-page-context", site(page.offer), 500, "the buttons above the page"),
    ("html-page-context", site(downloads.note), 500, "numbers and titles are known: as text"),
    ("html-page-context", epub.close, 800, "the body is as it stays: a book's is XML"),
    ("html-page-context", site(policy.protect), 900, "the body is as it stays"),
    ("build-finished", site(downloads.write), 500, "notebooks, and their wheel"),
    ("build-finished", site(search.write), 600, "every page is written: sections can be ranked"),
    ("build-finished", site(published.finish), 900, "every file is there: the rest leaves"),
]  # fmt: skip
TRANSFORMS = [formulas.FormulasToMathML, sentences.EvaluateAlternatives]  # as pages are read
POST_TRANSFORMS = [  # as pages are written, in the order of their own priorities
    formula_page.FillFormulas,  # 5: once every page is read, its formulas are known
    drawings.InlineDrawings,  # 5: before Sphinx copies the images that it finds
    formulas.KeepPunctuation,  # 900
    folds.FoldDropdowns,  # 950: once the titles of exercises are resolved
]


def visit_citation(self, node):
    """A bibliography is a list; docutils gives its entries a role that lists do not know."""
    HTML5Translator.visit_citation(self, node)
    self.body[-1] = self.body[-1].replace('role="doc-biblioentry"', 'role="listitem"')


def setup(app):
    for event, hook, priority, _ in HOOKS:
        app.connect(event, hook, priority=priority)
    for transform in TRANSFORMS:
        app.add_transform(transform)
    for transform in POST_TRANSFORMS:
        app.add_post_transform(transform)
    app.add_node(folds.fold, html=(folds.visit_fold, folds.depart_fold))
    app.add_node(folds.summary, html=(folds.visit_summary, folds.depart_summary))
    app.add_node(HideCodeCellNode, override=True,
                 html=(folds.visit_hidden_cell, folds.depart_fold))  # fmt: skip
    app.add_node(nodes.citation, override=True,
                 html=(visit_citation, HTML5Translator.depart_citation))  # fmt: skip
    app.add_node(formula_page.of_page, html=(formula_page.skip, None))
    app.add_directive("labelled-formulas", formula_page.LabelledFormulas)
    app.add_role("eval", sentences.Evaluated(), override=True)  # myst-nb's own caches nothing
    app.add_directive("div", Container)  # by its name in MyST, as notebooks know it
    app.add_html_math_renderer(
        "mathml", (formulas.visit_inline, None), (formulas.visit_display, None)
    )
    # A change of what builds the book reads all pages anew, and executes none.
    app.add_config_value("book_tools", execution.state("bookbuild"), "env", str)
    app.add_css_file("book.css")
    app.add_js_file("book.js")
    return {"parallel_read_safe": False, "parallel_write_safe": False}
