"""The chapters as sources: what an instructor may rely on when editing them."""

import re

import jupytext
import pytest
from jupytext.config import load_jupytext_config
from labels import CHAPTERS, ROOT, labels

every_chapter = pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda path: path.stem)


@every_chapter
def test_opening_and_saving_a_chapter_changes_no_byte(chapter):
    config, text = load_jupytext_config(str(chapter)), chapter.read_text("utf-8")
    notebook = jupytext.reads(text, fmt="md:myst", config=config)
    assert jupytext.writes(notebook, fmt="md:myst", config=config) == text


@every_chapter
def test_every_displayed_equation_that_ends_a_block_is_labelled_or_plain(chapter):
    """A display that the text refers to by number has a label that exists."""
    text = chapter.read_text("utf-8")
    everywhere = {label for other in CHAPTERS for label in labels(other.read_text("utf-8"))}
    assert set(re.findall(r"\{eq\}`(.*?)`", text)) <= everywhere


@every_chapter
def test_a_chapter_imports_the_package_as_any_user_would(chapter):
    text = chapter.read_text("utf-8")
    assert "sys.path" not in text and "../code" not in text


@every_chapter
def test_every_figure_cell_carries_a_caption_a_name_and_an_alternative_text(chapter):
    for cell in jupytext.read(chapter).cells:
        if cell.cell_type == "code" and "plt.show()" in cell.source:
            options = cell.metadata["mystnb"]
            assert {"caption", "name"} <= options["figure"].keys()
            assert len(options["image"]["alt"]) > 40


def test_every_chapter_is_in_the_table_of_contents():
    contents = (ROOT / "_toc.yml").read_text("utf-8")
    assert all(f"chapters/{chapter.stem}\n" in contents for chapter in CHAPTERS)
