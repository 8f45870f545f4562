"""Keep executed chapters under a key that knows the shared package.

jupyter-cache recognises a chapter by its cells alone, so a page would keep yesterday's numbers
after a change in the package. Each state of the package, its data and the lock gets a cache of its
own: a change executes the chapters again, and changing it back finds the old pages again. What
builds the book is no part of that key: a change of it makes the pages anew, from the same outputs.
"""

import hashlib
from pathlib import Path

from nbclient import NotebookClient


def state(root, package):
    """A short hash of one of our packages and of the lock."""
    folder = root / "code/src" / package
    files = [f for f in folder.rglob("*") if f.is_file() and f.suffix != ".pyc"]
    digest = hashlib.sha256()
    for file in sorted([*files, root / "requirements.txt"]):
        digest.update(file.relative_to(root).as_posix().encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()[:12]


def kept(app, name, source, make):
    """The bytes of `make()`, or those of the last build if `source` was the same and so were we."""
    file = Path(app.outdir).parent / "kept" / name
    key = file.with_name(f"{name}.key")
    now = hashlib.sha256(f"{app.config.book_tools} {source!r}".encode()).hexdigest()
    if not (key.is_file() and key.read_text() == now):
        file.parent.mkdir(exist_ok=True)
        key.unlink(missing_ok=True)
        file.write_bytes(make())
        key.write_text(now)
    return file.read_bytes()


def choose_cache(app, config):
    cache = Path(app.outdir).parent / ".jupyter_cache" / state(Path(app.srcdir), "jacobians")
    config.nb_execution_cache_path = str(cache)


def setup(app):
    app.connect("config-inited", choose_cache, priority=1)  # before myst-nb reads the setting
    app.add_config_value("book_tools", state(Path(app.srcdir), "bookbuild"), "env", str)
    # After its last cell a kernel has nothing more to do; to ask it politely to end takes time.
    NotebookClient.shutdown_kernel.default_value = "immediate"
    return {"parallel_read_safe": True, "parallel_write_safe": True}
