"""The build's environment for all tests, and a browser for those who ask for it."""

import os

import pytest
from hypothesis import settings

from bookbuild import environment
from bookbuild.paths import ROOT

# Whatever backend, locale or number of threads somebody has chosen for their own work. A program
# that a test starts finds the package where it is installed, not by a path.
ours = environment.variables(ROOT)
environment.prepare_fonts(ours)
os.environ.update({name: value for name, value in ours.items() if name != "PYTHONPATH"})
for name in ("MPLBACKEND", "MATPLOTLIBRC", "JUPYTER_PATH", "JUPYTER_CONFIG_PATH", "LC_ALL"):
    os.environ.pop(name, None)

settings.register_profile("book", deadline=None)  # no test depends on a time
settings.load_profile("book")


@pytest.fixture(scope="session")
def chrome():
    from bookbuild import browser  # the package's own tests need neither it nor the book

    if browser.chromium() is None:
        if os.environ.get("BROWSER_TESTS") == "required":
            pytest.fail("There is no Chromium, and BROWSER_TESTS=required.")
        pytest.skip("no Chromium: run make browser")
    with browser.browser() as chromium:
        yield chromium
