"""A downloaded chapter runs alone, and a page offers what leads somewhere, and nothing else."""

import html
import os
import re
import subprocess
import sys
import zipfile

import jupytext
import nbformat
import pytest
from labels import CHAPTERS, as_told

from bookbuild import publication
from bookbuild.browser import serve
from bookbuild.ext import downloads
from bookbuild.ext.sentences import expressions
from bookbuild.paths import HTML, ROOT
from bookbuild.tasks import release

HOME = "https://github.com/someone/some-book"
every_chapter = pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda path: path.stem)


def page(chapter):
    return (HTML / f"chapters/{chapter.stem}.html").read_text("utf-8")


def notebook(chapter):
    return nbformat.read(HTML / f"notebooks/{chapter.stem}.ipynb", 4)


@every_chapter
def test_each_page_offers_its_notebook_with_the_cells_of_the_chapter(chapter):
    assert f'href="../notebooks/{chapter.stem}.ipynb"' in page(chapter)
    nbformat.validate(notebook(chapter))
    given = [c.source for c in jupytext.read(chapter).cells if c.cell_type == "code"]
    code = [c.source for c in notebook(chapter).cells if c.cell_type == "code"]
    if not given:
        assert not code  # a page without cells needs no package
        return
    first, *cells = code
    assert first.index("OPENBLAS") < first.index("jacobians") and "import numpy" not in first
    assert cells[: len(given)] == given


RAW = {  # what only MyST understands
    "a role": r"\{[a-z][\w:+-]*\}`",
    "a directive": r"^\s*(>\s*)*(`{3,}|:{3,})\s*\{",
    "a colon fence": r"^\s*:{3,}",
    "an option": r"^\s*:[a-z]+:",
    "a label of a place": r"^\([\w-]+\)=",
    "a label of a formula": r"\$\$ \(eq-",
    "a comment": r"^%",
    "a page's file": r"\]\([\w/]*\.md|\]\(book:|\]\(\)",
    "a tilde": r"~jacobians",
}


def raw(text):
    """Markup in a text that plain Markdown shows as it is, code apart."""
    words = re.sub(r"^```.*?^```|(`+)[^`].*?\1", "", text, flags=re.MULTILINE | re.DOTALL)
    found = {name: re.findall(pattern, words, re.MULTILINE) for name, pattern in RAW.items()}
    return {name: hits for name, hits in found.items() if hits}


@every_chapter
def test_the_text_of_a_notebook_is_plain_markdown(chapter):
    text = "\n\n".join(c.source for c in notebook(chapter).cells if c.cell_type == "markdown")
    assert not raw(text)
    sources = "\n\n".join(
        c.source for c in jupytext.read(chapter).cells if c.cell_type == "markdown"
    )
    assert "{" + "eq}" not in sources or raw(sources)  # which is what this finds in the chapter


def words(text):
    return re.sub(r"\W+", " ", text).split()


@every_chapter
def test_a_notebook_has_the_words_of_its_page_and_its_numbers(chapter):
    """Formulas and code apart, sentence for sentence."""
    body = re.search(r'<article role="main".*?</article>', page(chapter), re.DOTALL)[0]
    body = re.sub(r"<(script|style|svg|pre|math)\b.*?</\1>", " ", body, flags=re.DOTALL)
    paragraphs = [
        html.unescape(re.sub(r"<[^>]*>", "", p))
        for p in re.findall(r"<p>(.*?)</p>", body, re.DOTALL)
    ]
    text = "\n".join(c.source for c in notebook(chapter).cells if c.cell_type == "markdown")
    text = re.sub(
        r"\$\$.*?\$\$|(?<!\\)\$[^$\n]*\$|</?span[^>]*>|\]\([^)]*\)|^> ?", " ", text, flags=re.M
    )
    said = set(words(html.unescape(text)))
    missing = [word for p in paragraphs for word in words(p) if word not in said]
    assert not missing
    values = re.findall(r'<span class="value">(.*?)</span>', body)
    told = [
        re.sub(r"\\\\(.)", r"\1", value)
        for c in notebook(chapter).cells
        if c.cell_type == "markdown"
        for value in re.findall(r'<span class="value-\d+">(.*?)</span>', c.source)
    ]
    asked = [e for e in expressions(as_told(chapter.read_text("utf-8"))) if not e.claim]
    assert values == told and len(values) == len(asked) and all(values)


@every_chapter
def test_numbers_of_formulas_and_boxes_are_those_of_the_page(chapter):
    text = "\n".join(c.source for c in notebook(chapter).cells if c.cell_type == "markdown")
    shown = re.findall(r'<span class="eqno">\((\d+)\)', page(chapter))
    assert re.findall(r"\\tag\{(\d+)\}", text) == shown
    visible = re.sub(r"<[^>]*>", "", page(chapter))
    for kind in ("Theorem", "Definition", "Corollary", "Exercise"):
        for number in re.findall(rf"(?:\*\*|### ){kind} (\d+)", text):
            assert f"{kind} {number}" in visible


@every_chapter
def test_a_figure_of_a_notebook_is_seen_by_who_does_not_trust_it(chapter):
    for cell in notebook(chapter).cells:
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            assert ("image/svg+xml" in data) == ("image/png" in data)


def test_solutions_and_the_code_of_figures_are_closed_in_jupyterlab():
    cells = notebook(ROOT / "chapters/jacobian.md").cells
    hidden = [c for c in cells if c.metadata.get("jupyter", {}).get("source_hidden")]
    assert any("figures.four_panels(" in c.source for c in hidden)
    assert any("def input_jacobian_solution" in c.source for c in hidden)
    assert not any("def input_jacobian(" in c.source for c in hidden)
    heads = [c for c in cells if c.metadata.get("heading_collapsed")]
    assert len(heads) == 3 and all(c.source.startswith("#### Solution") for c in heads)


def test_links_lead_to_the_site_and_without_one_are_titles(monkeypatch):
    text = "see [the \\[N\\] chapter](book:chapters/learning.html#a) and [NOAA](https://noaa.gov)"
    monkeypatch.setenv("BOOK_URL", "https://class.example/book/")
    assert "(https://class.example/book/chapters/learning.html#a)" in downloads.linked(text)
    monkeypatch.delenv("BOOK_URL")
    assert downloads.linked(text) == "see the \\[N\\] chapter and [NOAA](https://noaa.gov)"


def test_what_a_system_leaves_beside_the_files_is_in_no_wheel(tmp_path):
    left = ROOT / "code/src/jacobians/.DS_Store"
    left.write_bytes(b"\0")
    try:
        names = zipfile.ZipFile(downloads.write_wheel(tmp_path / "wheel")).namelist()
    finally:
        left.unlink()
    assert "jacobians/basis.py" in names and not [name for name in names if "DS_Store" in name]


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
    assert links["Run this chapter in Colab"] == (
        "https://colab.research.google.com/github/someone/some-book/blob/notebooks/jacobian.ipynb"
    )
    assert links["Edit the source of this page"] == f"{HOME}/edit/main/chapters/jacobian.md"
    assert "chapters/jacobian" in links["Report a mistake on this page"]


@every_chapter
def test_without_a_repository_no_button_leads_nowhere(chapter):
    if not publication.repository():
        assert not re.search(r'aria-label="(Run|Report|Edit)', page(chapter))
    else:
        assert page(chapter).count("mybinder.org") == 1
        assert page(chapter).count("colab.research.google.com") == 1


def test_a_release_makes_the_notebooks_the_one_commit_of_a_branch(tmp_path):
    folder, root = tmp_path / "notebooks", tmp_path / "book"
    release.notebooks(folder)
    assert not release.commit(folder, tmp_path)  # no git
    subprocess.run(["git", "init", "-q", root], check=True)
    for _ in range(2):
        assert release.commit(folder, root)

    def git(*arguments):
        return subprocess.check_output(["git", "-C", root, *arguments], encoding="utf-8").split()

    names = git("ls-tree", "--name-only", "notebooks")
    assert names == sorted(["README.md", *(f"{chapter.stem}.ipynb" for chapter in CHAPTERS)])
    assert git("rev-list", "--count", "notebooks") == ["1"]
    assert not git("status", "--porcelain")  # nothing is staged, nothing is left


@pytest.fixture(scope="module")
def bare(tmp_path_factory):
    """A Python with a kernel and our wheel, and nothing else of ours."""
    folder = tmp_path_factory.mktemp("bare")
    python = folder / "environment" / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    subprocess.run([sys.executable, "-m", "venv", folder / "environment"], check=True)
    (wheel,) = (HTML / "wheels").glob("*.whl")
    needed = ["ipykernel", "nbclient", f"jacobians[figures] @ {wheel.as_uri()}"]
    subprocess.run([python, "-m", "pip", "install", "-q", *needed], check=True)
    return python


RUN = (
    "import sys, nbformat, nbclient; n = nbformat.read(sys.argv[1], 4);"
    "nbclient.NotebookClient(n, timeout=600).execute(); nbformat.write(n, 'ran.ipynb')"
)


def run_alone(python, file, folder):
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "BOOK"))}
    subprocess.run([python, "-c", RUN, file], cwd=folder, env=environment, check=True)
    return nbformat.read(folder / "ran.ipynb", 4).cells


@pytest.mark.slow
@every_chapter
def test_a_downloaded_chapter_runs_with_a_kernel_and_the_wheel_alone(chapter, bare, tmp_path):
    cells = run_alone(bare, HTML / f"notebooks/{chapter.stem}.ipynb", tmp_path)
    if cells and "SAID" in cells[-1].source:
        assert not cells[-1].outputs  # every number of the text is that of this run


@pytest.mark.slow
def test_a_changed_cell_changes_the_numbers_that_the_last_cell_tells(bare, tmp_path):
    changed = notebook(ROOT / "chapters/basis_functions.md")
    (cell,) = [c for c in changed.cells if "lam = 1e-3" in c.source]
    cell.source = cell.source.replace("lam = 1e-3", "lam = 1.0")
    nbformat.write(changed, tmp_path / "changed.ipynb")
    told = run_alone(bare, tmp_path / "changed.ipynb", tmp_path)[-1].outputs
    assert "0.001 is now 1: f" in "".join(o.get("text", "") for o in told)


@pytest.mark.slow
def test_a_downloaded_chapter_fetches_its_package_from_the_site(tmp_path, monkeypatch):
    python = tmp_path / "bare" / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "bare"], check=True)
    subprocess.run([python, "-m", "pip", "install", "-q", "ipykernel", "nbclient"], check=True)
    draft = (ROOT / "_build/plain/jacobian.ipynb").read_text("utf-8")
    with serve(HTML) as home:
        monkeypatch.setenv("BOOK_URL", home)
        (wheel,) = (HTML / "wheels").glob("*.whl")
        text = downloads.settled(draft, f"wheels/{wheel.name}")
        (tmp_path / "jacobian.ipynb").write_text(text, "utf-8")
        cells = run_alone(python, tmp_path / "jacobian.ipynb", tmp_path)
    printed = "".join(o.get("text", "") for c in cells for o in c.get("outputs", []))
    assert "largest difference: about 10^-11" in printed


def test_without_an_address_the_first_cell_says_what_to_do(monkeypatch):
    monkeypatch.delenv("BOOK_URL", raising=False)
    monkeypatch.setattr(publication, "repository", lambda: "")
    draft = (ROOT / "_build/plain/jacobian.ipynb").read_text("utf-8")
    first = nbformat.reads(downloads.settled(draft, "wheels/x.whl"), 4).cells[0].source
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(
        ModuleNotFoundError, match="does not know where the book is. Run `%pip install"
    ):
        exec(first, {})
