"""The build's environment for all tests; a browser and the built book for those of the pages."""

import os

import pytest
from hypothesis import settings
from labels import ROOT

from bookbuild import audit, environment

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
    if audit.chromium() is None:
        if os.environ.get("BROWSER_TESTS") == "required":
            pytest.fail("There is no Chromium, and BROWSER_TESTS=required.")
        pytest.skip("no Chromium: run make browser")
    with audit.browser() as browser:
        yield browser


@pytest.fixture(scope="session")
def home():
    with audit.serve() as address:
        yield address
