"""What was measured once and cannot be measured again by every reader: times, and frameworks.

`make bench` writes the file, on a machine that has JAX and PyTorch, and it is committed. It lies in
the package because a chapter needs it wherever the chapter runs, without the repository, and
because the key under which executed chapters are kept knows the package: a page is never older than
the numbers on it.
"""

import json
from pathlib import Path

PATH = Path(__file__).with_name("measurements.json")


def load():
    """The measurements: a dict with their `date`, `machine`, `versions`, and one key for each kind.

    Chapter :doc:`/chapters/checking`.

    `seconds` is a list with the median time of every candidate for each size (N, D, K); `tails` a
    list with what each of them returns for the derivative of tanh at some z, and what it is;
    `colouring` and `memory` are dicts.
    """
    return json.loads(PATH.read_text(encoding="utf-8"))
