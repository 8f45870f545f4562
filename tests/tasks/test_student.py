"""make student: nothing of a solution is left, it builds, its tests pass.

What must not be left is in here: NOT FOR STUDENTS.
"""

import os
import re
import subprocess
import sys

import pytest
from labels import ROOT
from test_workshop import run

from bookbuild import publication, repository
from bookbuild.tasks import check, student


def test_the_students_book_holds_no_solution():
    for chapter in (ROOT / "chapters").glob("*.md"):
        text = student.without_solutions(chapter.read_text("utf-8"))
        assert "{solution" not in text and "_solution" not in text
        assert text.count("{exercise") == chapter.read_text("utf-8").count("{exercise")
        assert check.as_saved(text, chapter) == text  # still as a notebook would save it
        for question in student.QUESTION.findall(text):
            assert question.rstrip().endswith("?\n:::"), question


@pytest.fixture
def project(tmp_path):
    """A copy of the project, to be spoilt."""
    repository.copy(ROOT, tmp_path)
    return tmp_path


def given_to_students(project):
    """A students' edition of a project: what was said, and where it lies."""
    result = run(project, "student", str(project / "class"))
    return result, project / "class"


def test_the_students_book_leaves_behind_what_is_not_for_students(project):
    (project / "tests/package/test_mine.py").write_text(
        '"""Mine."""\n\n\ndef test_secret():\n    """NOT FOR STUDENTS."""\n    assert 1\n\n\n'
        "def test_open():\n    assert 2\n",
        encoding="utf-8",
    )
    result, tree = given_to_students(project)
    assert result.returncode == 0, result.stdout
    mine = (tree / "tests/package/test_mine.py").read_text("utf-8")
    assert "secret" not in mine and "test_open" in mine
    for name in ("chapters/teaching.md", "tests/chapters/test_wrong_answers.py",
                 "tests/chapters/test_answers.py", "tests/tasks/test_assignments.py"):  # fmt: skip
        assert (project / name).is_file() and not (tree / name).exists(), name
    for file in tree.rglob("*"):
        if file.suffix in (".md", ".yml", ".txt", ".py") and "tasks" not in file.parts:
            text = file.read_text("utf-8")
            assert "](teaching.md)" not in text and "eq-rms-norm" not in text, file
    assert "chapters/teaching" not in (tree / "_toc.yml").read_text("utf-8")


LEFT = {  # where something of a solution stands, and what
    "tests/package/test_basis.py": "return S[:, :, None] * W[:-1].T\n",
    "code/src/jacobians/ridge.py": "#\n    return S[:, :, None] * W[:-1].T  # here too\n",
    "chapters/notation.md": "print(check_input_jacobian(input_jacobian_solution))\n",
    "README.md": "The slope's. If $x$ is in days, $a$ is in 1/days\n",
    "chapters/index.md": (
        "*The slope's.* If $x$ is in days, $a$ is in 1/days, and "
        "$\\partial\\phi/\\partial a$ is in days. $\\partial\\phi/\\partial b$ has no unit.\n"
    ),
}


def test_something_of_a_solution_anywhere_in_the_students_book_is_refused(project):
    for name, line in LEFT.items():
        with (project / name).open("a", encoding="utf-8") as file:
            file.write(f"\n'''\n{line}'''\n" if name.endswith(".py") else f"\n{line}")
    result, _ = given_to_students(project)
    assert result.returncode != 0
    named = {line.split(": ")[0] for line in result.stdout.splitlines() if ": " in line}
    assert named & LEFT.keys() == LEFT.keys() - {"README.md"}  # half an answer is not seen


def test_a_clone_of_a_repository_leads_nowhere_from_the_students_book(tmp_path, monkeypatch):
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    remote = "https://github.com/some/book"
    subprocess.run(["git", "-C", tmp_path, "remote", "add", "origin", remote], check=True)
    monkeypatch.setattr(publication, "ROOT", tmp_path)
    monkeypatch.delenv("BOOK_REPOSITORY", raising=False)
    assert publication.repository() == remote
    (tmp_path / "STUDENT").touch()
    assert publication.repository() == ""
    monkeypatch.setenv("BOOK_REPOSITORY", "https://github.com/class/book")
    assert publication.repository() == "https://github.com/class/book"


PUBLISHED = {
    "BOOK_URL": "https://class.example/book/",
    "BOOK_REPOSITORY": "https://github.com/class/book",
    "BOOK_BRANCH": "autumn",
}


def as_it_is_published(html):
    """Pages that know where they are published say so to machines, and have their buttons."""
    addresses = re.findall("<loc>(.*)</loc>", (html / "sitemap.xml").read_text("utf-8"))
    pages = {file.relative_to(html).as_posix() for file in html.glob("chapters/*.html")}
    assert set(addresses) == {f"https://class.example/book/{page}" for page in pages}
    for page in pages:
        text = (html / page).read_text("utf-8")
        assert f'<link rel="canonical" href="https://class.example/book/{page}"/>' in text
        picture = re.search('property="og:image" content="https://class.example/book/(.*?)"', text)
        assert (html / picture[1]).read_bytes().startswith(b"\x89PNG")
        source = page.replace(".html", ".md")
        assert f"https://github.com/class/book/edit/autumn/{source}" in text
        assert f"mybinder.org/v2/gh/class/book/autumn?urlpath=lab/tree/{source}" in text
    assert "https://class.example/book/wheels/" in (html / "notebooks/jacobian.ipynb").read_text(
        encoding="utf-8"
    )


@pytest.mark.slow
def test_the_students_book_builds_and_its_tests_pass(tmp_path):
    result = subprocess.run(
        [sys.executable, "-m", "bookbuild.tasks.student", str(tmp_path / "class")],
        cwd=ROOT, encoding="utf-8", capture_output=True,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    tree = tmp_path / "class"
    built = subprocess.run(
        [sys.executable, "-m", "bookbuild.tasks.build"], cwd=tree, encoding="utf-8", timeout=600,
        env={**os.environ, "PYTHONPATH": str(tree / "code/src"), **PUBLISHED},
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    assert built.returncode == 0, built.stdout
    as_it_is_published(tree / "_build/html")
    for file in (tree / "_build/html").rglob("*"):
        if file.suffix in (".html", ".md", ".ipynb", ".js"):
            assert "_solution" not in file.read_text("utf-8"), file
    tests = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "tests/chapters", "tests/site/test_pages.py",
         "tests/equations/test_labels.py", "tests/equations/test_equations_sharing.py"],
        cwd=tree, encoding="utf-8", env={**os.environ, "PYTHONPATH": str(tree / "code/src")},
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    assert tests.returncode == 0, tests.stdout
