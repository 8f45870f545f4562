"""How many displayed formulas are evaluated and how many are pinned, said once a run."""

from bookbuild.ext.formula_page import checks


def pytest_terminal_summary(terminalreporter):
    found = checks()
    pinned = sorted(label for label, check in found.items() if check.pinned)
    evaluated = len(found) - len(pinned)
    terminalreporter.write_line(
        f"displayed formulas: {len(found)} labels, {evaluated} evaluated, "
        f"{len(pinned)} evaluated in part and pinned ({', '.join(pinned)})"
    )
