"""Mistakes that beginners make, planted each in a chapter of its own, and what the build says."""

import re

import pytest
from test_make import NUMBER, build, cell, project, write  # noqa: F401 - a fixture

UNSAID = {  # sentences that cannot be said: each is the only complaint about its chapter
    "unbound": ("{eval}`y`", "NameError: name 'y' is not defined"),
    "bare": ("{eval}`x`", "it is np.float64(2.5), which needs a format"),
    "quotient": ("{eval}`x / 3`", "needs a format"),
    "untrue": ("% holds: x > 3", "x > 3: what the text says does not hold"),
    "long": ("% holds: x >\n%     3", "what the text says does not hold"),
    "half": ("% holds: x >", "SyntaxError"),
}
SPOILT = {  # the text of a chapter; the line of it that is named, from 1; words of what is said
    "name": (cell("x = 1\ny = x + unknown") + "\nIt is {eval}`y`.", 3, "'unknown' is not defined"),
    "syntax": (cell("for i in range(3)\n    print(i)"), 2, "SyntaxError: expected ':'"),
    "tab": (cell("if True:\n\tx = 1\n        y = 2"), 4, "TabError"),
    "caption": (
        cell("---\nmystnb:\n  figure:\n    caption: Two: panels\n---\nprint(1)"), 1, "in quotes",
    ),
    "tags": (cell(":tags: hide-input, hide-output\nprint(1)"), 2, "has to be a list"),
    "option": (cell(":tag: [hide-input]\nprint(1)"), 2, "no option 'tag'"),
    "fence": ("```{code-cell} ipython3\nprint(1)\n\nText.", 1, "``` is missing"),
    "colons": (":::{admonition} Goals\n:class: tip\n\nText.", 1, "::: is missing"),
    "indentation": (":::{admonition} Goals\n :class: tip\n\nText.\n:::", 2, "very beginning"),
    "dollar": ("The number $x is not closed.\n\nAnother, $y$, is.", 1, "a $ is missing"),
    "directive": ("```{admonitoin} Goals\nText.\n```", 1, "admonitoin"),
    "role": ("See {eqq}`eq-x`.", 1, "eqq"),
    "equation": ("See {eq}`eq-nowhere`.", 1, "eq-nowhere"),
    "twice": ("$$\nx=1\n$$ (eq-twice)\n\n$$\nx=2\n$$ (eq-twice)", 5, "duplicate label"),
    "page": ("See [](nowhere.md).", 1, "nowhere.md"),
    "anchor": ("See [there](#nowhere).", 1, "nowhere"),
    "citation": ("As {cite}`nobody1900` says.", 1, "nobody1900"),
    "brace": (r"It is $\frac{1}{2$.", 1, 'Expected closing token "}"'),
    "command": (r"It is $\fracc{1}{2}$.", 1, r"\fracc"),
    "heading": ("### Too deep\n\nText.", 1, "H1 to H3"),
    "number": (cell("import numpy as np\n\nx = np.pi * np.ones(1)[0]") + "\nIt is {eval}`x`.", 7,
               "needs a format"),
    "failing": (cell("1 / 0") + "\nIt is {eval}`x`, {eval}`y`.\n\n% holds: x > 3", 2,
                "ZeroDivisionError"),
    **{name: (f"{NUMBER}\n{text}", 8, words) for name, (text, words) in UNSAID.items()},
}  # fmt: skip


@pytest.fixture(scope="module")
def said(tmp_path_factory):
    project_ = project.__wrapped__(tmp_path_factory.mktemp("spoilt"))
    for name, (text, _, _) in SPOILT.items():
        write(project_, name, text)
    listed = "".join(f"  - file: chapters/{name}\n" for name in SPOILT)
    toc = f"format: jb-book\nroot: chapters/index\nchapters:\n{listed}"
    (project_ / "_toc.yml").write_text(toc, "utf-8")
    result = build(project_)
    assert result.returncode != 0
    return project_, re.sub(r"\x1b\[[\d;]*m", "", result.stdout)


@pytest.mark.parametrize("name", SPOILT)
def test_a_mistake_is_told_first_by_its_chapter_and_line(said, name):
    project_, told = said
    text, line, words = SPOILT[name]
    source = (project_ / f"chapters/{name}.md").read_text("utf-8")
    line += source[: source.index(text)].count("\n")
    lines = [each for each in told.splitlines() if f"chapters/{name}.md:" in each]
    assert lines and f"chapters/{name}.md:{line}: " in lines[0] and words in lines[0], lines


@pytest.mark.parametrize("name", ["failing", *UNSAID])
def test_what_is_wrong_with_one_thing_is_told_once(said, name):
    assert said[1].count(f"chapters/{name}.md:") == 1, said[1]
    assert re.search(rf"chapters/{name}\.md:\d+: WARNING: ", said[1])  # which fails a build


@pytest.mark.slow
@pytest.mark.parametrize("name", ["failing", *UNSAID])
def test_it_fails_a_build_by_itself(project, name):  # noqa: F811
    text, _, words = SPOILT[name]
    write(project, "index", text)
    failed = build(project)
    assert failed.returncode != 0 and words in failed.stdout, failed.stdout
    assert failed.stdout.count("WARNING: ") == 1, failed.stdout


def test_nothing_is_told_but_lines_that_name_a_chapter(said):
    assert "Traceback" not in said[1] and "Exception occurred" not in said[1], said[1]
