"""Temperatures of another place: the pages say its name, and the build what is not true of it."""

import re

import numpy as np
import pytest
from labels import ROOT
from test_make import FRONT, build

from bookbuild import repository
from jacobians import temperatures

PAGE = """# A page

```{code-cell} ipython3
from jacobians import temperatures

year, day, celsius = temperatures.load()
```

Of {eval}`temperatures.PLACE`.

% holds: celsius[day == 15].mean() < celsius[day == 195].mean()  # winter, summer
% holds: len(set(year.tolist())) == 4
"""


@pytest.fixture
def project(tmp_path):
    repository.copy(ROOT, tmp_path)
    return tmp_path


def put(project, celsius):
    """The numbers as those of four years of another place."""
    dates = np.arange("2018-01-01", "2022-01-01", dtype="datetime64[D]")
    lines = [f"{date},{value}" for date, value in zip(dates, celsius, strict=True)]
    del lines[40:60:3]
    file = project / "code/src/jacobians/southville.csv"
    file.write_text("\n".join(["date,celsius", *lines]) + "\n", encoding="utf-8")
    module = file.with_name("temperatures.py")
    line = 'PLACE, FILE = "Southville", Path(__file__).with_name("southville.csv")'
    text = re.sub("^PLACE, FILE = .*$", line, module.read_text("utf-8"), flags=re.M)
    module.write_text(text, encoding="utf-8")


def built(project):
    """What a build says that ends well."""
    result = build(project, timeout=600)
    assert result.returncode == 0, result.stdout
    return result.stdout


def southern():
    return np.roll(temperatures.load()[2], 182)


def test_a_claim_that_does_not_hold_elsewhere_is_named_and_stops_nothing(project):
    for file in (project / "chapters").glob("*.md"):
        file.unlink()
    (project / "chapters/page.md").write_text(f"{FRONT}\n{PAGE}", encoding="utf-8")
    (project / "_toc.yml").write_text("format: jb-book\nroot: chapters/page\n", encoding="utf-8")
    put(project, southern())
    said = built(project)
    line = (project / "chapters/page.md").read_text("utf-8").splitlines().index(
        "% holds: celsius[day == 15].mean() < celsius[day == 195].mean()  # winter, summer"
    ) + 1  # fmt: skip
    assert f"chapters/page.md:{line}: not so in Southville: celsius[day == 15]" in said
    assert "Not so with these temperatures: 1 claims" in said
    page = (project / "_build/html/chapters/page.html").read_text("utf-8")
    assert "Of Southville." in re.sub("<[^>]*>", "", page)


@pytest.mark.slow
def test_the_whole_book_builds_with_the_days_of_a_southern_place(project):
    put(project, southern())
    said = built(project)
    assert len(re.findall("not so in Southville", said)) > 10
    for page in ("basis_functions", "chain_rule", "learning"):
        text = (project / f"_build/html/chapters/{page}.html").read_text("utf-8")
        shown = re.sub("<[^>]*>", " ", re.sub("(?s)<head>.*?</head>", "", text))
        assert "2018" in text and not re.search("201[2345]", shown), page
        assert "Seattle" not in shown
