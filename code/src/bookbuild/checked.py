"""What checks each labelled formula, read from the tests' own source; it imports none of them."""

import ast
from dataclasses import dataclass

from bookbuild.paths import ROOT

TESTS = ROOT / "tests/equations"


@dataclass(frozen=True)
class Check:
    """The test of a labelled formula: its file and name, and the reason if it is pinned."""

    file: str
    name: str
    pinned: str | None


def checks(folder=TESTS):
    """What checks each label, read from the decorators and calls of the tests.

    Parameters
    ----------
    folder : Path
        Where the tests of equations lie.

    Returns
    -------
    dict of str to Check
        By label, in the order of the files.
    """
    found = {}
    for path in sorted(folder.glob("test_equations_*.py")):
        for function in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(function, ast.FunctionDef):
                for label in labels(function):
                    found[label] = Check(path.name, function.name, reason(function))
    return found


def labels(function):
    """The labels that a test's decorators name."""
    for call in function.decorator_list:
        if isinstance(call, ast.Call) and getattr(call.func, "id", "") == "checks_equation":
            yield ast.literal_eval(call.args[0])


def reason(function):
    """Why the formula is pinned, or None if all of it is evaluated."""
    for call in ast.walk(function):
        if isinstance(call, ast.Call) and getattr(call.func, "id", "") == "pinned":
            return next(ast.literal_eval(k.value) for k in call.keywords if k.arg == "because")
