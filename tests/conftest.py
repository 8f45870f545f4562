"""What every room of the tests may use. A browser is started for those who ask for it."""

import os

import pytest
from hypothesis import settings

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
