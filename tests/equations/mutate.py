"""The mutation run: every labelled display made wrong in every way, and who notices.

python tests/equations/mutate.py             the table by label, and every survivor with its reason
python tests/equations/mutate.py eq-slope    one label, with everything that was done to it
"""

import importlib
import sys
import time
import warnings
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1])]

from displayed import CHECKED, examine, labelled  # noqa: E402
from survivors import REASONS  # noqa: E402

from formulas import Display  # noqa: E402
from formulas.mutations import mutants  # noqa: E402

SHARE = 0.95  # of all mutants, at least so many have to be noticed


def notices(label, tex):
    """Whether the label's test notices that the display says something else."""
    shown = labelled()[label]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a wrong formula may overflow on its way
            examine(CHECKED[label], Display(tex, label, shown.path, shown.line))
    except Exception:  # noqa: BLE001 - whatever stops it is noticed
        return True
    return False


def every_label():
    """The tests of all labels: every file of equations is imported."""
    for file in sorted(Path(__file__).parent.glob("test_equations_*.py")):
        importlib.import_module(file.stem)
    return [label for label in labelled() if label in CHECKED]


def run(chosen=()):
    """For each label its mutants, as what was done and whether the test noticed."""
    found = {}
    for label in every_label():
        if chosen and label not in chosen:
            continue
        start = time.perf_counter()
        tex = labelled()[label].tex
        found[label] = {what: notices(label, wrong) for what, wrong in mutants(tex)}
        print(f"{label:24}", end="")
        survived = [what for what, noticed in found[label].items() if not noticed]
        took = time.perf_counter() - start
        print(f"{len(found[label]):5} {len(survived):5} {took:7.1f} s", flush=True)
    return found


def unargued(found):
    """Survivors without a reason, and reasons without a survivor."""
    survived = {
        (label, what) for label, made in found.items() for what, ok in made.items() if not ok
    }
    argued = {(label, what) for label in found for what in REASONS.get(label, {})}
    return sorted(survived - argued), sorted(argued - survived)


def main(chosen):
    start = time.perf_counter()
    print(f"{'label':24}{'made':>5} {'left':>5}")
    found = run(chosen)
    made = sum(map(len, found.values()))
    noticed = sum(sum(each.values()) for each in found.values())
    took = time.perf_counter() - start
    share = f"{noticed} noticed: {noticed / made:.1%}"
    print(f"{made} mutants of {len(found)} formulas, {share}, {took:.0f} s")
    for label, each in found.items():
        for what, ok in each.items():
            if chosen:
                print(f"  {'noticed ' if ok else 'SURVIVED'} {what}")
            elif not ok:
                print(f"  {label}: {what}: {REASONS.get(label, {}).get(what, 'NO REASON GIVEN')}")
    new, old = unargued(found)
    for label, what in old:
        print(f"  {label}: {what}: is noticed by now, and its reason can go")
    return bool(new or old or noticed < SHARE * made)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
