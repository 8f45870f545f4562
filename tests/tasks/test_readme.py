"""The README is true."""

import re
import runpy

import numpy as np
from labels import ROOT

from jacobians.book import figures

README = (ROOT / "README.md").read_text("utf-8")


def test_the_picture_is_what_the_package_draws(tmp_path):
    figures.draw_four_panels(tmp_path / "now.svg")
    kept, now = (
        (ROOT / ".github/four-panels.svg").read_text("utf-8"),
        (tmp_path / "now.svg").read_text("utf-8"),
    )
    number = r"(?<![\w#])-?\d+\.?\d*(?:e-?\d+)?"
    paths = re.compile(r' d="([^"]*)"')
    assert len(paths.findall(kept)) == len(paths.findall(now))
    for a, b in zip(paths.findall(kept), paths.findall(now), strict=True):
        a, b = (np.array(re.findall(number, text), float) for text in (a, b))
        np.testing.assert_allclose(a, b, atol=1e-3)  # the last digits belong to the processor


def test_every_link_and_every_room_exists():
    for target in re.findall(r"\]\((?!http)([^)#]+)\)", README):
        assert (ROOT / target).exists(), target
    for cell in re.findall(r"^\| (`.*?`) \|", README, re.MULTILINE):
        for name in re.findall(r"`([^`]+)`", cell):
            assert list(ROOT.glob(name.rstrip("/"))), name


def test_every_command_is_a_task_of_make():
    tasks = runpy.run_path(str(ROOT / "make.py"))["tasks"]().keys()
    named = set(re.findall(r"`make ([a-z-]+)`|^make ([a-z-]+)", README, re.MULTILINE))
    named |= set(re.findall(r"`make ([a-z-]+)`()", (ROOT / "CONTRIBUTING.md").read_text("utf-8")))
    assert {a or b for a, b in named} <= tasks


def test_the_example_runs():
    (example,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    names = {}
    exec(example, names)
    assert names["J"].shape == (3, 2, 3)
