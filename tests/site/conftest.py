"""The built book, for the tests of its pages."""

import pytest

from bookbuild import browser
from bookbuild.paths import HTML


def pytest_collection_modifyitems(items):
    if not (HTML / "index.html").is_file():
        pytest.exit("The book is not built, so its pages cannot be tested: run make first.", 2)


@pytest.fixture(scope="session")
def home():
    with browser.serve() as address:
        yield address
