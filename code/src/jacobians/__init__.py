"""The Jacobian of tanh basis functions: derived, checked and used."""

__version__ = "0.1.0"

from jacobians import differences
from jacobians.basis import TanhBasis

__all__ = ["TanhBasis", "differences"]
