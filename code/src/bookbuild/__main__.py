"""Build the book if anything it is made from has changed: ``python -m bookbuild``, as make does.

``python -m bookbuild links`` then asks every address outside the book whether it still answers.
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from bookbuild import address, environment, repository, turns

ROOT = Path(__file__).resolve().parents[3]
BUILD = ROOT / "_build"
INDEX = BUILD / "html/index.html"
STAMP = BUILD / "built"
MEMORY = BUILD / ".doctrees/environment.pickle"  # what Sphinx knows of the pages it has read
SOURCES = (
    "_config.yml",
    "_toc.yml",
    "requirements.txt",
    "chapters",
    "code/src",
    "code/pyproject.toml",
)


def state():
    """A hash of all the book is made from: touching a file is no change, deleting one is."""
    places = address.repository(ROOT), address.branch(ROOT), address.site()
    digest = hashlib.sha256(" ".join(places).encode())
    for source in SOURCES:
        path = ROOT / source
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            if file.is_file() and not repository.left_behind(file.relative_to(ROOT)):
                digest.update(file.relative_to(ROOT).as_posix().encode() + b"\0")
                digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()


def separate(arguments, environment):
    """Jupyter Book in a process of its own."""
    command = [Path(sys.executable).parent / "jupyter-book", *arguments]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, encoding="utf-8")


def run(*options, launch=separate, first=""):
    """Run Jupyter Book, showing what it does; warnings and errors go straight to the terminal."""
    environment.enter(ROOT)
    arguments = ["build", "-W", "-n", "--keep-going", *options, str(ROOT)]
    process = launch(arguments, {**os.environ, turns.FIRST: first})
    try:
        for line in process.stdout:
            line = re.sub(r"\x1b\[[\d;]*m", "", line).replace(f"{ROOT}/", "").strip()
            if "Executing notebook" in line:
                print("  executing", line.split(":")[0], flush=True)
            elif match := re.match(r"(reading|writing).*%\] (.*)", line):
                print(f"  {match[1]} {match[2]}", flush=True)
            elif re.match(r"\(\s*[\w/]+: line +\d+\)", line):  # the answer of an address
                print(f"  {line}", flush=True)
    except KeyboardInterrupt:
        process.kill()  # its kernel sees that, and ends
        raise
    finally:
        code = process.wait()
    return code


def html(launch=separate, first=""):
    """Build what has changed. Of many pages only `first`, if it is one: True if others are left."""
    now = state()
    if INDEX.is_file() and STAMP.is_file() and STAMP.read_text(encoding="utf-8") == now:
        print("Nothing has changed: no chapter executed, no page written.")
    else:
        print("Building the book", flush=True)
        # Sphinx says what is wrong with a page when it reads the page, and once. After a build that
        # failed it remembers what it did before, so that no fault is forgotten; after one that was
        # killed, nothing.
        if not STAMP.is_file():
            shutil.rmtree(MEMORY.parent, ignore_errors=True)
        memory = MEMORY.read_bytes() if MEMORY.is_file() else None
        STAMP.unlink(missing_ok=True)
        failed = True
        try:
            failed = run(launch=launch, first=first)
        finally:
            if failed and memory:
                MEMORY.write_bytes(memory)
                STAMP.write_text("", encoding="utf-8")
        if failed:
            sys.exit("make: The book was not built. Each WARNING or ERROR above names its chapter.")
        environment.readable(INDEX.parent)
        left = turns.ended_well(BUILD)
        STAMP.write_text("" if left else now, encoding="utf-8")
        if left:
            return True
    print(f"Open {INDEX.relative_to(ROOT)}")
    return False


def links():
    """Every address outside the book, with the chapter and line that name it."""
    if run("--builder", "custom", "--custom-builder", "linkcheck"):
        sys.exit(
            "make: Some addresses do not answer. Each is named above with its chapter and line."
        )


if __name__ == "__main__":
    try:
        html()
        if sys.argv[1:] == ["links"]:
            links()
    except KeyboardInterrupt:
        sys.exit("make: Interrupted.")
