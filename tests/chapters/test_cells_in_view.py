"""What a reader sees is what a reader can type: the cells in view of a page run by themselves."""

import jupytext
import matplotlib
import matplotlib.pyplot as plt
import pytest
from labels import CHAPTERS

WIDTH = 80  # characters that fit beside the contents, in a window of 1250 pixels
#: Cells that are executed for the page alone, and that no reader sees.
UNSEEN = {"remove-cell", "remove-input"}
PAGES = {page.stem: jupytext.read(page) for page in CHAPTERS}
WITH_CELLS = [
    name for name, page in PAGES.items() if any(c.cell_type == "code" for c in page.cells)
]


def code(name):
    """The page's cells that can be seen: (source, whether it is folded away at first)."""
    for cell in PAGES[name].cells:
        tags = set(cell.metadata.get("tags", []))
        if cell.cell_type == "code" and not tags & UNSEEN:
            yield cell.source, "hide-input" in tags


@pytest.mark.parametrize("name", WITH_CELLS)
def test_the_cells_in_view_run_in_order_without_the_hidden_ones(name, monkeypatch):
    """Folded ones too, each at its place, but nothing else may need what they define."""
    monkeypatch.setattr(plt, "show", lambda: plt.close("all"))
    typed, folded_away = {"__name__": "__main__"}, {}
    with matplotlib.rc_context({"backend": "agg", "figure.max_open_warning": 0}):
        for number, (source, folded) in enumerate(code(name)):
            names = folded_away | typed if folded else typed
            exec(compile(source, f"{name}, cell {number} in view", "exec"), names)
            if folded:
                folded_away = names
    plt.close("all")


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
