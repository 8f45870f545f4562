"""Mutants that no test can notice, each with the reason why it is no mistake."""

SYMMETRIC = "the matrix is symmetric, so this is the same formula"
DIAGONAL = "beside delta_kl, l is k"
NOTHING = "relu of what is not positive is 0: a zero is added, taken away or left out"

REASONS = {
    "eq-relu": {"z and 0 exchanged": "the larger of two numbers has no order"},
    "eq-relu-jacobian": dict.fromkeys(["k is l #3", "indices k and l exchanged"], DIAGONAL),
    "eq-kink": dict.fromkeys(
        [
            "+ for -, - for +",
            "+ for -, - for + #2",
            "+ for -, - for + #4",
            r"term -\operatorname{relu}(0) left out",
            r"term \operatorname{relu}(0) left out",
            r"term -\operatorname{relu}(-h) left out",
            r"term -\operatorname{relu}(-h) left out #2",
        ],
        NOTHING,
    )
    | {"a fraction turned over": "the quotient is 1"},
    "eq-near-kink": dict.fromkeys(
        [
            "+ for -, - for + #2",
            "z is h #2",
            "h is z #2",
            "factor z left out #2",
            r"term -\operatorname{relu}(z-h) left out",
        ],
        NOTHING,
    ),
    "eq-softmax-jacobian": {"indices k and l exchanged": SYMMETRIC},
    "eq-softmax-parameters": {"indices k and l exchanged": SYMMETRIC},
    "eq-cross-entropy-hessian": {"indices k and l exchanged": SYMMETRIC},
    "eq-shared": dict.fromkeys(["k is l #3", "k is l #4", "indices k and l exchanged"], DIAGONAL),
    "eq-layer-norm-jacobian": {"indices k and l exchanged": SYMMETRIC},
    "eq-batch-norm-jacobian": dict.fromkeys(
        ["k is l #3", "k is l #4", "k is l #5", "indices k and l exchanged"], DIAGONAL
    ),
    "eq-rms-norm": {"indices k and l exchanged": SYMMETRIC},
}
