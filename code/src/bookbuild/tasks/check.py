"""What can be said of the sources in seconds, before a commit: each finding with file and line.

``python -m bookbuild.tasks.check`` says what is wrong: the hooks of pre-commit, and the tests of
the sources. With the word `format` it mends what can be mended without thought.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import jupytext
import yaml
from jupytext.config import load_jupytext_config

from bookbuild import repository
from bookbuild.paths import CHAPTERS, ROOT

SETTINGS = "--config=code/pyproject.toml"
SOURCES = ["tests/chapters/test_sources.py", "tests/equations/test_labels.py"]


def chapters():
    return sorted(CHAPTERS.glob("*.md"))


def tool(name, *arguments):
    """Run a tool of this environment; True if it found something, which it has said."""
    here = str(Path(sys.executable).parent)
    path = os.pathsep.join([here, os.environ.get("PATH", "")])  # nbqa calls ruff by its name
    command = [shutil.which(name, path=here), *arguments]
    return subprocess.run(command, cwd=ROOT, env={**os.environ, "PATH": path}).returncode != 0


def hooks():
    """The ordinary tools, as pre-commit is told to call them."""
    settings = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))
    return [hook for group in settings["repos"] for hook in group["hooks"]]


def concerned(hook):
    """The project's files that a hook is for."""
    left_out = hook.get("exclude", "^$")
    return [
        name
        for name in repository.files(ROOT)
        if re.search(hook["files"], name) and not re.search(left_out, name)
    ]


def main():
    found = [tool(*shlex.split(hook["entry"]), *concerned(hook)) for hook in hooks()]
    found.append(tool("pytest", "-q", "-n", "0", "--tb=line", *SOURCES))
    sys.exit(any(found))


def as_saved(text, path):
    """A chapter's text as jupytext writes it when a notebook is saved."""
    config = load_jupytext_config(str(path))
    notebook = jupytext.reads(text, fmt="md:myst", config=config)
    return jupytext.writes(notebook, fmt="md:myst", config=config)


def reformat():
    """Mend layout: Python by ruff, cells by ruff through nbQA, chapters by jupytext."""
    tool("ruff", "format", "--quiet", SETTINGS, "code", "tests", "make.py")
    tool("nbqa", f"ruff format --quiet --line-length=80 {SETTINGS}", "chapters")
    for path in chapters():
        text = path.read_text(encoding="utf-8")
        if (new := as_saved(text, path)) != text:
            path.write_text(new, encoding="utf-8")
            print(f"written anew: {path.relative_to(ROOT)}")


if __name__ == "__main__":
    reformat() if sys.argv[1:] == ["format"] else main()
