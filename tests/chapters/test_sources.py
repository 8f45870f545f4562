"""The chapters as sources: what an instructor may rely on when editing them.

What the build says itself (a reference to nothing, a figure without words) is not said here again.
Each finding has its chapter and line; `make check` shows them.
"""

import re

import pytest

from bookbuild.paths import ROOT
from bookbuild.tasks.check import as_saved, chapters

every_chapter = pytest.mark.parametrize("chapter", chapters(), ids=lambda path: path.stem)


def complain(chapter, findings):
    """Fail with every finding, each a line of the chapter and what is wrong with it."""
    where = chapter.relative_to(ROOT).as_posix()
    assert not findings, "\n" + "\n".join(f"{where}:{line}: {what}" for line, what in findings)


def read(chapter):
    return chapter.read_text(encoding="utf-8")


@every_chapter
def test_opening_and_saving_a_chapter_changes_no_byte(chapter):
    text = read(chapter)
    saved = as_saved(text, chapter)
    before, after = text.splitlines(), saved.splitlines()
    other = [n for n, (a, b) in enumerate(zip(before, after, strict=False), 1) if a != b]
    line = (other or [min(len(before), len(after))])[0]
    complain(
        chapter,
        [] if saved == text else [(line, "a notebook would save this otherwise: make format")],
    )


@every_chapter
def test_a_chapter_imports_the_package_as_any_user_would(chapter):
    complain(chapter, [
        (number, "the package is installed: import it")
        for number, line in enumerate(read(chapter).splitlines(), 1)
        if "sys.path" in line or "../code" in line
    ])  # fmt: skip


@every_chapter
def test_a_formula_does_not_look_into_a_cell(chapter):
    complain(chapter, [
        (number, "an expression inside a formula is shown as it is written")
        for number, line in enumerate(read(chapter).splitlines(), 1)
        if re.search(r"\$[^$`\s]*\{eval\}|^#.*\{eval\}", line)
    ])  # fmt: skip


@every_chapter
def test_no_number_is_typed_beside_one_that_a_cell_computes(chapter):
    """It was probably computed once, too."""
    prose = re.sub(
        r"^```.*?^```$", lambda m: "\n" * m[0].count("\n"), read(chapter), flags=re.M | re.S
    )
    found = []
    for number, line in enumerate(prose.splitlines(), 1):
        if "{eval}" in line:
            words = re.sub(r"\{eval\}`[^`]*`|`[^`]*`|\$[^$]*\$", "", line)
            for typed in re.findall(r"(?<![\w.])\d+\.\d+(?!\w|\.\d)", words):
                found.append((number, f"{typed} is typed beside a number from a cell"))
    complain(chapter, found)
