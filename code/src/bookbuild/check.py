"""What can be said of the sources in seconds, before a commit: each finding with file and line.

python -m bookbuild.check          say what is wrong
python -m bookbuild.check format   mend what can be mended without thought
"""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import jupytext
from jupytext.config import load_jupytext_config

ROOT = Path(__file__).resolve().parents[3]
SETTINGS = "--config=code/pyproject.toml"
PYTHON = ["code", "tests"]
CELLS = "E402,I001,E501,B018,B023,B905"  # what a chapter may do and a module may not


def chapters():
    return sorted((ROOT / "chapters").glob("*.md"))


def tool(*command):
    """Run a tool of this environment and return what it said, if it found anything."""
    path = shutil.which(command[0], path=str(Path(sys.executable).parent))
    result = subprocess.run([path, *command[1:]], cwd=ROOT, capture_output=True, text=True)
    return (result.stdout + result.stderr).strip() if result.returncode else ""


def pages():
    return [str(path.relative_to(ROOT)) for path in chapters()]


# ------------------------------------------------------------------------------ what is looked for


def code():
    """Python, in the package, the tests and the cells."""
    return [
        tool("ruff", "check", "--quiet", "--output-format=concise", SETTINGS, *PYTHON),
        tool("ruff", "format", "--check", "--quiet", SETTINGS, *PYTHON),
        tool("nbqa", f"ruff check --quiet --output-format=concise --ignore={CELLS}",
             *pages(), SETTINGS),
    ]  # fmt: skip


def spelling():
    """British words, and not the letters of a formula."""
    files = [*pages(), "README.md", "CONTRIBUTING.md", "code/src", "tests"]
    return [
        tool("codespell", "--ignore-words-list=nd,te,fo,ans", "--skip=*.svg,*.csv,*.json", *files)
    ]


def fixed(text, path):
    """The text as jupytext writes it."""
    config = load_jupytext_config(str(path))
    notebook = jupytext.reads(text, fmt="md:myst", config=config)
    return jupytext.writes(notebook, fmt="md:myst", config=config)


def round_trip(path, text):
    """Opening and saving a chapter must change nothing."""
    before, after = text.splitlines(), fixed(text, path).splitlines()
    for number, pair in enumerate(zip(before, after, strict=False), 1):
        if pair[0] != pair[1]:
            return [(number, f"a notebook would save this line as {pair[1]!r}: make format")]
    if text != fixed(text, path):
        return [(len(before), "a notebook would save the end of this file otherwise: make format")]
    return []


def labels(text):
    """What a chapter can be asked for: equations, targets, figures, exercises, boxes."""
    return set(
        re.findall(
            r"^\$\$ \((.*?)\)$|^\((.*?)\)=$|^\s*:?(?:label|name): (\S+)$|:label: (\S+)", text, re.M
        )
    )


def links(path, text, known):
    """References inside the book lead somewhere."""
    for number, line in enumerate(text.splitlines(), 1):
        for role, target in re.findall(
            r"\{(eq|ref|numref|prf:ref)\}`(?:[^`<]*<)?([^`>]+)>?`", line
        ):
            if target not in known:
                yield number, f"nothing in the book is called {target!r} ({role})"
        for target in re.findall(r"\]\(([\w./-]+\.md)(?:#[\w-]*)?\)", line):
            if not (path.parent / target).is_file():
                yield number, f"there is no chapter {target}"


def untested(path, text):
    """Every displayed equation with a label has a test."""
    tested = "".join(file.read_text(encoding="utf-8") for file in (ROOT / "tests").rglob("*.py"))
    for number, line in enumerate(text.splitlines(), 1):
        match = re.match(r"\$\$ \((.*?)\)$", line)
        if match and f'checks_equation("{match[1]}")' not in tested:
            yield number, f"the equation {match[1]} has no test: @checks_equation({match[1]!r})"


def figures(path, text):
    """A figure is told to those who cannot see it."""
    for cell in re.finditer(r"^```\{code-cell\}.*?^```$", text, re.M | re.S):
        if "plt.show()" in cell[0] and not re.search(r"^\s+alt: \S", cell[0], re.M):
            yield text[: cell.start()].count("\n") + 1, "a figure without an alternative text"


def glued(path, text):
    """A formula does not look into a cell: a number from one stands beside it."""
    for number, line in enumerate(text.splitlines(), 1):
        if re.search(r"\$[^$`\s]*\{glue:", line):
            yield number, "a glued number inside a formula is shown as it is written"


def typed(path, text):
    """A number beside one that a cell computes was probably computed once, too."""
    prose = re.sub(r"^```.*?^```$", lambda m: "\n" * m[0].count("\n"), text, flags=re.M | re.S)
    for number, line in enumerate(prose.splitlines(), 1):
        if "{glue:" in line:
            words = re.sub(r"\{glue:\w+\}`[^`]*`|`[^`]*`|\$[^$]*\$", "", line)
            for found in re.findall(r"(?<![\w.])\d+\.\d+(?!\w|\.\d)", words):
                yield number, f"{found} is typed beside a number from a cell: let a cell print it"


def main():
    findings = [line for said in (*code(), *spelling()) for line in said.splitlines() if line]
    texts = {path: path.read_text(encoding="utf-8") for path in chapters()}
    known = {name for text in texts.values() for found in labels(text) for name in found if name}
    for path, text in texts.items():
        found = [*round_trip(path, text), *links(path, text, known)]
        found += [*untested(path, text), *figures(path, text), *typed(path, text)]
        found += glued(path, text)
        findings += [f"{path.relative_to(ROOT)}:{number}: {what}" for number, what in sorted(found)]
    print("\n".join(findings) or "Nothing to complain about.")
    sys.exit(bool(findings))


def reformat():
    """Mend layout: Python by ruff, cells by ruff through nbQA, chapters by jupytext."""
    tool("ruff", "format", "--quiet", SETTINGS, *PYTHON)
    tool("nbqa", "ruff format --quiet", *pages(), SETTINGS)
    for path in chapters():
        text = path.read_text(encoding="utf-8")
        if (new := fixed(text, path)) != text:
            path.write_text(new, encoding="utf-8")
            print(f"written anew: {path.relative_to(ROOT)}")


if __name__ == "__main__":
    reformat() if sys.argv[1:] == ["format"] else main()
