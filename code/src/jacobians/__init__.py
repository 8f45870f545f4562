"""The Jacobian of tanh basis functions: derived, checked and used."""

__version__ = "0.1.0"

from jacobians import differences, mistakes, ridge, streams, temperatures
from jacobians.basis import TanhBasis
from jacobians.checks import check_derivative, check_jacobian

__all__ = [
    "TanhBasis",
    "check_derivative",
    "check_jacobian",
    "differences",
    "mistakes",
    "ridge",
    "streams",
    "temperatures",
]
