"""Build the book twice, as differently as one machine can, and compare every byte of its pages.

The two builds begin cold, each in an environment of its own as two people would have, in folders of
different names and lengths, with other hash seeds, locales and time zones, and the second one a
year and a half later.
Another machine may differ in the last digits, since BLAS and SIMD round otherwise there.
"""

import itertools
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from bookbuild import repository
from bookbuild.paths import ROOT

LATER = """\
import datetime

import time_machine

LATER = datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=555, hours=7)
time_machine.travel(LATER, tick=True).start()
"""
# The second lock has what moves the clock.
INSTALL = """\
import sys
from pathlib import Path

sys.path.insert(0, "code")
import install

install.main(Path(".venv").resolve(), "requirements.txt", "requirements-dev.txt")
"""
BUILDS = {
    "a": {"PYTHONHASHSEED": "1", "LC_ALL": "C", "TZ": "UTC"},
    "a-folder of a much longer/name": {
        "PYTHONHASHSEED": "4242", "LC_ALL": "C.UTF-8", "TZ": "Asia/Kathmandu",
    },
}  # fmt: skip


def start(folder, different, later):
    """Begin a cold build in a folder; its terminal goes to a file in the folder."""
    repository.copy(ROOT, folder)
    subprocess.run([sys._base_executable, "-c", INSTALL], cwd=folder, check=True)
    environment = {**os.environ, **different}
    environment.pop("PYTHONPATH", None)
    if later:
        (folder / "later").mkdir()
        (folder / "later/sitecustomize.py").write_text(LATER, encoding="utf-8")
        environment["PYTHONPATH"] = str(folder / "later")
    python = folder / ".venv" / Path(sys.executable).relative_to(sys.prefix)
    with (folder / "log").open("w", encoding="utf-8") as log:
        return subprocess.Popen(
            [str(python), "-m", "bookbuild.tasks.build"], cwd=folder, env=environment,
            stdout=log, stderr=subprocess.STDOUT,
        )  # fmt: skip


def first_difference(one, other):
    """In words, where two folders differ first; an empty text if they do not."""
    names = sorted(
        {
            path.relative_to(folder).as_posix()
            for folder in (one, other)
            for path in folder.rglob("*")
            if path.is_file()
        }
    )
    for name in names:
        for folder in (one, other):
            if not (folder / name).is_file():
                return f"{name} is not in {folder}"
        a, b = (one / name).read_bytes(), (other / name).read_bytes()
        if a != b:
            at = next(i for i, (x, y) in enumerate(itertools.zip_longest(a, b)) if x != y)
            around = slice(max(0, at - 60), at + 60)
            return f"{name} differs from byte {at}:\n  {a[around]}\n  {b[around]}"
    return ""


def main():
    print("Building the book twice, some minutes", flush=True)
    with tempfile.TemporaryDirectory() as temporary:
        folders = [Path(temporary, name) for name in BUILDS]
        builds = [
            start(folder, different, later=folder is folders[-1])
            for folder, different in zip(folders, BUILDS.values(), strict=True)
        ]
        for folder, build in zip(folders, builds, strict=True):
            if build.wait():
                said = (folder / "log").read_text(encoding="utf-8")
                sys.exit(f"{said}make: A copy of the book was not built.")
        one, other = (folder / "_build/html" for folder in folders)
        if difference := first_difference(one, other):
            sys.exit(f"make: The same sources gave other bytes. {difference}")
        print(f"Identical: {sum(path.is_file() for path in one.rglob('*'))} files")


if __name__ == "__main__":
    main()
