"""A reader who changes a number in a cell has a chapter that runs to its end, sentences too."""

import matplotlib
import matplotlib.pyplot as plt
import pytest
from test_cells_in_view import PAGES, asked

# In each chapter one line that invites a change: as it stands, and as a reader may write it.
EXPERIMENTS = {
    "a far stronger penalty": ("basis_functions", "lam = 1e-3", "lam = 1.0"),
    "a wider first step": ("basis_functions", "a = np.array([0.1, ", "a = np.array([0.05, "),
    "a day in a unit's step": ("jacobian", "x0 = 150.0", "x0 = 100.0"),
    "larger weights": ("checking", "W = 0.1 * rng", "W = 0.8 * rng"),
    "a day in autumn": ("chain_rule", "sample = 110", "sample = 250"),
    "less memory": ("at_scale", "memory = 10**6", "memory = 3 * 10**5"),
    "other steps to begin with": ("learning", "[[0.1, 0.2, 0.3], [-10", "[[0.05, 0.2, 0.3], [-5"),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", EXPERIMENTS)
def test_a_changed_number_runs_to_the_end_and_every_sentence_is_filled_in(name, monkeypatch):
    chapter, line, changed = EXPERIMENTS[name]
    monkeypatch.setattr(plt, "show", lambda: plt.close("all"))
    names, found = {"__name__": "__main__"}, 0
    with matplotlib.rc_context({"backend": "agg", "figure.max_open_warning": 0}):
        for cell in PAGES[chapter].cells:
            if cell.cell_type == "code":
                found += line in cell.source
                exec(cell.source.replace(line, changed), names)
    assert found == 1
    shown = [eval(e.code, names) for _, e in asked(chapter) if not e.claim]
    assert shown and all(isinstance(value, str | int) for value in shown)
    assert not {"nan", "inf"} & {str(value).lower() for value in shown}
