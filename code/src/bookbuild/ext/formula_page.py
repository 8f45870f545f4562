"""A page of all labelled formulas, in reading order: formula, number, and what checks it.

The directive ``labelled-formulas`` stands for all of them. The formulas are taken from the
chapters' pages as they were read, and what is said of their checks from the tests' own source, so
that neither is written down a second time.
"""

import ast
import re
from dataclasses import dataclass
from pathlib import Path

from docutils import nodes
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util.docutils import SphinxDirective

ROOT = Path(__file__).resolve().parents[4]
TESTS = ROOT / "tests" / "equations"
LABELLED = re.compile(r"^\$\$ \((.*?)\)$", re.MULTILINE)


@dataclass(frozen=True)
class Check:
    """The test of a labelled formula: its file and name, and the reason if it is pinned."""

    file: str
    name: str
    pinned: str | None


def checks(folder=TESTS):
    """What checks each label, read from the decorators and calls of the tests.

    Parameters
    ----------
    folder : Path
        Where the tests of equations lie.

    Returns
    -------
    dict of str to Check
        By label, in the order of the files.
    """
    found = {}
    for path in sorted(folder.glob("test_equations_*.py")):
        for function in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(function, ast.FunctionDef):
                for label in labels(function):
                    found[label] = Check(path.name, function.name, reason(function))
    return found


def labels(function):
    """The labels that a test's decorators name."""
    for call in function.decorator_list:
        if isinstance(call, ast.Call) and getattr(call.func, "id", "") == "checks_equation":
            yield ast.literal_eval(call.args[0])


def reason(function):
    """Why the formula is pinned, or None if all of it is evaluated."""
    for call in ast.walk(function):
        if isinstance(call, ast.Call) and getattr(call.func, "id", "") == "pinned":
            return next(ast.literal_eval(k.value) for k in call.keywords if k.arg == "because")


class of_page(nodes.General, nodes.Element):
    """Holds the place of the formulas of one chapter until all chapters have been read."""


class LabelledFormulas(SphinxDirective):
    """A section for each chapter that has labelled formulas, with a place for them."""

    def run(self):
        for path in TESTS.glob("test_equations_*.py"):
            self.env.note_dependency(str(path))
        sections = []
        for page in self.config.external_site_map:
            source = Path(self.env.doc2path(page))
            self.env.note_dependency(str(source))
            text = source.read_text(encoding="utf-8")
            if LABELLED.search(text):
                title = re.search(r"^# (.*)$", text, re.MULTILINE)[1]
                section = nodes.section(ids=[nodes.make_id(f"formulas {source.stem}")])
                section += nodes.title("", title)
                section += of_page(page=page)
                sections.append(section)
        return sections


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


def setup(app):
    app.add_node(of_page, html=(skip, None), latex=(skip, None), text=(skip, None))
    app.add_directive("labelled-formulas", LabelledFormulas)
    app.add_post_transform(FillFormulas)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
