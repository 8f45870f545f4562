"""Wrong formulas are noticed: one for each label in short, all of them in the long form."""

import pytest
from displayed import CHECKED, labelled
from mutate import SHARE, every_label, notices, run, unargued
from survivors import REASONS

from formulas.mutations import mutants


def test_a_test_notices_when_its_formula_has_lost_its_last_piece():
    for label in every_label():
        argued = REASONS.get(label, {})
        made = mutants(labelled()[label].tex)
        what, wrong = [m for m in made if "left out" in m[0] and m[0] not in argued][-1]
        assert notices(label, wrong), f"{label}: {what}"


@pytest.mark.slow
def test_nearly_every_mutant_is_noticed_and_the_others_are_argued():
    found = run()
    assert set(found) == set(CHECKED)
    made = sum(map(len, found.values()))
    assert sum(sum(each.values()) for each in found.values()) >= SHARE * made
    assert unargued(found) == ([], [])
