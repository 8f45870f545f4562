"""Chapters for somebody's own course: ``python -m bookbuild.tasks.kit jacobian checking``.

What is written is a small Jupyter Book, which builds in a stock installation, and from which the
files and settings go into another book. What the chapters take from this book comes along: the
terms that they use, the works that they cite, the package. What stays here becomes a link to the
published pages, or the title of the chapter in which it stands. A number in a sentence is what the
chapter's cells give here.
"""

import re
import sys

import jupytext
from nbclient import NotebookClient

from bookbuild import environment, publication
from bookbuild.ext import downloads
from bookbuild.ext.sentences import CLAIM, ROLE, question, shown
from bookbuild.paths import BUILD, CHAPTERS, ROOT

REFERENCE = re.compile(r"\{(eq|ref|numref|prf:ref)\}`(?:([^`<]*?)\s*<)?([^`<>]+)>?`")
FOLDED = re.compile(ROLE.pattern, re.S)  # a long line of a cell's settings is folded
TERM = re.compile(r"\{term\}`([^`]*)`")
WORDS = {"eq": "an equation", "numref": "a figure", "prf:ref": "a theorem", "ref": "a section"}
CONFIG = """\
# In the _config.yml of another book these are the lines that matter.
title: The Jacobian, by hand
execute: {{execute_notebooks: cache, timeout: 120}}
parse: {{myst_enable_extensions: [dollarmath, colon_fence, deflist]}}
bibtex_bibfiles: [{kit}.bib]
sphinx:
  extra_extensions: [sphinx_exercise, sphinx_proof]
  config: {{numfig: true, myst_dmath_double_inline: false}}
"""
README = """\
# {titles}

From *The Jacobian, by hand*: to be built as it is, or taken into another Jupyter Book 1.

    pip install -r requirements.txt
    jupyter-book build .

For another book: copy the chapters, `{kit}-terms.md`, `{kit}.bib` and the wheel into it, name
the pages in its `_toc.yml`, and put the lines of `_config.yml` and `requirements.txt` into its own.
If it has a bibliography already, name both files: `bibtex_bibfiles: [references.bib, {kit}.bib]`.

The numbers in the sentences were put in when this was written. If you change a cell, read them
again; in the sources of the book they follow the cells. Text: CC BY 4.0, code: MIT.
"""
# The keys of works are ours, whatever works the other book cites; and so are the lists of them.
WORKS = """
```{{bibliography}}
:filter: docname in docnames
:keyprefix: {name}-
:labelprefix: {letter}
```
"""


def main(*names):
    there = {file.stem: file for file in sorted(CHAPTERS.glob("*.md"))
             if "\n```{code-cell}" in file.read_text(encoding="utf-8")}  # fmt: skip
    if not names or not there.keys() >= set(names):
        sys.exit(f"make: name a chapter: make chapter-kit NAME=jacobian (of {', '.join(there)})")
    environment.enter(ROOT)
    kit = "-".join(names)
    folder = BUILD / "kits" / kit
    wheel = downloads.write_wheel(folder)  # it is made anew, and empty
    texts, terms = taken(names, {name: answers(there[name]) for name in names})
    works = set()
    for letter, (name, text) in zip("ABCDEFGHIJ", texts.items(), strict=False):
        keys = {
            key.strip() for said in re.findall(r"\{cite\}`(.*?)`", text) for key in said.split(",")
        }
        works |= keys
        for key in keys:
            text = re.sub(rf"(\{{cite\}}`[^`]*?)\b{key}\b", rf"\1{name}-{kit}-{key}", text)
        write(
            folder / f"{name}.md", text + (WORKS.format(name=name, letter=letter) if keys else "")
        )
    entries = re.findall(
        r"^@\w+\{.*?^\}", (CHAPTERS / "references.bib").read_text("utf-8"), re.M | re.S
    )
    cited = [re.sub(r"\{", f"{{{kit}-", entry, count=1) for entry in entries
             if re.match(r"@\w+\{([^,]*)", entry)[1] in works]  # fmt: skip
    write(folder / f"{kit}.bib", "\n\n".join(cited))
    write(folder / f"{kit}-terms.md", "# Terms\n\n```{glossary}\n" + "\n\n".join(terms) + "\n```")
    write(folder / "_config.yml", CONFIG.format(kit=kit))
    pages = "".join(f"  - file: {page}\n" for page in [*names[1:], f"{kit}-terms"])
    write(folder / "_toc.yml", f"format: jb-book\nroot: {names[0]}\nchapters:\n{pages}")
    needs = [
        "jupyter-book>=1.0.4,<2",
        "sphinx-exercise",
        "sphinx-proof",
        "matplotlib",
        f"./{wheel.name}",
    ]
    write(folder / "requirements.txt", "\n".join(needs))
    titles = ", ".join(title(text) for text in texts.values())
    write(folder / "README.md", README.format(titles=titles, kit=kit))
    print(f"{folder.relative_to(ROOT)} is written; its README.md says what to do with it.")


def write(file, text):
    file.write_text(text.strip("\n") + "\n", encoding="utf-8")


def answers(source):
    """What the chapter's expressions give, after its last cell."""
    notebook = jupytext.read(source)
    asked = question(notebook)
    if asked is None:
        return {}
    print(f"  executing chapters/{source.name}", flush=True)
    notebook.cells.append(asked)
    NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(CHAPTERS)}}).execute()
    said = notebook.cells[-1].outputs[0]["data"]["application/json"]
    return {code: shown(answer)[0] for code, answer in said.items()}


def taken(names, said):
    """The chapters' texts with nothing that only this book knows, and the terms that they use."""
    book = {file.stem: file.read_text(encoding="utf-8") for file in CHAPTERS.glob("*.md")}
    glossary = re.search(r"```\{glossary\}\n(.*?)\n```", book["notation"], re.S)[1]
    terms = {entry.split("\n")[0]: entry for entry in glossary.split("\n\n")}

    def elsewhere(name, words):
        site = publication.site()
        return f"[{words}]({site}/chapters/{name}.html)" if site else words

    def link(match):
        words, name = match[1], match[2]
        return match[0] if name in names else elsewhere(name, words or f"*{title(book[name])}*")

    def reference(match):
        role, words, label = match.groups()
        place = next(name for name in [*names, *book] if carries(book[name], label))
        if place in names:
            return match[0]
        return elsewhere(place, words or f"{WORDS[role]} of the chapter *{title(book[place])}*")

    def portable(text, values):
        text = FOLDED.sub(lambda match: values[as_asked(match[2])], CLAIM.sub("", text))
        text = re.sub(r"(?<!!)\[([^\]]*)\]\((\w+)\.md(?:#[^)]*)?\)", link, text)
        text = REFERENCE.sub(reference, text)
        text = re.sub(r"\{py:\w+\}`~?(?:[\w.]*\.)?(\w+)`", r"`\1`", text)
        return re.sub(r"\n{3,}", "\n\n", text)

    texts = {name: portable(book[name], said[name]) for name in names}
    used, ahead = {}, "".join(texts.values())
    while new := {re.sub(r".*<(.*)>", r"\1", term) for term in TERM.findall(ahead)} - used.keys():
        used |= {name: portable(terms[name], {}) for name in new}
        ahead = "".join(used[name] for name in new)
    return texts, [used[name] for name in sorted(used)]


def as_asked(code):
    """An expression without the stroke's escape in a table and the folds of a cell's settings."""
    return " ".join(code.replace("\\|", "|").split())


def title(text):
    return re.search(r"^# (.*)$", text, re.M)[1]


def carries(text, label):
    """Whether a chapter's text gives something this label."""
    label = re.escape(label)
    return re.search(rf"\({label}\)=?$|^:label: {label}$|^\s*name: {label}$", text, re.M)


if __name__ == "__main__":
    main(*sys.argv[1:])
