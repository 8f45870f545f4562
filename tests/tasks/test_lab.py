"""Chapters in JupyterLab, in a real browser: they open as notebooks, run, and save to the byte."""

import html
import json
import re
import shutil

import jupytext
import pytest
from labels import CHAPTERS
from reader_server import RUN_ALL, TOKEN, jupyter

from bookbuild.ext.sentences import expressions
from bookbuild.paths import HTML, ROOT

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def book(tmp_path_factory):
    """The book as a reader has it, in a copy that a failing test may spoil."""
    folder = tmp_path_factory.mktemp("book")
    shutil.copytree(ROOT / "chapters", folder / "chapters")
    shutil.copytree(ROOT / ".jupyter", folder / ".jupyter")
    shutil.copy(ROOT / "jupytext.toml", folder)
    return folder


@pytest.fixture(scope="module")
def lab(book):
    with jupyter(book) as address:
        yield address


def printed(cell):
    """What a cell printed, as text."""
    return "".join(
        "".join(output["text"]) for output in cell["outputs"] if output["output_type"] == "stream"
    ).strip()


def is_open(page):
    page.wait_for_selector(".jp-Notebook .jp-CodeCell", timeout=60_000)


#: Waits until the sentences of the open notebook have been evaluated, and gives what each shows.
SENTENCES = """async count => {
    const notebook = window.jupyterapp.shell.currentWidget.content;
    const shown = () => notebook.widgets.flatMap(
        cell => cell.model.getMetadata("user_expressions") ?? []);
    for (let tries = 0; shown().length < count && tries < 200; tries += 1)
        await new Promise(done => setTimeout(done, 100));
    const text = node => node.textContent.trim();
    return {
        asked: shown(),
        seen: [...notebook.node.querySelectorAll(".eval, .myst-eval, [class*=eval]")].map(text),
        page: notebook.node.innerText,
    };
}"""


def in_sentences(chapter):
    """The expressions of the chapter's sentences, and what the page shows for each.

    Those of captions are settings of a cell, and JupyterLab asks for none.
    """
    page = (HTML / f"chapters/{chapter.stem}.html").read_text("utf-8")
    page = re.sub("<figcaption.*?</figcaption>", "", page, flags=re.DOTALL)
    shown = re.findall(r'<span class="value">(.*?)</span>', page)
    sentences = [c.source for c in jupytext.read(chapter).cells if c.cell_type == "markdown"]
    asked = [e.code for text in sentences for e in expressions(text) if not e.claim]
    return list(zip(asked, map(html.unescape, shown), strict=True))


@pytest.mark.parametrize(
    "chapter",
    [chapter for chapter in CHAPTERS if "{code-cell}" in chapter.read_text("utf-8")],
    ids=lambda path: path.stem,
)
def test_a_chapter_opens_runs_and_saves_unchanged(chrome, lab, book, chapter):
    context = chrome.new_context(viewport={"width": 1400, "height": 900})
    page = context.new_page()
    page.goto(f"{lab}/lab/tree/chapters/{chapter.name}?reset&token={TOKEN}")
    is_open(page)
    notebook = json.loads(page.evaluate(RUN_ALL))
    built = re.sub(r"<[^>]*>", "", (HTML / f"chapters/{chapter.stem}.html").read_text("utf-8"))
    for cell in notebook["cells"]:
        if cell["cell_type"] != "code":
            continue
        assert not [o for o in cell["outputs"] if o["output_type"] == "error"], cell["source"]
        tags = cell["metadata"].get("tags", [])
        if not {"remove-cell", "remove-output"} & set(tags):
            for line in printed(cell).splitlines():
                escaped = line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
                assert escaped.strip() in built or line.strip() in built, line
    there = page.evaluate(SENTENCES, len(in_sentences(chapter)))["asked"]
    plain = [(e["expression"], e["result"]["data"]["text/plain"].strip("'\"")) for e in there]
    assert plain == in_sentences(chapter)  # in every sentence the number of the page
    assert (book / "chapters" / chapter.name).read_text("utf-8") == chapter.read_text("utf-8")
    context.close()


@pytest.mark.parametrize(
    ("chapter", "kind", "slider", "number"),
    [
        ("jacobian", "four_panels", "x0", "da"),
        ("checking", "step_curve", "x", "truncation"),
        ("basis_functions", "three_steps", "day", "fitted"),
        ("chain_rule", "one_sample", "x0", "prediction"),
    ],
)
def test_a_chapter_reads_well_and_its_figure_answers_in_jupyterlab(
    chrome, lab, chapter, kind, slider, number
):
    context = chrome.new_context(viewport={"width": 1400, "height": 900})
    page = context.new_page()
    page.goto(f"{lab}/lab/tree/chapters/{chapter}.md?reset&token={TOKEN}")
    is_open(page)
    page.wait_for_selector(".katex", state="attached", timeout=60_000)  # formulas are drawn
    page.evaluate(RUN_ALL)
    page.evaluate(
        """kind => {
            const notebook = window.jupyterapp.shell.currentWidget.content;
            const cells = [...notebook.widgets];
            const cell = cells.findIndex(c => c.model.sharedModel.source.includes(kind));
            return notebook.scrollToItem(cell, "start");
        }""",
        f"explorer.{kind}(",
    )
    figure = page.locator("figure.explorer")
    figure.locator("form").wait_for(state="visible")
    moved = figure.locator(f"input[name={slider}]")
    at, before = (
        float(moved.input_value()),
        figure.locator(f"td[data-number={number}]").inner_text(),
    )
    moved.focus()
    for _ in range(5):
        page.keyboard.press("ArrowLeft")
    assert float(moved.input_value()) == at - 5  # the arrow keys did not go to the notebook
    assert figure.locator(f"td[data-number={number}]").inner_text() != before
    context.close()


def test_a_chapter_opens_as_a_notebook_in_notebook_7(chrome, book):
    with jupyter(book, "notebook") as address:
        page = chrome.new_page()
        page.goto(f"{address}/notebooks/chapters/jacobian.md?token={TOKEN}")
        is_open(page)
        page.close()


def lines(name):
    return set((ROOT / name).read_text("utf-8").splitlines())


def test_jupytext_and_jupyterlab_are_the_pair_that_these_tests_have_seen():
    for name in ("requirements.txt", "binder/requirements.txt"):
        lock = "\n".join(lines(name))
        assert re.search(r"^jupytext==1\.19\.", lock, re.M)
        assert re.search(r"^jupyterlab==4\.6\.", lock, re.M)
    assert jupytext.__version__.startswith("1.19.")


def test_binder_has_the_versions_of_the_book_and_nothing_that_builds_it():
    pinned = lines("binder/requirements.txt")
    assert pinned <= lines("requirements.txt") and "-e ./code" in pinned
    names = {line.split("==")[0] for line in pinned}
    assert not names & {"sphinx", "jupyter-book", "myst-nb", "furo", "ziamath", "sphinx-design"}
    assert not (ROOT / "runtime.txt").exists()  # with a folder binder/ it would be passed over
