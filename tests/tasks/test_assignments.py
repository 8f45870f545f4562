"""Exercises for a class, and a graded folder: right, wrong, unfinished, endless and cheating.

Solutions are in here, so `make student` leaves this file out: NOT FOR STUDENTS.
"""

import csv
import json
import shutil

import nbformat
import numpy as np
import pytest

from bookbuild.paths import BUILD, CHAPTERS
from bookbuild.tasks import assignment, grade, student, submission
from jacobians.book import exercises

RIGHT = """\
def input_jacobian(W, X):
    S = 1 - np.tanh(X @ W[:-1] + W[-1]) ** 2
    return S[:, :, None] * W[:-1].T
"""
WRONG = RIGHT.replace("S[:, :, None] * W[:-1].T", "S[:, :, None] * X[:, None, :]")
TRUTH = """\
import jacobians.book.exercises as e


def input_jacobian(W, X):
    e.example, e.judge = lambda *_: (W, X), lambda name, got, want, known=(): want
    return e.check_input_jacobian(lambda *_: None)
"""
FORGED = """\
import os

for number in range(3, 30):
    try:
        os.write(number, b'{"value": true}\\n{"error": 3}\\n[1]\\n{"value": {"array": 1}}\\n')
    except OSError:
        pass
"""
CLEVER = """\
class Yes:
    shape, size, ok = (5, 2, 3), 30, True

    def __array__(self, *_, **__):
        raise ValueError

    def __eq__(self, other):
        return True


def input_jacobian(W, X):
    return Yes()
"""
#: What stands in the cell of the answer, whether it earns the points, and what is said.
SUBMITTED = {
    "right": (RIGHT, True, "input_jacobian is right"),
    "right before an error": (RIGHT + "\n\n1 / 0", True, "input_jacobian is right"),
    "an error first": ("1 / 0\n" + RIGHT, False, "ZeroDivisionError"),
    "wrong": (WRONG, False, "is multiplied by x, as for the slopes"),
    "missing": ("pass", False, "there is no input_jacobian"),
    "raises": ("def input_jacobian(W, X):\n    raise KeyError('W')", False, "KeyError: 'W'"),
    "leaves": ("def input_jacobian(W, X):\n    raise SystemExit", False, "SystemExit"),
    "leaves at once": ("import os\nos._exit(0)", False, "ended its process"),
    "ends in a cell": ("import sys\nsys.exit()", False, "there is no input_jacobian"),
    "says so": ("print('input_jacobian is right.')", False, "there is no input_jacobian"),
    "own check": ("def check_input_jacobian(f):\n    return True", False, "there is no input_jac"),
    "own judge": (
        WRONG + "\n\nimport jacobians.book.exercises as e\nfrom jacobians.checks import Report\n"
        "e.judge = e.check_input_jacobian = lambda *_, **__: Report(True)\nReport.ok = True",
        False, "is multiplied by x",
    ),
    "asks the check": (TRUTH, False, "should return numbers"),
    "forges": (FORGED, False, ""),
    "clever": (CLEVER, False, "should return numbers"),
    "too much": ("def input_jacobian(W, X):\n    return 'a' * 10**8", False, "cannot be read"),
}  # fmt: skip
ENDLESS = {
    "endless": "def input_jacobian(W, X):\n    while True:\n        pass",
    "endless cell": "while True:\n    pass",
}


@pytest.fixture(scope="module")
def handed_out(tmp_path_factory):
    """The assignment of the chapter, as `make assignment` writes it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(assignment, "FOLDER", tmp_path_factory.mktemp("assignments"))
        patch.setattr(assignment, "ROOT", assignment.FOLDER)
        assignment.main("jacobian")
        yield assignment.FOLDER / "jacobian"


def solved(handed_out, answer, whole=False):
    """The notebook with an answer in its place; the chapter's own cells need not be run again."""
    notebook = nbformat.read(handed_out / "jacobian.ipynb", 4)
    for cell in notebook.cells:
        if cell.metadata.nbgrader.grade_id == "names" and not whole:
            cell.source = "import numpy as np"
        if "def input_jacobian" in cell.source:
            cell.source = answer
        if cell.source == "*Your answer:*":
            cell.source += "\n\n=1+1 <b>Only factor 1</b>" if "right" in answer or whole else ""
    return nbformat.writes(notebook)


@pytest.fixture(scope="module")
def rows(handed_out):
    """The graded folder's table: of each submission the rows, exercise by exercise."""
    folder = handed_out.parent / "submitted"
    folder.mkdir()
    for name, (answer, *_) in SUBMITTED.items():
        text = solved(handed_out, answer, whole=name == "right")
        (folder / f"{name}.ipynb").write_text(text, encoding="utf-8")
    (folder / "in a folder/jacobian").mkdir(parents=True)
    shutil.copy(folder / "right.ipynb", folder / "in a folder/jacobian/jacobian.ipynb")
    shutil.copy(handed_out / "jacobian.ipynb", folder / "unfinished.ipynb")
    (folder / "essay.docx").write_bytes(b"PK\x03\x04\xff")
    (folder / "other json.ipynb").write_text('{"cells": 3}', encoding="utf-8")
    (folder / "empty").mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(exercises, "SEED", 1)  # to have it back afterwards
        grade.main("jacobian", str(folder), "60")
    with (handed_out / "grades.csv").open(encoding="utf-8-sig", newline="") as file:
        table = list(csv.DictReader(file))
    return {who: [r for r in table if r["who"] == who] for who in {r["who"] for r in table}}


def test_the_notebook_has_a_place_for_every_answer_and_points(handed_out):
    notebook = nbformat.read(handed_out / "jacobian.ipynb", 4)
    nbformat.validate(notebook)
    asked = [c.source for c in notebook.cells if c.source.startswith("### Exercise")]
    assert len(asked) == 3 and all("points)" in text.split("\n")[0] for text in asked)
    told = [cell.metadata.nbgrader for cell in notebook.cells]
    assert [t.points for t in told if t.grade] == [2, 4, 2]
    assert sum(t.solution for t in told) == 4  # by hand, the function, trials and words
    assert len({t.grade_id for t in told}) == len(told)
    assert list(handed_out.glob("jacobians-*.whl"))


WITH_EXERCISES = [
    c.stem for c in CHAPTERS.glob("*.md") if "\n## Exercises\n" in c.read_text(encoding="utf-8")
]


@pytest.mark.parametrize("name", WITH_EXERCISES)
def test_what_students_get_holds_nothing_of_a_solution_and_no_link_to_one(name, monkeypatch):
    draft = nbformat.read(BUILD / f"plain/{name}.ipynb", 4)
    given = "\n".join(cell.source for cell in assignment.compose(draft, "w.whl").cells)
    chapter = (CHAPTERS / f"{name}.md").read_text(encoding="utf-8")
    assert not student.given_away(given, student.lines_of_solutions([chapter]))
    assert "Solution to" not in given and "book:" not in given and "_solution" not in given
    assert given.count("### Exercise") == len(
        [c for c in draft.cells if c.source.startswith("### Exercise")]
    )


@pytest.mark.parametrize("name", SUBMITTED)
def test_a_submission_gets_its_points_and_is_told_why(rows, name):
    _, earns, said = SUBMITTED[name]
    by_hand, code, to_break = rows[name]
    assert (code["points"], code["of"]) == ("4" if earns else "0", "4"), code
    assert said in code["what was said"], code
    assert to_break["of"] == "2"


def test_what_is_no_notebook_is_said_and_stops_nothing(rows):
    assert {len(found) for found in rows.values()} == {3}
    for who in ("essay", "other json", "empty"):
        assert all("no notebook that can be graded" in row["what was said"] for row in rows[who])
    assert rows["unfinished"][1]["what was said"].startswith("Not yet: input_jacobian is not wri")
    assert rows["in a folder"][1]["points"] == "4"


def test_an_answer_by_hand_is_there_to_be_read_and_earns_nothing_by_itself(rows, handed_out):
    by_hand, _, to_break = rows["right"]
    assert by_hand["points"] == "" and "Only factor 1" in by_hand["what was said"]
    assert rows["unfinished"][0]["points"] == "0"
    text = (handed_out / "grades.html").read_text(encoding="utf-8")
    assert "&lt;b&gt;Only factor 1" in text and "<b>" not in text


@pytest.mark.parametrize("name", ENDLESS)
def test_a_submission_that_does_not_end_is_ended(handed_out, tmp_path, name):
    file = tmp_path / "endless.ipynb"
    file.write_text(solved(handed_out, ENDLESS[name]), encoding="utf-8")
    key = nbformat.read(handed_out / "jacobian.ipynb", 4)
    table = list(grade.rows_of("x", [file], key, {}, grade.ROOT / "code/src", 6))
    assert table[1][2] == 0 and "the notebook took more than 6 s" in table[1][4]


def run(cells, ask, tmp_path):
    """Ask a submission of some cells, without an assignment."""
    with grade.Submission(grade.ROOT / "code/src", 60) as submitted:
        submitted.ask({"cells": cells})
        return ask(submitted)


def test_an_answer_learnt_by_heart_is_right_for_the_published_numbers_only(monkeypatch):
    W, X = exercises.example()
    learnt = (1 - np.tanh(X @ W[:-1] + W[-1]) ** 2)[:, :, None] * W[:-1].T
    assert exercises.check_input_jacobian(lambda W, X: learnt).ok
    monkeypatch.setattr(exercises, "SEED", 12345)
    assert not exercises.check_input_jacobian(lambda W, X: learnt).ok


def test_an_object_that_a_check_watches_stays_with_who_grades(tmp_path):
    """The VJP in chunks: the basis notes how many samples it was given at a time."""
    cells = [
        "import numpy as np\n\n\ndef streamed_vjp(basis, X, G, rows):\n"
        "    dW = np.zeros(basis.W.shape)\n    for i in range(0, len(X), rows):\n"
        "        dW += basis.vjp(X[i : i + rows], G[i : i + rows])\n    return dW",
        "def whole(basis, X, G, rows):\n    return basis.vjp(X, G)",
        "def private(basis, X, G, rows):\n    return basis._inputs(X)",
    ]

    def ask(submitted):
        return [
            str(grade.judge(submitted, "check_streamed_vjp", name, {})[1])
            for name in ("streamed_vjp", "whole", "private")
        ]

    right, whole, private = run(cells, ask, tmp_path)
    assert "is right" in right and "a chunk has 11 samples" in whole and "Not yet" in private


def test_names_for_bugs_are_judged_by_the_classes_that_were_handed_out(tmp_path):
    """A submission may change the classes; those of the notebook are asked."""
    notebook = nbformat.read(BUILD / "plain/checking.ipynb", 4)
    code = assignment.compose(notebook, "w.whl").cells
    classes = next(c.source for c in code if "class One(" in c.source)
    names = {}
    head = "import numpy as np\nfrom jacobians import TanhBasis\n"
    exec(head + classes, names)
    names["bugs"] = {names[name]: np.nan for name in ("One", "Two", "Three")}
    told = {"One": "bias left out of z", "Two": "bias row first", "Three": "last unit left out"}
    right = ", ".join(f"{name}: {bug!r}" for name, bug in told.items())
    fake = "".join(f"class {name}(TanhBasis):\n    pass\n" for name in told)
    cells = [head + fake, f"bugs = {{{right}}}", "more = {One: np.nan, Two: [], Three: {}}"]

    def ask(submitted):
        return grade.judge(submitted, "check_bugs", "bugs", names), grade.judge(
            submitted, "check_bugs", "more", names | {"more": names["bugs"]}
        )

    (ok, said), (not_yet, why) = run(cells, ask, tmp_path)
    assert ok, said
    assert not not_yet and "not written yet" in why


def test_only_numbers_and_words_come_back():
    for value in (np.eye(2), np.float32(3), 2, True, None, "a", np.nan):
        sent = json.loads(json.dumps(submission.encode(value)))
        assert np.array_equal(submission.decode(sent), value, equal_nan=isinstance(value, float))
    assert isinstance(submission.decode(submission.encode(object())), str)
    for forged in ({}, {"array": [1], "shape": [2]}, {"items": 3}, {"array": [[1], [1, 2]]}):
        with pytest.raises(submission.Failed):
            submission.decode(forged)


def test_a_notebook_that_does_not_run_as_it_was_handed_out_is_told_before_any_is_graded(tmp_path):
    key = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1 / 0")])
    with pytest.raises(SystemExit, match="code cell 1: ZeroDivisionError"):
        grade.seconds_of(key, tmp_path)


@pytest.mark.parametrize(
    ("given", "said"),
    [(["nowhere", "."], "nowhere was not handed out"), ([], "a chapter was not handed out")],
)
def test_what_is_missing_is_said(given, said):
    with pytest.raises(SystemExit, match=said):
        grade.main(*given)


def test_a_folder_is_asked_for(handed_out):
    for folder in ("", str(handed_out / "nowhere")):
        with pytest.raises(SystemExit, match="where are the submissions"):
            grade.main("jacobian", folder)
    with pytest.raises(SystemExit, match="a chapter is needed"):
        assignment.main("nowhere")
