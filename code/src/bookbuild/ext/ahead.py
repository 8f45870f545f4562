"""Chapters that have to be executed are executed side by side, while Sphinx reads the first.

myst-nb executes a chapter when its page is read, one after the other. Here all begin at once, each
in a kernel of its own and no more than there are cores; who reads a page waits for its kernel.
"""

import logging
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nbformat
from jupyter_cache import get_cache
from myst_nb.core.execute import cache as from_cache
from myst_nb.core.read import create_nb_reader

from bookbuild.ext.sentences import question

execute = from_cache.single_nb_execution
BEGUN = {}  # executions by the code that they run


def code(notebook):
    return tuple(cell.source for cell in notebook.cells if cell.cell_type == "code")


def begin(app, env, docnames):
    """Begin with all chapters that will be read and are not in the cache, the longest one first."""
    if len(docnames) < 2:  # it is executed as it is read
        return
    config, missing = env.mystnb_config, []
    cache = get_cache(config.execution_cache_path)
    for name in docnames:
        path = Path(env.doc2path(name))
        text = path.read_text(encoding="utf-8")
        try:
            notebook = create_nb_reader(str(path), env.myst_config, config, text).read(text)
        except Exception:  # noqa: BLE001 - no notebook; or it cannot be read, which is said then
            continue
        if (asking := question(notebook)) is not None:
            notebook.cells.append(asking)
        try:
            nbformat.validate(notebook)
            cache.match_cache_notebook(notebook)
        except nbformat.ValidationError:
            continue  # the same
        except KeyError:
            missing.append((len(text), str(path.parent), notebook))
    if len(missing) < 2:
        return
    pool = ThreadPoolExecutor(os.cpu_count() or 1)
    for _, folder, notebook in sorted(missing, key=lambda each: -each[0]):
        BEGUN[code(notebook)] = pool.submit(
            execute, notebook, cwd=folder, timeout=config.execution_timeout,
            allow_errors=config.execution_allow_errors,
        )  # fmt: skip
    pool.shutdown(wait=False)


def fetched(notebook, **how):
    """What the execution that has begun comes to, in the notebook that is given; or execute it."""
    begun = BEGUN.pop(code(notebook), None)
    if begun is None:
        return execute(notebook, **how)
    result = begun.result()
    notebook.cells[:] = result.nb.cells
    return result


from_cache.single_nb_execution = fetched
logging.getLogger("traitlets").setLevel(logging.WARNING)  # each kernel says that it begins
