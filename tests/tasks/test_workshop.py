"""What an instructor uses: make check, format, chapter, live."""

import contextlib
import os
import re
import socket
import subprocess
import sys
import time
import urllib.request

import pytest
from labels import ROOT

from bookbuild import repository
from bookbuild.tasks import check

FRONT = (ROOT / "chapters/notation.md").read_text("utf-8").split("\n# ")[0]


def run(project, module, *arguments):
    return subprocess.run(
        [sys.executable, "-m", f"bookbuild.tasks.{module}", *arguments], cwd=project,
        env={**os.environ, "PYTHONPATH": str(project / "code/src")}, timeout=300, encoding="utf-8",
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip


@pytest.fixture
def project(tmp_path):
    """A copy of the project, to be spoilt."""
    repository.copy(ROOT, tmp_path)
    return tmp_path


@pytest.mark.slow
def test_check_finds_nothing_in_the_book(project):
    result = run(project, "check")
    assert result.returncode == 0, result.stdout


def test_the_hooks_of_pre_commit_have_the_versions_of_the_lock():
    locked = set()
    for lock in ("requirements.txt", "requirements-dev.txt"):
        lines = (ROOT / lock).read_text("utf-8").splitlines()
        locked |= {line.split(" ")[0] for line in lines if "==" in line}
    named = {package for hook in check.hooks() for package in hook["additional_dependencies"]}
    assert {package.split("==")[0] for package in named} >= {"ruff", "nbqa", "codespell"}
    assert named <= locked


PLANTED = {  # what is added to a chapter, and what must be said of its line
    "a cell that does not lint": (
        "```{code-cell} ipython3\nfor i in [1]:\n    l = undefined\n```",
        "F821",
    ),
    "a word spelt wrongly": ("It is definat" + "ely so.", "definat" + "ely"),
    "a number in a formula": ("It is $K={eval}`2 + 3`$.", "inside a formula"),
    "a typed number": ("It is {eval}`2 + 3`, and not 3.14.", "3.14"),
    "noise for a notebook": (
        "Text.\n\n\n\n```{code-cell} ipython3\nprint(1)\n```",
        "make format",
    ),
}


def test_check_names_the_file_and_the_line_of_each_fault(project):
    for name, (text, _) in PLANTED.items():
        stem = name.replace(" ", "_")
        (project / f"chapters/{stem}.md").write_text(f"{FRONT}\n# A title\n\n{text}\n", "utf-8")
    result = run(project, "check")
    assert result.returncode != 0
    for name, (_, words) in PLANTED.items():
        stem = name.replace(" ", "_")
        lines = [line for line in result.stdout.splitlines() if f"chapters/{stem}.md" in line]
        assert any(words in line and re.search(r"\.md:\w+", line) for line in lines), (name, lines)


def test_format_makes_a_chapter_a_fixed_point_again(project):
    chapter = project / "chapters/jacobian.md"
    right = chapter.read_text("utf-8")
    noisy = right.replace("\n\n```{code-cell}", "\n\n\n\n```{code-cell}", 1)
    chapter.write_text(noisy, "utf-8")
    assert check.as_saved(noisy, chapter) != noisy
    assert run(project, "check", "format").returncode == 0
    assert chapter.read_text("utf-8") == right


def test_a_new_chapter_is_in_the_book_and_finds_no_complaint(project):
    assert run(project, "chapter", "my_chapter").returncode == 0
    assert "chapters/my_chapter" in (project / "_toc.yml").read_text("utf-8")
    assert run(project, "check").returncode == 0
    again = run(project, "chapter", "my_chapter")
    assert again.returncode != 0 and "is there already" in again.stdout
    wrong = run(project, "chapter", "My Chapter")
    assert wrong.returncode != 0 and "make chapter NAME=" in wrong.stdout


@pytest.mark.slow
def test_a_new_chapter_builds_green(project):
    run(project, "chapter", "my_chapter")
    (project / "_toc.yml").write_text(
        "format: jb-book\nroot: chapters/index\nchapters:\n"
        "  - file: chapters/jacobian\n  - file: chapters/my_chapter\n  - file: chapters/notation\n",
        encoding="utf-8",
    )
    for path in (project / "chapters").glob("*.md"):
        if path.stem not in ("index", "jacobian", "my_chapter", "notation"):
            path.unlink()
    result = subprocess.run(
        [sys.executable, "-m", "bookbuild.tasks.build"], cwd=project, encoding="utf-8", timeout=300,
        env={**os.environ, "PYTHONPATH": str(project / "code/src")},
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    said = [line for line in result.stdout.splitlines() if "my_chapter" in line]
    assert not any("WARNING" in line or "ERROR" in line for line in said), said
    page = (project / "_build/html/chapters/my_chapter.html").read_text("utf-8")
    assert "has reached 0.76" in re.sub(r"<[^>]*>", "", page)


class Live:
    """`make live` in a project, and a reader who looks at its pages."""

    def __init__(self, project):
        self.project = project
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]

    def __enter__(self):
        with (self.project / "live.log").open("w", encoding="utf-8") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-u", "-m", "bookbuild.tasks.live", str(self.port)],
                cwd=self.project, stdout=log, stderr=log,
                env={**os.environ, "PYTHONPATH": str(self.project / "code/src")},
            )  # fmt: skip
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(10)

    def said(self):
        return (self.project / "live.log").read_text("utf-8")

    def page(self, name):
        address = f"http://127.0.0.1:{self.port}/chapters/{name}.html"
        with contextlib.suppress(OSError):
            return urllib.request.urlopen(address).read().decode()
        return ""

    def wait_for(self, true):
        for _ in range(240):
            if true():
                return
            time.sleep(0.25)
        raise AssertionError(self.said())


@pytest.mark.slow
def test_live_reloads_the_page_in_the_browser_and_survives_an_error(project, chrome):
    (project / "_toc.yml").write_text("format: jb-book\nroot: chapters/index\n", "utf-8")
    index = project / "chapters/index.md"
    index.write_text(f"{FRONT}\n# A title\n\nThe first sentence.\n", "utf-8")
    with Live(project) as live:
        live.wait_for(lambda: "The first sentence." in live.page("index"))
        reader = chrome.new_page()
        with reader.expect_websocket():  # by which it is told to reload
            reader.goto(f"http://127.0.0.1:{live.port}/chapters/index.html")
        index.write_text(index.read_text("utf-8").replace("first", "second"), "utf-8")
        reader.get_by_text("The second sentence.").wait_for(timeout=60_000)
        reader.close()
        live.wait_for(lambda: "waiting for the next save" in live.said())
        assert live.said().count("the page is there after") == 1  # and shown, before the build ends
        assert live.said().index("the page is there") < live.said().rindex("Open _build")
        index.write_text(index.read_text("utf-8") + "\nSee {eq}`eq-nowhere`.\n", "utf-8")
        live.wait_for(lambda: "eq-nowhere" in live.said())
        line = index.read_text("utf-8").splitlines().index("See {eq}`eq-nowhere`.") + 1
        assert f"chapters/index.md:{line}" in live.said()
        index.write_text(
            index.read_text("utf-8").replace("See {eq}`eq-nowhere`.", "Mended."),
            encoding="utf-8",
        )
        live.wait_for(lambda: "Mended." in live.page("index"))


@pytest.mark.slow
def test_live_shows_the_open_page_first_and_a_save_breaks_the_others_off(project):
    (project / "_toc.yml").write_text(
        "format: jb-book\nroot: chapters/index\nchapters:\n  - file: chapters/long\n",
        encoding="utf-8",
    )
    value = (
        "```{code-cell} ipython3\nfrom jacobians.book import figures\n\nprint(figures.GREY)\n```\n"
    )
    wait = "```{code-cell} ipython3\nimport time\n\ntime.sleep(15)\n```\n"
    index, style = project / "chapters/index.md", project / "code/src/jacobians/book/figures.py"
    index.write_text(f"{FRONT}\n# A title\n\n{value}", "utf-8")
    (project / "chapters/long.md").write_text(
        f"{FRONT}\n# A long chapter\n\n{wait}\n{value}", "utf-8"
    )
    with Live(project) as live:
        live.wait_for(lambda: "#808080" in live.page("index"))
        for before, after in [("#808080", "#123456"), ("#123456", "#654321")]:
            style.write_text(style.read_text("utf-8").replace(before, after), "utf-8")
            live.wait_for(lambda after=after: after in live.page("index"))
            live.wait_for(lambda: live.said().endswith("executing chapters/long.md\n"))
            assert "#808080" in live.page("long")
        live.wait_for(lambda: "#654321" in live.page("long"))
        live.wait_for(lambda: live.said().endswith("waiting for the next save\n"))
    assert live.said().count("executing chapters/long.md") == 3  # once at the beginning
    assert live.said().count("building the other pages") == 2
    assert "Traceback" not in live.said()
