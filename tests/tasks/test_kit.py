"""Chapters in somebody's own course: a stock Jupyter Book takes the kit without a warning."""

import os
import re
import subprocess
import sys
from pathlib import Path

import yaml
from labels import ROOT

from bookbuild.paths import BUILD


def run(*names):
    return subprocess.run(
        [sys.executable, "-m", "bookbuild.tasks.kit", *names], cwd=ROOT, encoding="utf-8",
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip


def jupyter_book(folder, *arguments):
    """The stock program, which knows nothing of this project."""
    command = [str(Path(sys.executable).parent / "jupyter-book"), *arguments]
    result = subprocess.run(
        command, cwd=folder, encoding="utf-8", timeout=300,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    assert result.returncode == 0, result.stdout
    return result.stdout


def test_another_book_takes_a_chapter_without_a_warning(tmp_path):
    run("jacobian")
    written = BUILD / "kits/jacobian"
    text = "".join(file.read_text("utf-8") for file in written.glob("*.md"))
    assert not re.search(r"\{eval\}|% holds|\{py:|\]\(\w+\.md", text)
    assert "for the slopes has risen to 10⁻⁵" in text  # a number of a cell

    jupyter_book(tmp_path, "create", "course")
    course = tmp_path / "course"
    for file in written.glob("jacobian*.*"):
        (course / file.name).write_bytes(file.read_bytes())
    ours = yaml.safe_load((written / "_config.yml").read_text("utf-8"))
    theirs = yaml.safe_load((course / "_config.yml").read_text("utf-8"))
    ours["bibtex_bibfiles"] += theirs["bibtex_bibfiles"]
    (course / "_config.yml").write_text(yaml.safe_dump({**theirs, **ours}), encoding="utf-8")
    with (course / "_toc.yml").open("a", encoding="utf-8") as contents:
        contents.write("- file: jacobian\n- file: jacobian-terms\n")
    said = jupyter_book(course, "build", ".", "-W", "-n", "--keep-going")
    assert "build succeeded" in said
    page = (course / "_build/html/jacobian.html").read_text("utf-8")
    assert len(re.findall(r'<div class="exercise admonition', page)) == 3
    assert page.count('class="solution dropdown') == 3
    for label in ("definition-jacobian", "theorem-slopes", "theorem-biases"):
        assert f'id="{label}"' in page
    assert "jacobian-terms.html#term-separable" in page
    assert 'href="#id' in page  # a citation


def test_what_is_no_chapter_is_told_what_there_is():
    result = run("notation")
    assert result.returncode != 0
    assert "make chapter-kit NAME=jacobian (of about, at_scale, basis_functions" in result.stdout


def test_a_jupyter_book_of_another_environment_is_told_what_to_type(tmp_path):
    """Sphinx finds what builds the book, and that what this needs is not there."""
    (tmp_path / "flit_core.py").write_text("raise ModuleNotFoundError('flit_core')", "utf-8")
    result = subprocess.run(
        [sys.executable, "-c", "import bookbuild.ext"], encoding="utf-8", capture_output=True,
        env={**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT / 'code/src'}"},
    )  # fmt: skip
    assert "ExtensionError: flit_core. This book has an environment of its own" in result.stderr
