"""What holds for all displayed equations together: each has its test, each letter one meaning."""

import importlib
import itertools
import re
from pathlib import Path

from displayed import CHECKED, every_display, labelled
from labels import CHAPTERS, ROOT

from bookbuild.ext.formula_page import checks
from formulas.grammar import Name, Parser, children

NOTATION = ROOT / "chapters" / "notation.md"


def test_every_label_has_a_test_and_every_test_a_label():
    """Displayed and tested are the same set; a label is used once in the whole book.

    Every file test_equations_*.py is imported, so that the count is whole however tests are run.
    """
    for file in sorted(Path(__file__).parent.glob("test_equations_*.py")):
        importlib.import_module(file.stem)
    found = [shown.label for shown in every_display() if shown.label]
    assert sorted(found) == sorted(set(found)), "a label stands twice"
    assert set(found) - set(CHECKED) == set(), "labels without a test"
    assert set(CHECKED) - set(found) == set(), "tests of labels that are gone"
    assert set(checks()) == set(CHECKED), "the page of formulas reads the tests otherwise"


def letters(node):
    """The letters of a tree, with accents and fonts, without what moves them: a d, primes."""
    if isinstance(node, Name):
        name = node.head
        if name.startswith(r"\mathrm{d}"):
            yield r"\mathrm{d}"
            name = name.removeprefix(r"\mathrm{d}")
        word = re.match(
            r"\\(text|operatorname|mathrm)\{..+\}|\\(tanh|cosh|sinh|log|min|max|top)$", name
        )
        if not word and name not in "*+":
            yield name
    for each in children(node):
        yield from letters(each)


def meanings():
    """The letters of the notation's tables and the rows in which they stand; not its operations."""
    found = {}
    for part in re.split(r"^## ", NOTATION.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]:
        if part.startswith(("Operations", "Words")):
            continue
        for row in re.findall(r"^\| (\$.*?) \|", part, re.MULTILINE):
            for symbol in re.findall(r"\$(.*?)\$", row):
                first = next(letters(Parser(symbol.split("=")[0]).side()))
                found.setdefault(first, set()).add(row)
    return found


def test_every_letter_of_a_displayed_formula_has_one_row_in_the_notation():
    known = meanings()
    twice = {letter: rows for letter, rows in known.items() if len(rows) > 1}
    assert not twice, "letters with two meanings"
    missing = {}
    for shown in every_display():
        for letter in itertools.chain.from_iterable(map(letters, shown.statements)):
            if letter not in known:
                missing.setdefault(letter, f"{shown.path.name}:{shown.line} {shown.label}")
    assert not missing


def test_every_letter_of_the_notation_that_no_formula_uses_stands_in_a_chapter():
    """A row that explains nothing is a row too many."""
    used = "".join(page.read_text(encoding="utf-8") for page in CHAPTERS if page != NOTATION)
    used = re.sub(r"[{} ]", "", used.replace(r"\bar", r"\overline"))
    for letter in meanings():
        bare = re.sub(r"[{} ]", "", letter.replace("bar", "overline"))
        assert bare in used, f"{letter} is explained and not used"


def test_no_test_writes_a_displayed_formula_again():
    """What stands on a page and is longer than a name stands in no test, except where pinned."""
    plain = lambda text: re.sub(r"\s|\\[,;!]|\\qquad", "", text)  # noqa: E731
    for file in Path(__file__).parent.glob("test_equations_*.py"):
        source = file.read_text(encoding="utf-8")
        source = plain(re.sub(r'tex=r""".*?"""', "", source, flags=re.DOTALL))
        for label, shown in labelled().items():
            for side in re.split(r"=|,|\\approx|\\qquad", shown.tex):
                if len(plain(side)) > 25:
                    assert plain(side) not in source, f"{file.name} repeats {label}"
