"""Grade a folder of submissions: ``python -m bookbuild.tasks.grade jacobian folder [seconds]``.

Each submission runs in a process of its own (`submission`). The checks run here: they call the
submission's function through that process, get plain numbers back, and judge them where the
submission cannot reach. The points at which they look are new each time, so no answer can have
been learnt by heart, and the package in that process has no checks to ask. This is no sandbox:
a submission can read and write files, and use the network, as whoever grades it can.
"""

import contextlib
import csv
import html
import json
import os
import re
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nbformat
import numpy as np

from bookbuild import environment
from bookbuild.paths import ROOT
from bookbuild.tasks import assignment, submission
from bookbuild.tasks.submission import Failed, decode, encode
from jacobians.book import exercises

SECONDS = 60  # for a submission, beyond what the notebook takes as it was handed out
LONGEST = 2**25  # bytes of an answer
COLUMNS = ("who", "exercise", "points", "of", "what was said")
TESTED = re.compile(r"^report = (check_\w+)\((\w+)\)$", re.M)
# In the place of the checks, which would tell a submission what is expected.
SILENT = '''"""The checks are not here while a submission is graded."""

from jacobians.reports import Report


def __getattr__(name):
    if name.startswith("check_"):
        return lambda *_: Report(False, "judged when all cells have run")
    raise AttributeError(name)
'''


class Submission:
    """A notebook's cells in a process of their own, for so many seconds."""

    def __init__(self, package, seconds):
        self.home = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        theirs = {"HOME": self.home.name, "IPYTHONDIR": self.home.name, "MPLBACKEND": "agg"}
        self.process = subprocess.Popen(
            [sys.executable, "-I", submission.__file__, str(package)], cwd=self.home.name,
            env=environment.variables(ROOT) | theirs, start_new_session=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        self.seconds, self.late = seconds, False
        self.timer = threading.Timer(seconds, self.stop, [True])

    def __enter__(self):
        self.timer.start()
        return self

    def __exit__(self, *_):
        self.timer.cancel()
        self.stop()
        for pipe in (self.process.stdin, self.process.stdout):
            with contextlib.suppress(OSError):
                pipe.close()
        self.process.wait()
        self.home.cleanup()

    def stop(self, late=False):
        """End the process, with all that it has started."""
        self.late = self.late or late
        if hasattr(os, "killpg"):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
        else:
            self.process.kill()

    def ask(self, message, helper=None):
        """The answer to a message; questions about a helper that come before it are answered."""
        while True:
            try:
                self.process.stdin.write(json.dumps(message).encode() + b"\n")
                self.process.stdin.flush()
                line = self.process.stdout.readline(LONGEST)
                answer = json.loads(line) if line else None
            except OSError:
                answer = None
            except (ValueError, RecursionError):
                raise Failed("what was returned cannot be read") from None
            if answer is None:
                why = f"took more than {self.seconds:g} s" if self.late else "ended its process"
                raise Failed(f"the notebook {why}")
            if not isinstance(answer, dict) or not answer.keys() & {"ask", "error", "value"}:
                raise Failed("what was returned cannot be read")
            if "error" in answer:
                raise Failed(str(answer["error"])[:200])
            if "value" in answer:
                return decode(answer["value"])
            message = helped(helper, answer)

    def function(self, name):
        """The submission's function of that name, called over there."""

        def call(*args):
            helper = next((a for a in args if not isinstance(a, (np.ndarray, int, float))), None)
            given = ["helper" if a is helper else encode(a) for a in args]
            return self.ask({"name": name, "args": given}, helper)

        return call


def helped(helper, question):
    """What the helper answers to a question from the submission."""
    name = str(question["ask"])
    try:
        found = getattr(helper, name) if not name.startswith("_") else None
        if callable(found) and "args" not in question:
            return {"method": name}
        return {
            "value": encode(found(*map(decode, question["args"])) if callable(found) else found)
        }
    except Exception as error:
        return {"error": str(error)}


def exercises_of(key):
    """Of each exercise of the notebook that was handed out: its graded cell, check and answer."""
    for cell in key.cells:
        if cell.metadata.nbgrader["grade"]:
            found = TESTED.search(cell.source)
            yield cell, *(found.groups() if found else ("", ""))


def handed_out(key):
    """All names of the notebook that was handed out, for an answer that is not a function."""
    code = "\n".join(cell.source for cell in key.cells if cell.cell_type == "code")
    plain = re.sub(r"^( *)%.*", r"\1pass", code, flags=re.M)  # without what IPython adds
    names = {"__name__": "handed out"}
    os.environ["MPLBACKEND"] = "agg"
    with open(os.devnull, "w", encoding="utf-8") as nowhere, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with contextlib.redirect_stdout(nowhere):
            exec(compile(plain, "handed out", "exec"), names)
    return names


def grade(cells, key, names, package, seconds):
    """For each exercise: points, of how many, and what was said of the answer."""
    texts = {c.get("metadata", {}).get("nbgrader", {}).get("grade_id"): c.source for c in cells}
    with Submission(package, seconds) as submitted:
        try:
            code = [cell.source for cell in cells if cell.cell_type == "code"]
            wrong = "\n".join(submitted.ask({"cells": code}))
        except Failed as error:
            wrong = str(error)
        for cell, check, answer in exercises_of(key):
            told = cell.metadata.nbgrader
            if check:
                ok, said = judge(submitted, check, answer, names)
                said = "\n".join(filter(None, [said, "" if ok else wrong]))
                yield told["points"] if ok else 0, told["points"], said
            else:
                text = texts.get(told["grade_id"])
                text = text and text.replace(cell.source, "").strip()
                said = f"to be read:\n{text}" if text else "no answer"
                said = "its answer cell is gone: to be looked for" if text is None else said
                yield 0 if text == "" else "", told["points"], said


def judge(submitted, check, answer, names):
    """Whether an answer is right, and the check's words."""
    try:
        given = names.get(answer)
        if isinstance(given, dict):
            said = submitted.ask({"name": answer})
            said = said if isinstance(said, dict) else {}
            function = {key: said.get(key.__name__, np.nan) for key in given}
        else:
            function = submitted.function(answer)
        report = getattr(exercises, check)(function)
        return report.ok, str(report)
    except Failed as error:
        return False, f"Not yet: {error}."
    except Exception as error:  # what was returned is nothing that the check could work with
        return False, f"Not yet: what {answer} returned cannot be judged ({error})."


def seconds_of(key, package):
    """How long the notebook takes as it was handed out, with no answers in it."""
    began = time.monotonic()
    try:
        with Submission(package, 1200) as unanswered:
            wrong = unanswered.ask(
                {"cells": [c.source for c in key.cells if c.cell_type == "code"]}
            )
    except Failed as error:
        wrong = [str(error)]
    if wrong:
        sys.exit(f"make: The notebook does not run as it was handed out: {wrong[0]}")
    return time.monotonic() - began


def found(folder, name):
    """Each submission with whose it is: a notebook, or a folder that holds one at any depth."""
    for entry in sorted(folder.iterdir()):
        if entry.name.startswith("."):
            continue
        inside = [
            file
            for file in (entry.rglob("*.ipynb") if entry.is_dir() else [entry])
            if ".ipynb_checkpoints" not in file.parts
        ]
        inside = [file for file in inside if file.name == f"{name}.ipynb"] or inside
        yield (entry.name if entry.is_dir() else entry.stem), inside


def rows_of(who, files, key, names, package, seconds):
    """The lines of the table for one submission; whatever is wrong with it is one of them."""
    try:
        if len(files) != 1:
            raise ValueError("several notebooks" if files else "no notebook")
        notebook = nbformat.reads(files[0].read_text(encoding="utf-8"), 4)
        nbformat.validate(notebook)
        graded = list(grade(notebook.cells, key, names, package, seconds))
    except Exception as error:
        why = str(error).split("\n")[0][:200]
        graded = [
            (0, cell.metadata.nbgrader["points"], f"This is no notebook that can be graded: {why}")
            for cell, *_ in exercises_of(key)
        ]
    for (cell, *_), row in zip(exercises_of(key), graded, strict=True):
        number = re.match(r"exercise-([\w.]+)", cell.metadata.nbgrader["grade_id"])[1]
        yield who, number, *row


def write_table(rows, name, target):
    """The table as CSV, for a spreadsheet, and as HTML, to read."""

    def harmless(value):
        text = str(value)  # a spreadsheet takes some beginnings for a formula
        return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else value

    with target.with_suffix(".csv").open("w", encoding="utf-8-sig", newline="") as file:
        csv.writer(file).writerows([COLUMNS, *([harmless(value) for value in row] for row in rows)])
    lines = "\n".join(
        "<tr>" + "".join(f"<td>{html.escape(str(value))}</td>" for value in row) + "</tr>"
        for row in rows
    )
    heads = "".join(f"<th>{column}</th>" for column in COLUMNS)
    target.with_suffix(".html").write_text(
        f'<!DOCTYPE html>\n<html lang="en"><meta charset="utf-8"><title>{name}: grades</title>\n'
        "<style>td, th { vertical-align: top; text-align: left; padding: 0.3em 0.8em; "
        "border-top: 1px solid; white-space: pre-wrap; overflow-wrap: anywhere } "
        "table { border-collapse: collapse; font-family: sans-serif }</style>\n"
        f"<table><tr>{heads}</tr>\n{lines}\n</table></html>\n",
        encoding="utf-8",
    )


def main(name="", folder="", seconds=SECONDS):
    home = assignment.FOLDER / name
    file, folder = home / f"{name}.ipynb", Path(folder).expanduser()
    if not file.is_file():
        sys.exit(
            f"make: {name or 'a chapter'} was not handed out: make assignment CHAPTER=jacobian"
        )
    if not folder.is_dir() or folder == Path():
        sys.exit(
            "make: where are the submissions? make grade CHAPTER=jacobian FOLDER=/path/to/them"
        )
    key = nbformat.read(file, 4)
    functions = "\n".join(cell.source for cell in key.cells)
    plain = all(f"def {answer}(" in functions for _, _, answer in exercises_of(key) if answer)
    names = {} if plain else handed_out(key)
    exercises.SEED = secrets.randbits(32)
    with tempfile.TemporaryDirectory() as package, ThreadPoolExecutor(os.cpu_count()) as pool:
        ours = Path(exercises.__file__).parents[1]
        theirs = Path(package) / "jacobians"
        shutil.copytree(ours, theirs, ignore=shutil.ignore_patterns("__pycache__"))
        (theirs / "book/exercises.py").write_text(SILENT, encoding="utf-8")
        limit = round(float(seconds) + 3 * seconds_of(key, package))  # several run at a time
        work = [
            pool.submit(lambda *of: list(rows_of(*of)), who, files, key, names, package, limit)
            for who, files in found(folder, name)
        ]
        rows = []
        for job in work:
            rows += job.result()
            who, points = rows[-1][0], sum(row[2] or 0 for row in job.result())
            print(f"{who}: {points} points by the checks", flush=True)
    write_table(rows, name, home / "grades")
    print(f"Written: {home / 'grades.html'} and grades.csv")


if __name__ == "__main__":
    main(*sys.argv[1:])
