"""Where the book lives, said once, and what a page can offer because of it.

The repository is taken from BOOK_REPOSITORY (https://github.com/owner/name), which the publishing
workflow sets, else from the git remote `origin` if the repository is ours, else there is none; the
address of the published pages from BOOK_URL. Without a repository a page has no link that leads
nowhere.
"""

import os
import re
from urllib.parse import quote

from bookbuild import repository as project
from bookbuild.paths import ROOT

BINDER = "https://mybinder.org/v2/gh"
COLAB = "https://colab.research.google.com/github"
NOTEBOOKS = "notebooks"  # the branch that make release writes for Colab, which opens no .md


def repository():
    """The repository's address on GitHub without a slash at its end, or an empty text."""
    said = os.environ.get("BOOK_REPOSITORY", "")
    if not said and not (ROOT / "STUDENT").exists():  # a clone of ours shows the solutions
        said = project.git(ROOT, "remote", "get-url", "origin") or ""
    match = re.search(r"github\.com[/:]([\w.-]+)/([\w.-]+?)(?:\.git)?/?$", said)
    return f"https://github.com/{match[1]}/{match[2]}" if match else ""


def branch():
    return os.environ.get("BOOK_BRANCH") or project.branch(ROOT)


def site():
    """The address of the published pages without a slash at its end, or an empty text."""
    return os.environ.get("BOOK_URL", "").rstrip("/")


def links(home, page):
    """What a page offers of its own in a repository at this address: label, icon, address."""
    if not home:
        return []
    owner_name = home.removeprefix("https://github.com/")
    body = quote(f"On the page {page}:\n\n(what it says, and what it should say)\n")
    report = f"{home}/issues/new?title={quote(f'A mistake in {page}')}&body={body}"
    binder = f"{BINDER}/{owner_name}/{branch()}?urlpath=lab/tree/{page}.md"
    colab = f"{COLAB}/{owner_name}/blob/{NOTEBOOKS}/{page.rpartition('/')[2]}.ipynb"
    return [
        ("Run this chapter in Binder", "rocket", binder),
        ("Run this chapter in Colab", "play", colab),
        ("Report a mistake on this page", "bug", report),
        ("Edit the source of this page", "pencil", f"{home}/edit/{branch()}/{page}.md"),
    ]


def fix_date():
    """What says when it was made says the same each time: same files, same bytes."""
    os.environ.setdefault("SOURCE_DATE_EPOCH", "1767225600")
