r"""Mutants that their tests let pass, each with the reason why it is no mistake.

They say the same in another way: `python tests/equations/mutate.py` prints them, and complains of
one without a reason as of a reason that no mutant needs any more.
"""

COMMUTES = "an inner product does not mind the order of its arguments"
ANY_ORDER = "the sum runs over the same values in another order"
LARGEST = "the larger of two numbers does not depend on their order"
DELTA = "delta is symmetric"
EMPTY = "an empty cell beside blocks reads as a block of zeros"
SYMMETRIC = "the matrix is symmetric, so this is the same formula"
DIAGONAL = "beside delta_kl, l is k"
NOTHING = "relu of what is not positive is 0: a zero is added, taken away or left out"

REASONS = {
    "eq-chunk": {r"1 and \lfloor\frac{\text{memory}}{8\,(2D+4 ... exchanged": LARGEST},
    "eq-weights-gradient": {
        "+ for -, - for +": "with the best intercept the residuals add up to zero, so a constant "
        "beside the feature changes nothing"
    },
    "eq-dot-product": {
        "indices i and j exchanged": ANY_ORDER,
        r"G and J[\mathrm{d}W] exchanged": COMMUTES,
        r"J^\top[G] and \mathrm{d}W exchanged": COMMUTES,
        "U and Y exchanged": COMMUTES,
    },
    "eq-relative-error": {
        r"\lvert J_{ndk}\rvert and \tau\max_{n'}\lvert\tilde x_{n'd}\rvert exchanged": LARGEST
    },
    "eq-dot-test": {
        "indices n and d exchanged": ANY_ORDER,
        "indices d and k exchanged": ANY_ORDER,
        "G and J[V] exchanged": COMMUTES,
        r"J^\top[G] and V exchanged": COMMUTES,
    },
    "eq-chain": {
        "k is l #2": "where k is not l the second factor is zero, and the first may be anything"
    },
    "eq-dz": {"indices k and l exchanged": DELTA, "indices k and l exchanged #2": DELTA},
    "eq-full-jacobian": {"factor 0 left out": EMPTY, "factor 0 left out #2": EMPTY},
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
    "eq-least-squares-hessian": {
        "a sum of one term less": "the last residual is linear, sqrt(lam) w_K: its Hessian is 0"
    },
    "eq-cost": dict.fromkeys(
        ["factor C left out #2", "term C left out"],
        "at most so many parts wait; with one worker none does, and blocks outweigh those of three",
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
