"""A page shows what stands on others: titles at its side, numbers, the texts of its links.

Sphinx writes the pages that it has read, and of what they show elsewhere it follows some numbers
only. Where a chapter is new, gone, moved or called otherwise, or a number or a heading has changed
to which somebody may refer, every page is written again; none is read or executed for it.
"""

import hashlib
import os

from bookbuild.contents import in_order
from bookbuild.ext.execution import PREVIEW


def write_again(app, env):
    if os.environ.get(PREVIEW):  # one page is asked for, and the next build does the rest
        return []
    before, env.book_shown = getattr(env, "book_shown", None), shown(env)
    return sorted(env.found_docs) if before not in (None, env.book_shown) else []


def shown(env):
    """A hash of what pages may show of one another."""
    domains = env.domaindata
    titles = {name: title.astext() for name, title in env.titles.items()}
    named = [
        titles,
        env.toc_fignumbers,
        domains["math"]["objects"],
        *(domains["std"][kind] for kind in ("labels", "anonlabels", "objects")),
        {citation.key: citation.formatted_entry.label for citation in domains["cite"]["citations"]},
    ]
    tables = [sorted((str(key), str(value)) for key, value in table.items()) for table in named]
    return hashlib.sha256(repr([in_order(), tables]).encode()).hexdigest()
