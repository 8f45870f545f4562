"""Keep executed chapters under a key that knows the shared package.

jupyter-cache recognises a chapter by its cells alone, so a page would keep yesterday's numbers
after a change in the package. Each state of the package, its data and the lock gets a cache of its
own: a change executes the chapters again, and changing it back finds the old pages again.
"""

import hashlib
from pathlib import Path


def state(root):
    """A short hash of everything outside a chapter that its outputs depend on."""
    files = [f for f in (root / "code/src").rglob("*") if f.is_file() and f.suffix != ".pyc"]
    digest = hashlib.sha256()
    for file in sorted([*files, root / "requirements.txt"]):
        digest.update(file.relative_to(root).as_posix().encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()[:12]


def choose_cache(app, config):
    cache = Path(app.outdir).parent / ".jupyter_cache" / state(Path(app.srcdir))
    config.nb_execution_cache_path = str(cache)


def setup(app):
    app.connect("config-inited", choose_cache, priority=1)  # before myst-nb reads the setting
    return {"parallel_read_safe": True, "parallel_write_safe": True}
