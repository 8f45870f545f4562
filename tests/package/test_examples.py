"""The examples in the docstrings print what they say."""

import doctest
from importlib import import_module

import pytest


@pytest.mark.parametrize("module", ["basis", "ridge", "streams", "temperatures"])
def test_the_examples_print_what_they_say(module):
    failed, tried = doctest.testmod(import_module(f"jacobians.{module}"))
    assert failed == 0 and tried > 0
