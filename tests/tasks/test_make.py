"""The build, as somebody meets it: nothing wrong gets through, and nothing is done in vain."""

import os
import re
import shutil
import subprocess
import sys

import pytest
from labels import ROOT

FRONT = (ROOT / "chapters/notation.md").read_text("utf-8").split("\n# ")[0]


@pytest.fixture
def project(tmp_path):
    """The project with one small chapter in place of its own."""
    for name in ("make.py", "_config.yml", "jupytext.toml", "requirements.txt", "code"):
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, tmp_path / name)
    (tmp_path / "_toc.yml").write_text("format: jb-book\nroot: chapters/index\n", "utf-8")
    (tmp_path / "chapters").mkdir()
    (tmp_path / "chapters/references.bib").write_text("", "utf-8")
    write(tmp_path, "index", "A chapter that is right: $x^2$.\n\n" + cell("print(6 * 7)"))
    return tmp_path


def write(project, name, text):
    (project / f"chapters/{name}.md").write_text(
        f"{FRONT}\n# A chapter named {name}\n\n{text}\n", "utf-8"
    )


def cell(code):
    return f"```{{code-cell}} ipython3\n{code}\n```\n"


def build(project, timeout=240):
    """What `make` does once the environment stands, with this copy's own package."""
    fonts = project / "_build/matplotlib"
    if not fonts.exists():  # their list takes a second to make
        shutil.copytree(ROOT / "_build/matplotlib", fonts)
    return run(
        [sys.executable, "-m", "bookbuild.tasks.build"],
        project,
        timeout,
        PYTHONPATH=str(project / "code/src"),
    )


def run(command, cwd, timeout=240, **environment):
    return subprocess.run(
        command, cwd=cwd, env={**os.environ, **environment}, encoding="utf-8", timeout=timeout,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip


# ---------------------------------------------------------------------------------- the build


def test_a_build_that_has_nothing_to_do_says_so_and_writes_nothing(project):
    first = build(project)
    assert first.returncode == 0, first.stdout
    assert "executing chapters/index.md" in first.stdout
    assert first.stdout.splitlines()[-1] == "Open _build/html/index.html"
    pages = {page: page.stat().st_mtime_ns for page in (project / "_build/html").rglob("*.html")}
    os.utime(project / "chapters/index.md")
    second = build(project)
    assert second.returncode == 0 and "Nothing has changed" in second.stdout
    assert "executing" not in second.stdout
    assert pages == {page: page.stat().st_mtime_ns for page in pages}


@pytest.mark.slow
def test_a_page_follows_the_package_and_back_without_executing_again(project):
    write(project, "index", cell("from jacobians.book import figures\n\nprint(figures.GREY)"))
    style = project / "code/src/jacobians/book/figures.py"
    old = style.read_text("utf-8")
    page = project / "_build/html/chapters/index.html"
    assert build(project).returncode == 0 and "#808080" in page.read_text("utf-8")
    style.write_text(old.replace('GREY = "#808080"', 'GREY = "#123456"'), "utf-8")
    again = build(project)
    assert "executing chapters/index.md" in again.stdout and "#123456" in page.read_text(
        encoding="utf-8"
    )
    style.write_text(old, "utf-8")
    back = build(project)
    assert (
        back.returncode == 0
        and "executing" not in back.stdout
        and "#808080" in page.read_text("utf-8")
    )


NUMBER = cell("import numpy as np\n\nx = np.float64(2.5)\nprint(x)")


def test_a_sentence_shows_what_the_cells_leave_and_its_words_execute_nothing(project):
    text = 'Half of it is {eval}`f"{x / 2:.2f}"`, {eval}`int(x)` in short.\n\n% holds: x > 2'
    write(project, "index", f"{NUMBER}\n{text}\n\n" + cell("x = 4 * x"))
    assert build(project).returncode == 0
    page = project / "_build/html/chapters/index.html"
    words = re.sub(r"<[^>]*>", "", page.read_text("utf-8"))
    assert "Half of it is 5.00, 10 in short." in words and "holds" not in words
    write(
        project, "index", f"{NUMBER}\n{text.replace('Half of', 'Halved,')}\n\n" + cell("x = 4 * x")
    )
    again = build(project)
    assert again.returncode == 0 and "executing" not in again.stdout
    assert "Halved, it is 5.00" in re.sub(r"<[^>]*>", "", page.read_text("utf-8"))


@pytest.mark.slow
def test_a_change_of_what_builds_the_book_makes_the_page_anew_from_the_same_outputs(project):
    assert build(project).returncode == 0
    tool = project / "code/src/bookbuild/ext/folds.py"
    tool.write_text(tool.read_text("utf-8") + "\n# changed\n", "utf-8")
    again = build(project).stdout
    assert "writing chapters/index" in again and "executing" not in again


@pytest.mark.slow
def test_a_package_that_fails_and_is_put_back_leaves_no_trace(project):
    write(project, "index", cell("from jacobians.book import figures\n\nprint(figures.GREY)"))
    style = project / "code/src/jacobians/book/figures.py"
    old, page = style.read_text("utf-8"), project / "_build/html/chapters/index.html"
    assert build(project).returncode == 0
    style.write_text(f"{old}\nGREY = 1 / 0\n", "utf-8")
    assert build(project).returncode != 0 and "ZeroDivisionError" in page.read_text(
        encoding="utf-8"
    )
    style.write_text(old, "utf-8")
    assert build(project).returncode == 0
    assert "#808080" in page.read_text(
        encoding="utf-8"
    ) and "ZeroDivisionError" not in page.read_text("utf-8")


def three_chapters(project):
    """The page that is open, and two others, which all show a value of the package."""
    value = cell("from jacobians.book import figures\n\nprint(figures.GREY)")
    for name in ("index", "one", "other"):
        write(project, name, value)
    names = "".join(f"  - file: chapters/{name}\n" for name in ("one", "other"))
    (project / "_toc.yml").write_text(
        f"format: jb-book\nroot: chapters/index\nchapters:\n{names}", "utf-8"
    )
    return project / "code/src/jacobians/book/figures.py"


def shown(project, value):
    """The chapters whose page shows the value."""
    pages = (project / "_build/html/chapters").glob("*.html")
    return {page.stem for page in pages if value in page.read_text("utf-8")}


def preview(project, name):
    return run(
        [sys.executable, "-m", "bookbuild.tasks.build", name], project,
        PYTHONPATH=str(project / "code/src"),
    )  # fmt: skip


@pytest.mark.slow
def test_a_preview_builds_one_page_and_the_next_build_makes_the_others(project):
    style, everywhere = three_chapters(project), {"index", "one", "other"}
    assert preview(project, "chapters/one").returncode == 0  # none has been read: all are
    assert build(project).returncode == 0 and shown(project, "#808080") == everywhere
    style.write_text(style.read_text("utf-8").replace("#808080", "#123456"), "utf-8")
    assert preview(project, "chapters/one").returncode == 0
    assert shown(project, "#123456") == {"one"}
    style.write_text(
        style.read_text("utf-8").replace("#123456", "#1 wrong") + "\nGREY = 1 / 0\n",
        encoding="utf-8",
    )
    result = preview(project, "chapters/one")
    assert result.returncode != 0 and "executing chapters/other" not in result.stdout
    style.write_text(
        style.read_text("utf-8").replace("#1 wrong", "#654321").removesuffix("GREY = 1 / 0\n"),
        encoding="utf-8",
    )
    assert preview(project, "chapters/one").returncode == 0
    assert shown(project, "#654321") == {"one"}
    result = build(project)
    assert result.returncode == 0 and shown(project, "#654321") == everywhere
    assert "executing chapters/one" not in result.stdout
    assert "Nothing has changed" in build(project).stdout


def test_a_page_that_has_changed_is_written_alone_and_the_search_keeps_the_others(project):
    three_chapters(project)
    assert build(project).returncode == 0
    write(project, "one", "Now it is about zeppelins.")
    again = build(project)
    assert again.returncode == 0, again.stdout
    assert "writing chapters/one" in again.stdout and "writing chapters/other" not in again.stdout
    for name in ("searchindex.js", "searchsections.js"):
        known = (project / "_build/html" / name).read_text("utf-8")
        assert "zeppelin" in known and "chapters/other" in known, name


def test_what_a_cell_prints_slowly_stays_on_its_line(project):
    slow = "import time\n\nprint('one', end=' ')\ntime.sleep(0.5)\nprint('line')"
    write(project, "index", cell(slow))
    assert build(project).returncode == 0
    assert "one line" in (project / "_build/html/chapters/index.html").read_text("utf-8")


def test_what_is_not_in_the_contents_is_named_and_not_published(project):
    """A draft, however broken, and next year's exam; and a page that was renamed leaves."""
    write(project, "exam", "The answer is 42.")
    (project / "chapters/draft.md").write_text("---\nbroken: [\n---\n# A draft\n", "utf-8")
    names = "format: jb-book\nroot: chapters/index\nchapters:\n  - file: chapters/{}\n"
    (project / "_toc.yml").write_text(names.format("old"), "utf-8")
    write(project, "old", "A page.")
    result = build(project)
    assert result.returncode == 0, result.stdout
    for name in ("exam", "draft"):
        assert f"chapters/{name}.md is not in _toc.yml" in result.stdout
    assert (project / "_build/html/notebooks/old.ipynb").is_file()
    (project / "chapters/old.md").rename(project / "chapters/new.md")
    (project / "_toc.yml").write_text(names.format("new"), "utf-8")
    assert build(project).returncode == 0
    files = {file.stem.partition(".")[0] for file in (project / "_build/html").rglob("*")}
    assert "new" in files and not files & {"old", "exam", "draft"}
    assert (project / "_build/html/404.html").is_file()
    assert (project / "_build/html/.nojekyll").is_file()
    for file in (project / "_build/html").rglob("*"):
        assert file.stat().st_mode & 0o444 == 0o444, file


# Each with what stands at the place that must be named, and what must be said of it.
FAULTS = {
    "assertion": (cell("answer = 6\nassert answer == 7"), None, "assert answer == 7"),
    "warning": (cell("import warnings\n\nwarnings.warn('old')"), None, "cell 2"),
    "reference": ("Some text, and then see {eq}`eq-nowhere`.", "see {eq}", "eq-nowhere"),
    "tex": ("The formula\n\n$$\n\\frac{1}{\n$$", "$$", "TeX error"),
    "length": ("The rows\n\n$$\na \\\\[1ex] b\n$$", "$$", "TeX error"),
    "inline": ("The formula $\\nosuch$.", "nosuch", "TeX error"),
    "figure": (
        cell("import matplotlib.pyplot as plt\n\nplt.plot([1, 2])\nplt.show()"),
        None,
        "without an alternative text",
    ),
}


def test_nothing_wrong_gets_through_not_even_the_second_time(project):
    toc = "format: jb-book\nroot: chapters/index\nchapters:\n"
    for name, (text, _, _) in FAULTS.items():
        write(project, name, text)
        toc += f"  - file: chapters/{name}\n"
    (project / "_toc.yml").write_text(toc, "utf-8")
    for _ in range(2):
        result = build(project)
        assert result.returncode != 0
        assert "The book was not built" in result.stdout
        for name, (_, place, words) in FAULTS.items():
            where = f"chapters/{name}.md:"
            if place:
                lines = (project / f"chapters/{name}.md").read_text("utf-8").splitlines()
                line = next(i for i, text in enumerate(lines, 1) if place in text)
                where += f"{line}: "
            after = result.stdout.split(where, 1)[-1].split("chapters/", 1)[0]
            assert where in result.stdout and words in after, (where, words, result.stdout)


@pytest.mark.slow
@pytest.mark.parametrize("name", FAULTS)
def test_each_fault_alone_fails_the_build(project, name):
    text, _, words = FAULTS[name]
    write(project, "index", text)
    result = build(project)
    assert result.returncode != 0 and words in result.stdout
