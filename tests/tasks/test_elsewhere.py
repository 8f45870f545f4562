"""A page follows what it shows of others: a chapter that is new, gone, moved, called otherwise."""

import re

import pytest
from labels import ROOT
from test_make import FRONT, build

from bookbuild import repository

PAGES = {
    "index": "# The book\n\nRead [](one.md), {ref}`a-heading`, {eq}`eq-mine` and {numref}`fig-x`.",
    "one": "# The first\n\nSee [](two.md).",
    "two": (
        "# The second\n\n(a-heading)=\n\n## A heading\n\n$$\nx\n$$ (eq-mine)\n\n"
        "```{figure} ../code/src/bookbuild/theme/static/picture.png\n"
        ":name: fig-x\n:alt: x\n\nSee.\n```"
    ),
    "all": "# Formulas\n\n```{labelled-formulas}\n```",
    "references": "# References\n\n```{bibliography}\n```",
}


@pytest.fixture(scope="module")
def book(tmp_path_factory):
    root = tmp_path_factory.mktemp("book")
    repository.copy(ROOT, root, lambda name: not name.startswith(("tests/", "chapters/")))
    (root / "tests/equations").mkdir(parents=True)
    (root / "chapters").mkdir()
    (root / "chapters/references.bib").write_bytes((ROOT / "chapters/references.bib").read_bytes())
    write(root, PAGES)
    build(root)
    return root


def write(root, pages):
    for file in (root / "chapters").glob("*.md"):
        if file.stem not in pages:
            file.unlink()
    for name, text in pages.items():
        file = root / f"chapters/{name}.md"
        if not file.is_file() or file.read_text("utf-8") != f"{FRONT}\n{text}\n":
            file.write_text(f"{FRONT}\n{text}\n", encoding="utf-8")
    _, *others = pages
    (root / "_toc.yml").write_text(
        "format: jb-book\nroot: chapters/index\nchapters:\n"
        + "".join(f"  - file: chapters/{name}\n" for name in others),
        encoding="utf-8",
    )


def published(root):
    """Each page, with everything that a reader reads on it."""
    return {
        file.stem: re.sub(r"<[^>]*>", "", file.read_text("utf-8"))
        for file in (root / "_build/html/chapters").glob("*.html")
    }


def test_the_pages_that_nothing_concerns_stay(book):
    write(book, PAGES)
    build(book)
    write(book, {**PAGES, "one": PAGES["one"] + "\n\nA sentence more."})
    result = build(book)
    assert result.returncode == 0 and "writing chapters/one" in result.stdout
    assert "chapters/two" not in result.stdout and "chapters/all" not in result.stdout


CHANGED = {  # the pages, what stands everywhere (on which pages), and what stands nowhere any more
    "a title": (
        {**PAGES, "two": PAGES["two"].replace("The second", "Another title")},
        {"Another title": {*PAGES}}, "The second",
    ),
    "a heading": (
        {**PAGES, "two": PAGES["two"].replace("A heading", "Otherwise")},
        {"Otherwise": {"index", "two"}}, "A heading",
    ),
    "a number": (
        {**PAGES, "one": PAGES["one"] + "\n\n$$\ny\n$$ (eq-before)"},
        {"(2)": {"index", "two", "all"}}, None,
    ),
    "a formula": (
        {**PAGES, "two": PAGES["two"].replace("\nx\n$$", "\nx+\\omega\n$$")},
        {"ω": {"two", "all"}}, None,
    ),
    "a new chapter": (
        {**PAGES, "three": "# The third\n\nNew."},
        {"The third": {*PAGES, "three"}}, None,
    ),
    "a renamed one": (
        {"index": PAGES["index"].replace("one.md", "first.md"), "first": PAGES["one"],
         **{name: PAGES[name] for name in ("two", "all", "references")}},
        {"The first": {*PAGES, "first"} - {"one"}}, "one.html",
    ),
    "a deleted one": (
        {**{name: text for name, text in PAGES.items() if name != "one"},
         "index": PAGES["index"].replace("[](one.md)", "it")},
        {}, "The first",
    ),
    "another order": (
        {name: PAGES[name] for name in ("index", "two", "one", "all", "references")},
        {"The second": {*PAGES}}, None,
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", CHANGED)
def test_what_has_changed_stands_on_every_page_and_what_is_gone_on_none(book, what):
    pages, everywhere, nowhere = CHANGED[what]
    write(book, pages)  # after whichever was here before
    result = build(book)
    assert result.returncode == 0, result.stdout
    found = published(book)
    assert found.keys() == pages.keys()
    for text, names in everywhere.items():
        assert {name for name, page in found.items() if text in page} == names
    for file in (book / "_build/html").rglob("*"):
        if nowhere and file.suffix in (".html", ".js", ".ipynb", ".md"):
            assert nowhere not in file.read_text("utf-8"), file


def test_pages_that_were_not_read_are_as_if_all_had_been(book):
    write(book, PAGES)
    build(book)
    write(book, CHANGED["a title"][0])
    build(book)
    pages = {file.name: file.read_bytes() for file in (book / "_build/html").rglob("*.html")}
    (book / "_build/.doctrees/environment.pickle").unlink()
    (book / "_build/built").unlink()
    assert build(book).returncode == 0
    assert pages == {
        file.name: file.read_bytes() for file in (book / "_build/html").rglob("*.html")
    }


def test_a_link_to_a_chapter_that_is_gone_is_named(book):
    write(book, PAGES)
    assert build(book).returncode == 0
    write(book, {name: text for name, text in PAGES.items() if name != "two"})
    result = build(book)
    assert result.returncode != 0
    assert "chapters/one.md" in result.stdout and "chapters/index.md" in result.stdout
