"""Build the book and test its package on every Python of this machine: `make pythons`.

    python -m bookbuild.tasks.pythons        each that is found, of those the book is made for
    python -m bookbuild.tasks.pythons ends   the oldest and the newest, but not the one that runs

Each has a copy of the project, with an environment of its own, as somebody has who begins with it.
What could not be tried is named.
"""

import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

from bookbuild import repository
from bookbuild.paths import ROOT

MADE_FOR = ((3, 11), (3, 12), (3, 13), (3, 14))
# No built page, no browser; and what is said of a fault, since each Python says it otherwise.
TESTS = ["tests/package", "tests/equations", "tests/chapters", "tests/tasks/test_messages.py"]


def candidates():
    """Where Pythons may be: on the PATH, with pyenv, with uv, in the list of Windows' launcher."""
    for folder in os.environ.get("PATH", "").split(os.pathsep):
        for name in ("python3", "python", *(f"python3.{minor}" for _, minor in MADE_FOR)):
            yield shutil.which(name, path=folder)
    pyenv = Path(os.environ.get("PYENV_ROOT", "~/.pyenv")).expanduser()
    uv = Path(os.environ.get("UV_PYTHON_INSTALL_DIR", "~/.local/share/uv/python")).expanduser()
    for folder in (pyenv / "versions", uv):
        for place in ("bin/python3", "python.exe"):
            yield from folder.glob(f"*/{place}")
    if launcher := shutil.which("py"):
        said = subprocess.run([launcher, "-0p"], capture_output=True, encoding="utf-8").stdout
        yield from re.findall(r"\S:\\.*\.exe", said)


def found():
    """The newest Python of each minor version, as its path; the first of two alike."""
    newest = {}
    for path in dict.fromkeys(str(path) for path in candidates() if path):
        question = "import sys; print(*sys.version_info[:3], sys._base_executable)"
        try:
            said = subprocess.run(
                [path, "-I", "-c", question], capture_output=True, encoding="utf-8", timeout=30
            ).stdout.split(maxsplit=3)
        except (OSError, subprocess.TimeoutExpired):
            continue
        if len(said) == 4:
            version = tuple(map(int, said[:3]))
            if version > newest.get(version[:2], ((0,),))[0]:
                newest[version[:2]] = version, said[3].strip()
    return {minor: newest[minor] for minor in MADE_FOR if minor in newest}


def attempt(version, python):
    """Seconds of a build and of the tests in a fresh copy; None for one that failed."""
    folder = ROOT / "_build/pythons" / ".".join(map(str, version))
    shutil.rmtree(folder, ignore_errors=True)
    repository.copy(ROOT, folder)
    seconds = []
    for name, task in (("build", ["html"]), ("tests", ["test", *TESTS])):
        start = time.monotonic()
        log = folder / f"{name}.log"
        with log.open("w", encoding="utf-8") as file:
            failed = subprocess.run(
                [python, "make.py", *task], cwd=folder, stdout=file, stderr=subprocess.STDOUT
            ).returncode
        if failed:
            print(log.read_text(encoding="utf-8")[-4000:])
            return [*seconds, None]
        seconds.append(time.monotonic() - start)
    shutil.rmtree(folder, ignore_errors=True)
    return seconds


def main(which=""):
    pythons = found()
    for minor in MADE_FOR:
        if minor not in pythons:
            print(f"Python {minor[0]}.{minor[1]}: none was found here, so it was not tried")
    chosen = list(pythons.values())
    if which == "ends":
        here = sys.version_info[:3]  # `make test` is tried with this one anyway
        chosen = [each for each in dict.fromkeys([chosen[0], chosen[-1]]) if each[0] != here]
    failed = False
    for version, python in chosen:
        print(f"Python {'.'.join(map(str, version))}, {python}", flush=True)
        *done, last = attempt(version, python)
        failed |= last is None
        words = [f"{seconds:.0f} s" for seconds in done] + [f"{last:.0f} s" if last else "failed"]
        named = zip(("built", "tested"), words, strict=False)
        print("  " + ", ".join(f"{name}: {word}" for name, word in named), flush=True)
    if failed:
        sys.exit("make: The book does not hold on every Python. What failed is shown above.")


if __name__ == "__main__":
    main(*sys.argv[1:])
