"""What the book says of other tools, tried where they are installed (they are not in the lock)."""

import importlib
import re

import numpy as np
import pytest
from labels import ROOT

CHECKING = (ROOT / "chapters/checking.md").read_text(encoding="utf-8")
QUESTIONS = (ROOT / "chapters/questions.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```python\n(.*?)^```", CHECKING, re.MULTILINE | re.DOTALL)
DICTIONARY = sorted(set(re.findall(r"`((?:torch|jax|scipy|numpy)\.[\w.]+)`", QUESTIONS)))


@pytest.mark.parametrize("block", BLOCKS, ids=["torch", "jax"])
def test_the_lines_for_a_framework_give_the_jacobian_and_the_product(block):
    pytest.importorskip(re.search(r"import (\w+)", block)[1])
    names = {}
    exec(block, names)
    A, x = np.array([[1.0, 2], [3, 4], [5, 6]]), np.array([0.1, -0.2])
    J = np.column_stack([np.imag(np.tanh(A @ (x + 1e-30j * e))) / 1e-30 for e in np.eye(2)])
    np.testing.assert_allclose(np.asarray(names["J"]), J, rtol=1e-12)
    np.testing.assert_allclose(np.asarray(names["vjp"]), J.sum(axis=0), rtol=1e-12)


@pytest.mark.parametrize("name", DICTIONARY)
def test_a_name_of_the_dictionary_exists(name):
    parts = name.split(".")
    found = pytest.importorskip(parts[0])
    for i, part in enumerate(parts[1:], 2):
        if not hasattr(found, part):
            importlib.import_module(".".join(parts[:i]))
        found = getattr(found, part)
    assert found is not None


def test_one_function_has_three_derivatives_at_its_kink():
    """What the chapter `sharing` says of PyTorch."""
    torch = pytest.importorskip("torch")
    spellings = {
        torch.relu: 0,
        lambda x: torch.maximum(x, torch.zeros_like(x)): 0.5,
        lambda x: x.clamp(min=0): 1,
    }
    for relu, slope in spellings.items():
        x = torch.zeros(1, requires_grad=True)
        assert torch.autograd.grad(relu(x).sum(), x)[0] == slope
