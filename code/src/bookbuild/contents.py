"""The pages in reading order, as `_toc.yml` lists them."""

from sphinx_external_toc.parsing import parse_toc_yaml

from bookbuild.paths import CONTENTS


def in_order():
    """The names of the pages, from the first to the last: chapters/index, ..."""
    site = parse_toc_yaml(CONTENTS)

    def below(name):
        yield name
        for tree in site[name].subtrees:
            for item in tree.items:
                if item in site:  # or it is the address of another site
                    yield from below(item)

    return list(below(site.root.docname))
