"""A downloaded chapter runs alone, and a page offers what leads somewhere, and nothing else."""

import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from types import SimpleNamespace

import nbformat
import pytest
from labels import CHAPTERS

from bookbuild import publication
from bookbuild.browser import serve
from bookbuild.ext import downloads
from bookbuild.paths import HTML, ROOT

HOME = "https://github.com/someone/some-book"
every_chapter = pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda path: path.stem)


def page(chapter):
    return (HTML / f"chapters/{chapter.stem}.html").read_text("utf-8")


@every_chapter
def test_each_page_offers_its_notebook_with_the_numbers_filled_in(chapter):
    assert f'href="../notebooks/{chapter.stem}.ipynb"' in page(chapter)
    notebook = nbformat.read(HTML / f"notebooks/{chapter.stem}.ipynb", 4)
    nbformat.validate(notebook)
    text = "".join(c.source for c in notebook.cells)
    assert "{glue:" not in text and "from myst_nb" not in text
    assert "jacobians" in notebook.cells[0].source


def test_the_wheel_holds_the_package_and_its_data_and_no_build():
    (wheel,) = (HTML / "wheels").glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert "jacobians/basis.py" in names and "jacobians/book/explorer.js" in names
    assert not any(name.startswith("bookbuild") for name in names)


def test_the_repository_is_said_in_one_place(monkeypatch, tmp_path):
    monkeypatch.setattr(publication, "ROOT", tmp_path)
    monkeypatch.delenv("BOOK_REPOSITORY", raising=False)
    assert publication.repository() == ""
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    remote = ["git", "-C", str(tmp_path), "remote", "add", "origin"]
    subprocess.run([*remote, "git@github.com:someone/some-book.git"], check=True)
    assert publication.repository() == HOME
    monkeypatch.setenv("BOOK_REPOSITORY", "https://github.com/other/book")
    assert publication.repository() == "https://github.com/other/book"
    monkeypatch.setenv("BOOK_REPOSITORY", "https://example.org/nowhere")
    assert publication.repository() == ""


def test_the_buttons_lead_to_this_chapter():
    links = {label: url for label, _, url in publication.links(HOME, "chapters/jacobian")}
    assert links["Run this chapter in Binder"] == (
        "https://mybinder.org/v2/gh/someone/some-book/main?urlpath=lab/tree/chapters/jacobian.md"
    )
    assert links["Edit the source of this page"] == f"{HOME}/edit/main/chapters/jacobian.md"
    assert "chapters/jacobian" in links["Report a mistake on this page"]


@every_chapter
def test_without_a_repository_no_button_leads_nowhere(chapter):
    if not publication.repository():
        assert not re.search(r'aria-label="(Run|Report|Edit)', page(chapter))
    else:
        assert page(chapter).count("mybinder.org") == 1


@pytest.mark.slow
def test_a_downloaded_chapter_runs_in_an_empty_folder_with_a_bare_python(tmp_path, monkeypatch):
    shutil.copytree(ROOT / "_build/jupyter_execute", tmp_path / "site/jupyter_execute")
    out = tmp_path / "site/html"
    out.mkdir()
    bare = tmp_path / "bare"
    subprocess.run([sys.executable, "-m", "venv", bare], check=True)
    pip = [bare / "bin/python", "-m", "pip", "install", "-q", "ipykernel", "nbclient"]
    subprocess.run(pip, check=True)
    with serve(out) as home:
        monkeypatch.setenv("BOOK_URL", home)
        chapter = {"chapters/jacobian": {"kernelspec": {}}}
        app = SimpleNamespace(
            outdir=str(out), builder=SimpleNamespace(format="html"),
            env=SimpleNamespace(found_docs=set(chapter), metadata=chapter),
        )  # fmt: skip
        downloads.write(app, None)
        empty = tmp_path / "empty"
        empty.mkdir()
        shutil.copy(out / "notebooks/jacobian.ipynb", empty)
        run = (
            "import nbformat, nbclient; n = nbformat.read('jacobian.ipynb', 4);"
            "nbclient.NotebookClient(n, timeout=240).execute(); nbformat.write(n, 'ran.ipynb')"
        )
        environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
        subprocess.run([bare / "bin/python", "-c", run], cwd=empty, env=environment, check=True)
    cells = json.loads((empty / "ran.ipynb").read_text("utf-8"))["cells"]
    printed = "".join("".join(o.get("text", "")) for c in cells for o in c.get("outputs", []))
    assert "largest difference: about 10^-11" in printed
