"""A browser and the built book, for the tests of the pages."""

import os

import pytest
from hypothesis import settings

from bookbuild import audit

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
