"""The project's files and what git says of them, where there is git and the repository is ours.

A book may be an unpacked archive, or a folder in the repository of a course, whose name and branch
are not ours. Nothing but the standard library is needed here.
"""

import fnmatch
import os
import re
import shutil
import subprocess
from pathlib import Path

# A git hook, or a shell in another repository, may have set where git looks.
ELSEWHERE = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR", "GIT_PREFIX",
             "GIT_OBJECT_DIRECTORY")  # fmt: skip

# What systems, editors and Python leave beside files: no part of the project, wherever it lies.
LEFT_BEHIND = re.compile(
    r"(?:.*/)?(?:\..*|__pycache__(/.*)?|Thumbs\.db|desktop\.ini|Icon\r|#.*#"
    r"|.*(?:~|\.pyc|\.sw[op]|\.orig|\.rej|\.bak|\.tmp))",
    re.IGNORECASE,
)


def git(root, *arguments):
    """What git answers, or None: no git, no repository, one that begins in another folder."""
    environment = {name: value for name, value in os.environ.items() if name not in ELSEWHERE}

    def ask(*arguments):
        answer = subprocess.run(
            ["git", "-C", str(root), *arguments], env=environment, capture_output=True,
            encoding="utf-8", errors="surrogateescape",
        )  # fmt: skip
        return None if answer.returncode else answer.stdout.strip()

    try:
        return ask(*arguments) if ask("rev-parse", "--show-cdup") == "" else None
    except OSError:
        return None


def branch(root):
    """The branch that visitors of the repository see, as far as it is known here."""
    head = git(root, "symbolic-ref", "--short", "refs/remotes/origin/HEAD")
    if head is None:  # not a clone: the one branch that was pushed
        pushed = git(root, "for-each-ref", "--format=%(refname:short)", "refs/remotes/origin")
        head = pushed if pushed and "\n" not in pushed else "origin/main"
    return head.removeprefix("origin/")


def files(root):
    """The project's files, relative to it: those git keeps or would keep, else all but the ignored.

    A file that was deleted and is still in git's index is none.
    """
    said = git(root, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    names = unpacked(root) if said is None else said.split("\0")
    return sorted({name for name in names if name and (root / name).is_file()})


def unpacked(root):
    """The files of an archive in which somebody has worked. Our .gitignore names no paths."""
    ignored = root / ".gitignore"
    lines = ignored.read_text(encoding="utf-8").splitlines() if ignored.is_file() else []
    patterns = [line.strip("/") for line in lines if line] + [".git", "_build"]
    for folder, folders, names in os.walk(root):
        here = Path(folder)
        folders[:] = [
            name
            for name in folders
            if not any(fnmatch.fnmatch(name, pattern) for pattern in patterns)
            and not (here / name / "pyvenv.cfg").is_file()
        ]
        for name in names:
            if not any(fnmatch.fnmatch(name, pattern) for pattern in patterns):
                yield (here / name).relative_to(root).as_posix()


def copy(root, target, wanted=lambda name: True):
    """Copy the project's files that are wanted, as they are in the working tree, elsewhere."""
    for name in filter(wanted, files(root)):
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(root / name, target / name)


def left_behind(name):
    """Whether a file, named relative to a folder of ours, is none of ours."""
    return any(LEFT_BEHIND.fullmatch(part) for part in Path(name).parts)
