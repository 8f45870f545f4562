"""Every task of the book: `python make.py` builds it, `python make.py help` lists the others.

It needs a Python and nothing else, and installs what a task needs before it runs the task. The
Makefile is a thin cover: `make test` is `python make.py test`. What follows a task's name goes on
to its last command: `python make.py test -k jvp`, `python make.py lab --no-browser`.
"""

import os
import sys

# This file is written so that a Python of any age gets as far as this sentence.
# ruff: noqa: E402, UP031, UP036
if sys.version_info < (3, 11):
    sys.exit(
        "make: Python 3.11 or newer is needed, and %s is %s. Install it, and say "
        "python3.11 make.py or make PYTHON=/path/to/python"
        % (sys.executable, sys.version.split()[0])
    )

import difflib
import shutil
import signal
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent
sys.path.insert(0, str(ROOT / "code"))
sys.dont_write_bytecode = True

import install

VENV = ROOT / (os.environ.get("VENV") or ".venv")
BENCH = ROOT / ".venv-bench"
DEV = ["requirements-dev.txt"]
BOOK = ["-m", "bookbuild.tasks.build"]


def module(name, *arguments):
    return ["-m", "bookbuild.tasks." + name] + list(arguments)


def tasks():
    """Of each task: what it does, the locks beside requirements.txt that it needs, and what the
    environment's Python then runs, one after the other; or a function that does it."""
    return {
        "html": ("Build the book into _build/html (the default)", [], [BOOK]),
        "test": ("Build the book and run the tests", DEV, test),
        "test-core": ("The same, without the longest tests of pages and of make", DEV, test_core),
        "test-all": ("The same, with the long form of the tests", DEV, test_all),
        "live": ("Build on every save and reload the page in the browser", DEV, [module("live")]),
        "lab": ("Open the chapters as notebooks in JupyterLab", [], lab),
        "check": (
            "Lint, spelling, links, labels, round trip: in seconds, before a commit",
            DEV, [module("check")],
        ),
        "format": (
            "Mend layout: Python, cells, and chapters as a notebook would save them",
            DEV, [module("check", "format")],
        ),
        "chapter": ("Begin a chapter: make chapter NAME=my_chapter", [], [module("chapter")]),
        "chapter-kit": (
            "Write one chapter for another book into _build/kits: make chapter-kit NAME=jacobian",
            [], [module("kit")],
        ),
        "assignment": (
            "Write a chapter's exercises for a class: make assignment CHAPTER=jacobian",
            [], [BOOK, module("assignment")],
        ),
        "grade": (
            "Grade what came back: make grade CHAPTER=jacobian FOLDER=/path/to/it",
            [], [module("grade")],
        ),
        "student": ("Write the book without its solutions into _build/student", [],
                    [module("student")]),
        "binder": (
            "Replay what Binder would do, in a fresh environment from a fresh clone",
            DEV, [["tests/tasks/binder.py"]],
        ),
        "reproducible": (
            "Build twice, in other folders, locales and years, and compare every byte",
            DEV, [module("reproducible")],
        ),
        "pythons": (
            "Build and test on every Python that is found (pythons ends: oldest, newest)",
            DEV, [module("pythons")],
        ),
        "browser": (
            "Make sure that there are browsers for the tests of the pages, audit and pdf",
            DEV, [["-m", "bookbuild.browser"]],
        ),
        "audit": (
            "Print what every page weighs, what is found on it, and Lighthouse's scores",
            DEV, [BOOK, ["tests/site/audit.py"]],
        ),
        "release": (
            "Write the site with its downloads (archive, PDF, wheel, checksums) into _build/site",
            DEV, [BOOK, module("release")],
        ),
        "speech": (
            "Write down how a screen reader says the displayed formulas, for somebody to read",
            DEV, [BOOK, ["tests/site/speech.py"]],
        ),
        "links": ("Ask every address outside the book whether it still answers", DEV,
                  [BOOK + ["--links"]]),
        "epub": ("Write the whole book as an EPUB into _build/book.epub", [],
                 [BOOK, module("epub")]),
        "pdf": ("Print the whole book into _build/book.pdf", DEV, [BOOK, module("pdf")]),
        "bench": ("Compare our speed with JAX, PyTorch and others (in .venv-bench)", [], bench),
        "mutations": (
            "Make every displayed formula wrong and print what its test lets through",
            DEV, [["tests/equations/mutate.py"]],
        ),
        "picture": (
            "Redraw the four panels that the README shows, and a shared link",
            [], [["-m", "jacobians.book.figures", ".github/four-panels.svg",
                  "code/src/bookbuild/theme/static/picture.png"]],
        ),
        "lock": (
            "Renew requirements*.txt from requirements*.in and show what changed "
            "(lock newest: for this Python alone)",
            DEV, lock,
        ),
        "clean": ("Remove everything that was built", None, clean),
        "distclean": ("Remove the environment as well", None, distclean),
        "help": ("List the tasks", None, show_help),
    }  # fmt: skip


def main(name="html", *arguments):
    if name not in tasks():
        install.stop("there is no task " + name + "; make help lists them.")
    _, locks, steps = tasks()[name]
    if locks is not None:
        install.main(VENV, "requirements.txt", *locks)
    if callable(steps):
        steps(*arguments)
    else:
        for step in steps[:-1]:
            run(step)
        run(steps[-1] + list(arguments))


def run(command, venv=VENV, **settings):
    """Run a command of an environment's Python; if it fails, so do we."""
    # The book's matrices are small. On a busy machine SciPy's optimisers wait for BLAS threads that
    # have no core to run on, ten times as long as the work takes.
    environment = dict({"OPENBLAS_NUM_THREADS": "1"}, **install.clean())
    environment.update(settings)
    process = subprocess.Popen([install.python(venv)] + command, cwd=ROOT, env=environment)
    signal.signal(signal.SIGTERM, lambda *_: process.terminate())
    while True:
        try:
            code = process.wait()
            break
        except KeyboardInterrupt:
            pass  # the command has heard it, too, and ends in its own way
    if code:
        sys.exit(code if code > 0 else 1)


def test(*arguments):
    run(BOOK)
    chosen = any((ROOT / argument.split("::")[0]).exists() for argument in arguments)
    run(["-m", "pytest", "-q", "-n", "2"] + list(arguments) + ([] if chosen else ["tests"]))


def test_core():
    site = ["tests/site/test_%s.py" % name for name in ("pages", "downloads", "mathml", "engines")]
    test("tests/package", "tests/equations", "tests/chapters", *site)


def test_all(*arguments):
    test("-m", "", *arguments)


def lab(*options):
    root = ["--allow-root"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    path = str(VENV / install.BIN) + os.pathsep + os.environ.get("PATH", "")
    run(
        ["-m", "jupyter", "lab"] + root + list(options),
        PATH=path, JUPYTER_CONFIG_PATH=str(ROOT / ".jupyter"), JUPYTER_PREFER_ENV_PATH="1",
    )  # fmt: skip


def bench():
    install.main(BENCH, "requirements.txt", "requirements-bench.txt")
    run(["code/benchmarks/run.py"], BENCH)
    run(["code/benchmarks/scaling.py"], BENCH)
    run(["code/benchmarks/checkers.py"], BENCH)


def lock(*which):
    """Resolve for every Python from 3.11 on, or newest: for this one, whatever is newest there."""
    if which not in ((), ("newest",)):
        install.stop("make lock, or make lock newest")
    # `fewest`: one numerical stack for every Python, not a newer one where there is one.
    every = ["--universal", "--fork-strategy", "fewest", "--python-version", "3.11"]
    scratch = ROOT / "_build/lock"
    scratch.mkdir(parents=True, exist_ok=True)
    settings = install.installers_settings()

    def resolve(name, *options):
        target = scratch / name.replace("/", "-")
        command = [str(VENV / install.BIN / "uv"), "pip", "compile", "--quiet", "--upgrade"]
        command += ["--no-header"] + ([] if which else every) + list(options)
        command += [name.replace(".txt", ".in"), "-o", str(target)]
        code, said = install.run(command, settings)
        if code:
            install.stop(said.strip())
        return target.read_text(encoding="utf-8")

    book = resolve("requirements.txt")
    constraints = scratch / "constraints.txt"
    constraints.write_text(without("-e", book), encoding="utf-8")
    further = ["--constraint", str(constraints), "--no-annotate"]
    locks = {"requirements.txt": book}
    for name in ("binder/requirements.txt", "requirements-dev.txt", "requirements-bench.txt"):
        locks[name] = resolve(name, *further)
    bench = "requirements-bench.txt"
    locks[bench] = without(("nvidia", "triton", "cuda"), locks[bench])  # a CPU will do
    for name, new in locks.items():
        file = ROOT / name
        old = file.read_text(encoding="utf-8")
        file.write_text(new, encoding="utf-8", newline="\n")
        sys.stdout.writelines(difflib.unified_diff(
            old.splitlines(True), new.splitlines(True), file.name, file.name, n=0
        ))  # fmt: skip


def without(beginnings, text):
    return "".join(line for line in text.splitlines(True) if not line.startswith(beginnings))


def clean():
    shutil.rmtree(ROOT / "_build", ignore_errors=True)


def distclean():
    clean()
    for venv in (VENV, BENCH):
        if venv.exists():
            install.remove(venv)


def show_help():
    for name, (what, _, _) in tasks().items():
        print("make %-13s %s" % (name, what))


if __name__ == "__main__":
    os.chdir(ROOT)
    try:
        main(*sys.argv[1:])
    except KeyboardInterrupt:
        install.stop("Interrupted. The next make goes on from here.")
