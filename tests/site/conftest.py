"""The built book, for the tests of its pages."""

import pytest

from bookbuild import browser
from bookbuild.paths import HTML


@pytest.fixture(autouse=True, scope="session")
def built():
    if not (HTML / "index.html").is_file():
        pytest.fail("The book is not built, so its pages cannot be tested: run make first.")


@pytest.fixture(scope="session")
def home():
    with browser.serve() as address:
        yield address
