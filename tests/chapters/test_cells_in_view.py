"""What a reader sees is what a reader can type: the cells in view of a page run by themselves, and
what they leave behind is what the page's sentences say."""

import ast
import builtins

import jupytext
import matplotlib
import matplotlib.pyplot as plt
import pytest
from labels import CHAPTERS
from test_sources import complain

from bookbuild.ext.sentences import expressions

WIDTH = 80  # characters that fit beside the contents, in a window of 1250 pixels
#: Cells that are executed for the page alone, and that no reader sees.
UNSEEN = {"remove-cell", "remove-input"}
PAGES = {page.stem: jupytext.read(page) for page in CHAPTERS}
PATHS = {page.stem: page for page in CHAPTERS}
WITH_CELLS = [
    name for name, page in PAGES.items() if any(c.cell_type == "code" for c in page.cells)
]


def tags(cell):
    return set(cell.metadata.get("tags", []))


def code(name):
    """The page's cells that can be seen: (source, whether it is folded away at first)."""
    for cell in PAGES[name].cells:
        if cell.cell_type == "code" and not tags(cell) & UNSEEN:
            yield cell.source, "hide-input" in tags(cell)


def in_order(name):
    """The parts of a chapter with the line on which each begins: text, or a cell in view."""
    lines = PATHS[name].read_text("utf-8").splitlines()
    at = 0
    for cell in PAGES[name].cells:
        first = cell.source.split("\n")[0]
        at = next((n for n in range(at, len(lines)) if lines[n].strip() == first.strip()), at)
        yield cell, at + 1
        at += cell.source.count("\n") + 1


def asked(name):
    """Each expression of the chapter's text with the number of the part in which it stands."""
    for number, (cell, line) in enumerate(in_order(name)):
        if cell.cell_type == "markdown":
            for expression in expressions(cell.source, line):
                yield number, expression


@pytest.mark.parametrize("name", WITH_CELLS)
def test_the_cells_in_view_run_in_order_and_the_text_says_what_they_leave(name, monkeypatch):
    """Folded ones too, each at its place, but no other cell may need what they define.

    A sentence is evaluated where it stands and at the end, as JupyterLab does after a run: a reader
    who goes through the cells one by one must not have read another number.
    """
    monkeypatch.setattr(plt, "show", lambda: plt.close("all"))
    typed, folded_away, there, wrong = {"__name__": "__main__"}, {}, [], []
    with matplotlib.rc_context({"backend": "agg", "figure.max_open_warning": 0}):
        for cell, line in in_order(name):
            if cell.cell_type == "markdown":
                for expression in expressions(cell.source, line):
                    try:
                        value = eval(expression.code, folded_away | typed)
                    except NameError:  # it stands before the cell that answers it
                        continue
                    there.append((expression, value))
            elif cell.cell_type == "code" and not tags(cell) & UNSEEN:
                names = folded_away | typed if "hide-input" in tags(cell) else typed
                exec(compile(cell.source, f"{name}, cell of line {line}", "exec"), names)
                if names is not typed:
                    folded_away = names
        end = folded_away | typed
        for expression, value in there:
            if (now := eval(expression.code, end)) != value:
                wrong.append((expression.line, f"{expression.code} is {value}, then {now}"))
        for _, expression in asked(name):
            value = eval(expression.code, end)
            if expression.claim and value is not True:
                wrong.append((expression.line, f"it does not hold that {expression.code}"))
            if not isinstance(value, bool if expression.claim else str | int):
                wrong.append((expression.line, f"{expression.code} needs a format"))
    plt.close("all")
    complain(PATHS[name], wrong)


def bound(source):
    """The names that a cell binds at its own level, and those whose content it sets."""

    class Names(ast.NodeVisitor):
        def __init__(self):
            self.found = set()

        def visit_FunctionDef(self, node):
            self.found.add(node.name)

        visit_ClassDef = visit_FunctionDef

        def visit_Lambda(self, node):
            pass  # what is bound in there stays there

        visit_ListComp = visit_SetComp = visit_DictComp = visit_GeneratorExp = visit_Lambda

        def visit_Name(self, node):
            if isinstance(node.ctx, ast.Store):
                self.found.add(node.id)

        def visit_alias(self, node):
            self.found.add((node.asname or node.name).split(".")[0])

        def visit_Subscript(self, node):
            if isinstance(node.ctx, ast.Store) and isinstance(node.value, ast.Name):
                self.found.add(node.value.id)
            self.generic_visit(node)

    names = Names()
    names.visit(ast.parse(source))
    return names.found


@pytest.mark.parametrize("name", WITH_CELLS)
def test_no_name_of_a_sentence_is_bound_again_after_it(name):
    parts, found = list(in_order(name)), []
    cells = [
        (n, bound(c.source), line) for n, (c, line) in enumerate(parts) if c.cell_type == "code"
    ]
    for at, expression in asked(name):
        nodes = list(ast.walk(ast.parse(expression.code)))
        used = {node.id for node in nodes if isinstance(node, ast.Name)}
        own = {n.id for n in nodes if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
        own |= {node.arg for node in nodes if isinstance(node, ast.arg)}
        for word in sorted(used - own - set(dir(builtins))):
            before = [n for n, names, _ in cells if n < at and word in names]
            after = [(n, line) for n, names, line in cells if n > at and word in names]
            for _, line in after if before else after[1:]:
                found.append((expression.line, f"{word} is bound again by the cell of line {line}"))
    complain(PATHS[name], found)


def test_no_cell_is_executed_for_the_page_alone():
    hidden = [n for n, page in PAGES.items() for cell in page.cells if tags(cell) & UNSEEN]
    assert not hidden


@pytest.mark.parametrize("name", WITH_CELLS)
def test_no_line_in_view_is_wider_than_the_page(name):
    wide = [
        line
        for source, folded in code(name)
        if not folded
        for line in source.splitlines()
        if len(line) > WIDTH
    ]
    assert not wide
