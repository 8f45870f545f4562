"""Build the book if anything it is made from has changed: ``python -m bookbuild.tasks.build``.

With the name of a page, only that page is read and written, and the next build does all the rest.
"""

import contextlib
import hashlib
import io
import os
import re
import shutil
import sys

from bookbuild import environment, publication, repository
from bookbuild.ext import epub
from bookbuild.ext.execution import PREVIEW
from bookbuild.paths import BUILD, CONTENTS, HTML, ROOT, SOURCES

BUILT = BUILD / "built"  # a hash of what the pages were made from
MEMORY = BUILD / ".doctrees/environment.pickle"  # what Sphinx knows of the pages that it has read
BEFORE = MEMORY.with_suffix(".before")  # the same, before a build that has not ended well yet


def state():
    """A hash of all the book is made from: touching a file is no change, deleting one is."""
    places = publication.repository(), publication.branch(), publication.site()
    digest = hashlib.sha256(" ".join(places).encode())
    for source in SOURCES:
        for file in sorted(source.rglob("*")) if source.is_dir() else [source]:
            if file.is_file() and not repository.left_behind(file.relative_to(ROOT)):
                digest.update(file.relative_to(ROOT).as_posix().encode() + b"\0")
                digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()


class Progress(io.TextIOBase):
    """Shows what Sphinx does, in short."""

    def __init__(self, terminal):
        self.terminal, self.line, self.untrue = terminal, "", 0

    def write(self, text):
        *lines, self.line = (self.line + text).replace("\r", "\n").split("\n")
        for line in lines:
            self.show(re.sub(r"\x1b\[[\d;]*m", "", line).replace(f"{ROOT}{os.sep}", "").strip())
        return len(text)

    def show(self, line):
        if "Executing notebook" in line:
            said = f"executing {line.split(':')[0]}"
        elif match := re.match(r"(reading|writing).*%\] (.*)", line):
            said = f"{match[1]} {match[2]}"
        elif re.match(r"\(\s*[\w/]+: line +\d+\)|.* is not in _toc.yml|.*: not so in ", line):
            said = line  # an address's answer; a file that is no chapter; of another place, untrue
            self.untrue += ": not so in " in line
        else:
            return
        print(f"  {said}", file=self.terminal, flush=True)


def run(builder="html", page=""):
    """Run Jupyter Book on the whole book, or on one page of it: True if anything was wrong."""
    environment.enter(ROOT)
    from jupyter_book.sphinx import build_sphinx  # it takes a second to import

    os.environ[PREVIEW] = page
    progress = Progress(sys.stdout)
    with contextlib.redirect_stdout(progress):
        result = build_sphinx(
            str(ROOT),
            str(BUILD / builder),
            noconfig=True,
            path_config=str(ROOT / "_config.yml"),
            confoverrides={
                "nitpicky": True,
                "external_toc_path": str(CONTENTS),
                "latex_individualpages": False,
                **epub.SETTINGS,
            },
            filenames=[str(ROOT / f"{page}.md")] if page else [],
            builder=builder,
            warningiserror=True,
            keep_going=True,
        )
    if isinstance(result, KeyboardInterrupt):
        raise result
    if progress.untrue:
        print(
            f"Not so with these temperatures: {progress.untrue} claims. Each stands below the "
            "sentence or figure that it is about: change that, and then the claim."
        )
    return bool(result)


def forget():
    """Remember no more than before a build that did not end well: what it read is to be read again,
    and what it wrote is to be written."""
    if not BEFORE.is_file():
        MEMORY.unlink(missing_ok=True)
        return
    since = BEFORE.stat().st_mtime
    for page in HTML.rglob("*.html"):
        if page.stat().st_mtime >= since:
            os.utime(page, (0, 0))  # somebody may be reading it, so it stays
    for tree in MEMORY.parent.rglob("*.doctree"):
        if tree.stat().st_mtime >= since:
            tree.unlink()
    BEFORE.replace(MEMORY)


def build(page=""):
    now = state()
    if (
        BUILT.is_file()
        and BUILT.read_text(encoding="utf-8") == now
        and (HTML / "index.html").is_file()
    ):
        print("Nothing has changed: no chapter executed, no page written.")
    else:
        print("Building the book", flush=True)
        # Sphinx says what is wrong with a page when it reads the page, and once. What it remembers
        # of a build counts only if that ended well, so that no fault is forgotten; a preview never
        # does.
        if not BUILT.is_file():
            forget()
        if MEMORY.is_file():
            shutil.copy(MEMORY, BEFORE)
        BUILT.unlink(missing_ok=True)
        if run(page=page):
            sys.exit("make: The book was not built. Each WARNING or ERROR above names its chapter.")
        if page:
            return
        BEFORE.unlink(missing_ok=True)
        BUILT.write_text(now, encoding="utf-8")
    print(f"Open {(HTML / 'index.html').relative_to(ROOT)}")


def links():
    """Every address outside the book, with the chapter and line that name it."""
    if run("linkcheck"):
        sys.exit(
            "make: Some addresses do not answer. Each is named above with its chapter and line."
        )


if __name__ == "__main__":
    try:
        links() if sys.argv[1:] == ["--links"] else build(*sys.argv[1:])
    except KeyboardInterrupt:
        sys.exit("make: Interrupted.")
