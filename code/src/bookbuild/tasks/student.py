"""The book without its solutions, for a class: ``python -m bookbuild.tasks.student [folder]``.

Solutions and the answers to quick questions are cut from the chapters; what says of itself that it
is not for students (the page for teachers, tests that hold solutions) stays behind. What is left
builds and passes its tests. The word `build` instead of a folder builds what was written, in the
environment that is there. The public repository still shows everything.
"""

import ast
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from bookbuild import repository
from bookbuild.paths import BUILD, ROOT

FOLDER = BUILD / "student"
NOT_THEIRS = "NOT FOR" + " STUDENTS"  # in a page, or the docstring of a module or a test
SOLUTION = re.compile(
    r"^(`{3,})\{solution-start\}.*?^`{3,}\{solution-end\}\n`{3,}\n+"  # gated, with cells inside
    r"|^(`{3,})\{solution\}.*?^\2\n+",  # in one piece
    re.M | re.S,
)
QUESTION = re.compile(r"^:::\{admonition\} Quick question\n.*?^:::$", re.M | re.S)
ANSWER = re.compile(r"(?<=\?) \*.*(?=\n:::)", re.S)  # it begins in italics
LABEL = re.compile(r"^\$\$ \((eq-[\w-]+)\)$", re.M)
CELL = re.compile(r"^```\{code-cell\}[^\n]*\n(.*?)^```$", re.M | re.S)


def without_solutions(text):
    """A chapter's text with every solution and every quick answer cut out."""
    text = SOLUTION.sub("", text).rstrip("\n") + "\n"
    return QUESTION.sub(lambda question: ANSWER.sub("", question[0]), text)


def lines_of_solutions(chapters):
    """Lines of code that stand in solutions alone, and quick answers, without their spaces.

    What a chapter shows outside its solutions as well is no secret.
    """
    inside, outside, answers = set(), set(), set()
    for text in chapters:
        for solution in SOLUTION.finditer(text):
            inside |= {line for cell in CELL.findall(solution[0]) for line in telling(cell)}
        for question in QUESTION.finditer(text):
            answers |= {bare(said) for said in ANSWER.findall(question[0])}
        outside |= telling(without_solutions(text))
    return answers | (inside - outside)


def bare(line):
    return re.sub(r"\s+", "", line.split("  #")[0])


def telling(code):
    """The lines that are long enough to say something, and no import, message or assertion."""
    said = re.compile(r"\s*(from|import|print|assert|class|def|for|ax|fig|plt)\b")
    return {bare(line) for line in code.splitlines() if not said.match(line)} - {""}


def given_away(text, lines):
    """The lines of solutions that a text holds."""
    there = {bare(line.lstrip("> ")) for line in text.splitlines()}
    whole = bare(text)
    return sorted(line for line in lines if len(line) >= 20 and (line in there or line in whole))


def stays_behind(path, text):
    """Whether a file says of itself, as a whole, that it is not for students."""
    whole = ast.get_docstring(ast.parse(text)) or "" if path.suffix == ".py" else text
    return NOT_THEIRS in whole


def without_tests(text, labels):
    """A module of tests without those that are not for students, or are of a solution's formula."""
    lines = text.splitlines(keepends=True)
    for node in reversed(ast.parse(text).body):
        if isinstance(node, ast.FunctionDef):
            checked = {
                text
                for d in node.decorator_list
                for text in re.findall("eq-[\\w-]+", ast.unparse(d))
            }
            if checked & labels or NOT_THEIRS in (ast.get_docstring(node) or ""):
                begin = min([node.lineno, *(d.lineno for d in node.decorator_list)])
                del lines[begin - 1 : node.end_lineno]
    return "".join(lines)


def without_label(text, label):
    """A text without the lines that begin with a solution's formula, and without references."""
    text = re.sub(rf"^\s*\"?{label}\"?:.*\n", "", text, flags=re.M)
    return re.sub(rf",? ?(?:\{{eq\}}|:eq:)`{label}`", "", text)


def without_page(text, name):
    """A text without the rows of tables, the clauses and entries that name a page left out."""
    link = re.escape(f"[]({name}.md)")
    text = re.sub(rf"^\|[^\n]*{link}[^\n]*\n", "", text, flags=re.M)
    text = re.sub(rf"^ *- file: chapters/{name}\n", "", text, flags=re.M)
    return re.sub(rf"; {link}[^.;\n]*(?=[.;])", "", text)


def write(target):
    if target.exists():
        shutil.rmtree(target)
    repository.copy(ROOT, target)
    contents = (ROOT / "_toc.yml").read_text(encoding="utf-8")
    listed = re.findall(r"^[\s-]*(?:file|root): *[\"']?([\w/-]+)", contents, re.M)
    chapters = {path for path in (target / "chapters").glob("*.md")}
    for path in sorted(chapters):
        name = path.relative_to(target).with_suffix("").as_posix()
        if name not in listed:  # a draft, or an exam
            print(f"Left out, since _toc.yml does not name it: {name}.md")
            path.unlink()
            chapters.remove(path)
    originals = [path.read_text(encoding="utf-8") for path in chapters]
    labels = {
        label
        for text in originals
        for solution in SOLUTION.finditer(text)
        for label in LABEL.findall(solution[0])
    }
    before = {path: text for path in files_of(target) if (text := as_text(path)) is not None}
    behind = [path for path, text in before.items() if stays_behind(path, text)]
    pages = [path.stem for path in behind if path in chapters]
    after = {}
    for path, text in before.items():
        if path in behind:
            path.unlink()
            continue
        if path in chapters:
            text = without_solutions(text)
        elif path.suffix == ".py" and path.is_relative_to(target / "tests"):
            text = without_tests(text, labels)
        for page in pages:
            text = without_page(text, page)
        for label in labels:
            text = without_label(text, label)
        after[path] = text
        if text != before[path]:
            path.write_text(text, encoding="utf-8")
    (target / "STUDENT").write_text(
        "The book without its solutions, so no test looks for them.\n", encoding="utf-8"
    )
    refuse(target, after, lines_of_solutions(originals), labels)


def files_of(target):
    return sorted(path for path in target.rglob("*") if path.is_file())


def as_text(path):
    """A file's text, or None if it is a picture."""
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return None


def refuse(target, texts, lines, labels):
    """End with every place where something of a solution is left.

    The package prepares what it checks as solutions do; what they return must not be in it.
    """
    returned = {line for line in lines if line.startswith("return")}
    left = []
    for path, text in texts.items():
        name = path.relative_to(target).as_posix()
        found = given_away(text, returned if name.startswith("code/src/") else lines)
        if name.startswith("chapters/"):
            found += re.findall(r"\{solution|\w+_solution\b", text)
        found += [label for label in labels if label in text]
        left += [f"{name}: {what}" for what in found]
    if left:
        sys.exit("make: Solutions are left:\n" + "\n".join(left))


def build(target):
    """Build what was written with this environment; the folder's own package comes first."""
    code = {**os.environ, "PYTHONPATH": str(target / "code/src")}
    command = [sys.executable, "-m", "bookbuild.tasks.build"]
    sys.exit(subprocess.run(command, cwd=target, env=code).returncode)


if __name__ == "__main__":
    word = sys.argv[1] if sys.argv[1:] else ""
    target = Path(word).resolve() if word not in ("", "build") else FOLDER
    write(target)
    print(
        f"Written without solutions: {target}\n"
        "Copy that folder into a repository of the class; make builds it there. "
        "To see its pages here, with this environment: make student OPTIONS=build",
        flush=True,
    )
    if word == "build":
        build(target)
