"""A page of all labelled formulas, in reading order: formula, number, and what checks it.

The directive ``labelled-formulas`` stands for all of them. The formulas are taken from the
chapters' pages as they were read, and what is said of their checks from the tests' own source, so
that neither is written down a second time.
"""

import hashlib
import re
from pathlib import Path

from docutils import nodes
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util.docutils import SphinxDirective

from bookbuild.checked import TESTS, checks

LABELLED = re.compile(r"^\$\$ \((.*?)\)$", re.MULTILINE)
SHOWN = re.compile(r"^# [^\n]*$|^\$\$\n(?:(?!\$\$).)*^\$\$ \([^\n]*\)$", re.MULTILINE | re.DOTALL)


class of_page(nodes.General, nodes.Element):
    """Holds the place of the formulas of one chapter until all chapters have been read."""


class LabelledFormulas(SphinxDirective):
    """A section for each chapter that has labelled formulas, with a place for them."""

    def run(self):
        for path in TESTS.glob("test_equations_*.py"):
            self.env.note_dependency(str(path))
        self.env.book_formulas = self.env.docname, shown(self.env)
        sections = []
        for page in self.config.external_site_map:
            source = Path(self.env.doc2path(page))
            text = source.read_text(encoding="utf-8")
            if LABELLED.search(text):
                title = re.search(r"^# (.*)$", text, re.MULTILINE)[1]
                section = nodes.section(ids=[nodes.make_id(f"formulas {source.stem}")])
                section += nodes.title("", title)
                section += of_page(page=page)
                sections.append(section)
        return sections


def shown(env):
    """A hash of what the page shows of the chapters' sources."""
    texts = (Path(env.doc2path(page)).read_text("utf-8") for page in env.config.external_site_map)
    return hashlib.sha256(repr([SHOWN.findall(text) for text in texts]).encode()).hexdigest()


def changed(app, env, *_):
    """The page is read again where a formula has changed, and not for every sentence."""
    page, before = getattr(env, "book_formulas", ("", ""))
    return [page] if page in env.found_docs and before != shown(env) else []


class FillFormulas(SphinxPostTransform):
    """Puts the formulas in their places, once every page has been read and numbered."""

    default_priority = 5
    formats = ("html",)

    def run(self, **kwargs):
        places = list(self.document.findall(of_page))
        known = checks() if places else {}
        for place in places:
            page = place["page"]
            found = self.env.get_doctree(page).findall(nodes.math_block)
            place.replace_self(
                [self.entry(page, node, known) for node in found if node.get("label")]
            )

    def entry(self, page, formula, known):
        """One formula and the line below it: its number, which is a link, and what checks it."""
        anchor = formula["ids"][0]
        numbers = self.env.toc_fignumbers.get(page, {}).get("displaymath", {})
        number = ".".join(map(str, numbers.get(anchor, ()))) or str(formula["number"])
        copy = formula.deepcopy()
        for attribute in ("ids", "names", "dupnames"):
            copy[attribute] = []
        copy["number"] = None  # it has its number where it is derived, and its anchor there, too
        here = self.app.builder.get_relative_uri(self.env.docname, page)
        note = nodes.paragraph(classes=["formula-check"])
        note += nodes.reference("", f"({number})", internal=True, refuri=f"{here}#{anchor}")
        check = known.get(formula["label"])
        if check is None:
            note += nodes.Text(" Nothing checks it.")
        else:
            said = (
                check.name.removeprefix("test_").replace("_", " ").replace("jacobian", "Jacobian")
            )
            note += nodes.Text(" Evaluated: " + said + ".")
            if check.pinned:
                note += nodes.Text(f" Part of it is read and held as it stands: {check.pinned}.")
        return nodes.container("", copy, note, classes=["labelled-formula"])


def skip(self, node):
    raise nodes.SkipNode
