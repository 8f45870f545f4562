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


def kept(app, name, source, make):
    """The bytes of `make()`, or those of the last build if `source` was the same and so were we."""
    file = Path(app.outdir).parent / "kept" / name
    key = file.with_name(f"{name}.key")
    now = hashlib.sha256(f"{state(Path(app.srcdir))} {source!r}".encode()).hexdigest()
    if not (key.is_file() and key.read_text() == now):
        file.parent.mkdir(exist_ok=True)
        key.unlink(missing_ok=True)
        file.write_bytes(make())
        key.write_text(now)
    return file.read_bytes()


def choose_cache(app, config):
    cache = Path(app.outdir).parent / ".jupyter_cache" / state(Path(app.srcdir))
    config.nb_execution_cache_path = str(cache)


def setup(app):
    app.connect("config-inited", choose_cache, priority=1)  # before myst-nb reads the setting
    return {"parallel_read_safe": True, "parallel_write_safe": True}
