"""The exercises of a chapter for a class: ``python -m bookbuild.tasks.assignment jacobian``.

One notebook, and the wheel that it installs, in a folder to hand out. It is made from the
notebook that the build has written of the chapter, so its text is plain Markdown. Cells carry the
metadata of nbgrader, so that a course that uses it can take the notebook as it is; without
nbgrader, `bookbuild.tasks.grade` grades it.
"""

import re
import shutil
import sys

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from bookbuild.ext import downloads
from bookbuild.paths import BUILD, CHAPTERS, ROOT

FOLDER = BUILD / "assignments"
POINTS = {"By hand": 2, "To code": 4, "To break": 2}  # by the first words of an exercise
OTHER_POINTS = 2
IMPORT = re.compile(r"^from jacobians\.book\.exercises import (check_\w+)\n+", re.M)
CHECK = re.compile(r"\n*^print\((check_\w+)\((\w+)\)\)\s*\Z", re.M)

HEAD = """\
# {title}: exercises

Answer in the cells that say so, and leave the others as they are. *Run All Cells* first: the \
chapter's own cells are among them, so its names are here. What is printed below a function says \
how far you are; when it is graded, it is tried on other numbers. {total} points in all.
"""
NAMES = """\
%%capture
# The cells of the chapter, run in silence, so that the exercises can use its names.
"""
TESTED = """\
from jacobians.book.exercises import {check}

report = {check}({answer})
print(report)
{points} * report.ok  # points
"""


def parts(notebook):
    """The chapter's title, its code before the exercises, and each exercise as a list of cells."""
    cells = [c for c in notebook.cells if "solution" not in c.metadata.get("tags", [])]
    heads = [c.source.split("\n")[0] if c.cell_type == "markdown" else "" for c in cells]
    if "## Exercises" not in heads:
        sys.exit("make: The chapter has no section ## Exercises.")
    begin = heads.index("## Exercises")
    end = next((n for n in range(begin + 1, len(cells)) if heads[n].startswith("## ")), len(cells))
    exercises = []
    for cell, head in zip(cells[begin:end], heads[begin:end], strict=True):
        if head.startswith("### "):
            exercises.append([cell])
        elif exercises:
            exercises[-1].append(cell)
    code = [c.source for c in cells[:begin] if c.cell_type == "code"]
    return heads[0].removeprefix("# "), code, exercises


def graded(cell, name, points=None, solution=False):
    """A cell with what nbgrader wants to know of it: locked, unless a solution goes there."""
    told = {"schema_version": 3, "grade_id": name, "task": False, "cell_type": cell.cell_type}
    told |= {"grade": points is not None, "solution": solution, "locked": not solution}
    cell.metadata["nbgrader"] = told if points is None else told | {"points": points}
    return cell


def exercise(cells):
    """The cells of an exercise, and its points."""
    asked, *rest = cells
    text = downloads.unlinked(asked.source)  # its pages show the solutions
    head, *body = text.split("\n")
    kind = re.search(r"^\*([\w ]+)\.\*", "\n".join(body), re.M)
    points = POINTS.get(kind[1] if kind else "", OTHER_POINTS)
    name = re.sub(r"\W+", "-", head.lower()).strip("-")
    text = "\n".join([f"{head} ({points} points)", *body])
    made, checked = [graded(new_markdown_cell(text), f"{name}-asked")], False
    for number, cell in enumerate(rest):
        place = f"{name}-{number}"
        found = CHECK.search(cell.source) if cell.cell_type == "code" else None
        if found:
            checked, (check, answer) = True, found.groups()
            stub = CHECK.sub("", IMPORT.sub("", cell.source))
            tested = TESTED.format(check=check, answer=answer, points=points)
            made.append(graded(new_code_cell(stub), name, solution=True))
            made.append(graded(new_code_cell(tested.strip()), f"{name}-check", points))
        elif cell.cell_type == "code":
            made.append(graded(new_code_cell(cell.source), place))
        else:
            text = downloads.unlinked(cell.source)
            made.append(graded(new_markdown_cell(text), place))
    if not checked:
        if kind is None or kind[1] != "By hand":
            made.append(graded(new_code_cell("# for your trials"), f"{name}-trials", solution=True))
        answer = new_markdown_cell("*Your answer:*")
        made.append(graded(answer, name, points, solution=True))
    return made, points


def compose(notebook, wheel):
    """The notebook to hand out."""
    title, code, asked = parts(notebook)
    made = [exercise(cells) for cells in asked]
    total = sum(points for _, points in made)
    fetch = downloads.FETCH_BESIDE.format(wheel=wheel)
    first = new_code_cell(downloads.FIRST.format(fetch=fetch))
    names = new_code_cell(NAMES + "\n\n".join(code))
    for cell in (first, names):
        cell.metadata["jupyter"] = dict(downloads.FOLDED)
    cells = [
        graded(new_markdown_cell(HEAD.format(title=title, total=total).strip()), "head"),
        graded(first, "package"),
        graded(names, "names"),
        *(cell for some, _ in made for cell in some),
    ]
    for number, cell in enumerate(cells):
        cell["id"] = f"cell-{number}"
    return new_notebook(cells=cells, metadata=notebook.metadata)


def main(name=""):
    draft = BUILD / f"plain/{name}.ipynb"
    if not (CHAPTERS / f"{name}.md").is_file() or not draft.is_file():
        sys.exit("make: a chapter is needed: make assignment CHAPTER=jacobian")
    folder = FOLDER / name
    shutil.rmtree(folder, ignore_errors=True)
    wheel = downloads.write_wheel(folder)
    notebook = compose(nbformat.read(draft, 4), wheel.name)
    target = folder / f"{name}.ipynb"
    target.write_text(nbformat.writes(notebook) + "\n", encoding="utf-8")
    print(
        f"Hand out the folder {folder.relative_to(ROOT)}: {target.name}, and the package that it "
        "installs where there is none. Put what comes back, a notebook or a folder for each "
        f"student, into one folder, and grade it: make grade CHAPTER={name} FOLDER=/path/to/it"
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
