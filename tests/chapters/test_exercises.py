"""The exercises: every solution passes its check, and every stub is told that it is one."""

import re

import jupytext
import matplotlib.pyplot as plt
import pytest
from labels import CHAPTERS, ROOT

from jacobians.book import exercises

TEACHING = [
    c
    for c in CHAPTERS
    if c.stem
    not in (
        "index",
        "questions",
        "formulas",
        "notation",
        "interface",
        "references",
        "teaching",
        "about",
    )
]
SOLVED = not (ROOT / "STUDENT").exists()  # `make student` writes the book without its solutions
every_chapter = pytest.mark.parametrize("chapter", TEACHING, ids=lambda path: path.stem)


@every_chapter
def test_solutions_pass_and_stubs_are_told_that_they_are_not_written(chapter, monkeypatch):
    """The whole chapter runs from top to bottom in one namespace, as in a fresh kernel."""
    plt.switch_backend("agg")
    monkeypatch.setattr(plt, "show", lambda: plt.close("all"))
    names, checked = {"__name__": "__main__"}, 0
    with plt.rc_context():
        for cell in jupytext.read(chapter).cells:
            if cell.cell_type == "code":
                exec(compile(cell.source, chapter.name, "exec"), names)
    for check in [name for name in names if hasattr(exercises, name) and name.startswith("check_")]:
        stub = check.removeprefix("check_")
        assert stub in names, f"{chapter.name}: {check} is there, and no stub `{stub}` before it"
        report = names[check](names[stub])
        told = (
            f"{chapter.name}: of the stub `{stub}`, which should return NaN, {check} says {report}"
        )
        assert not report.ok and "not written yet" in str(report), told
        if SOLVED:
            solution = f"{stub}_solution"
            assert solution in names, f"{chapter.name}: the solution does not define `{solution}`"
            report = names[check](names[solution])
            assert report.ok, report
        checked += 1
    assert checked > 0, (
        f"{chapter.name} lacks an exercise that asks for a function and prints its check "
        "(CONTRIBUTING, An exercise)"
    )


@every_chapter
def test_a_chapter_has_three_exercises_or_more_each_with_a_folded_solution(chapter):
    text = chapter.read_text("utf-8")
    asked = re.findall(r"^`+\{exercise(?:-start)?\}\n:label: (\S+)$", text, re.MULTILINE)
    solved = re.findall(r"^`+\{solution(?:-start)?\} (\S+)\n:class: dropdown$", text, re.MULTILINE)
    lacking = [f"{3 - len(asked)} more of the three exercises"] if len(asked) < 3 else []
    lacking += [
        f"an exercise *{kind}.*"
        for kind in ("By hand", "To code", "To break")
        if f"*{kind}.*" not in text
    ]
    lacking += [f"the folded solution of {name}" for name in asked if SOLVED and name not in solved]
    assert not lacking, f"{chapter.name} lacks " + ", ".join(lacking)
    assert solved == (asked if SOLVED else []), f"{chapter.name}: solutions in another order"
