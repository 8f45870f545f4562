"""The interface page holds what the chapters use, and both link to each other."""

import ast
import re
from importlib import import_module

import jupytext
import pytest
from labels import CHAPTERS, ROOT

SOURCE = (ROOT / "chapters/interface.md").read_text("utf-8")
FURNITURE = re.compile(
    r"jacobians\.book\.(figures|exercises)\.|.*\.[A-Z_]+$"
)  # used, but not talked of


def entries():
    """The full name of every entry that the page's source asks autodoc for."""
    found = set(re.findall(r"^\.\. auto(?:class|function|data):: (\S+)$", SOURCE, re.MULTILINE))
    for module, members in re.findall(
        r"^\.\. automodule:: (\S+)\n   :members: (.+)$", SOURCE, re.MULTILINE
    ):
        found |= {f"{module}.{name}" for name in members.split(", ")}
    return found


def resolve(name):
    """The object behind a full name: a module's member."""
    module, _, member = name.rpartition(".")
    return getattr(import_module(module), member)


def is_module(name):
    return (ROOT / f"code/src/{name.replace('.', '/')}.py").is_file()


def used(chapter):
    """The full name of everything of the package that a chapter's cells use."""
    source = "\n".join(
        cell.source for cell in jupytext.read(chapter).cells if cell.cell_type == "code"
    )
    nodes, alias = list(ast.walk(ast.parse(source))), {}
    for node in nodes:
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("jacobians"):
            alias |= {n.asname or n.name: f"{node.module}.{n.name}" for n in node.names}
        if isinstance(node, ast.Import):
            alias |= {n.name: n.name for n in node.names if n.name == "jacobians"}
    names = {full for full in alias.values() if full != "jacobians" and not is_module(full)}
    for node in nodes:
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            full = alias.get(node.value.id)
            if full == "jacobians" or full and is_module(full):
                names.add(f"{full}.{node.attr}")
    return names


every_chapter = pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda path: path.stem)


@every_chapter
def test_whatever_a_chapter_uses_of_the_package_has_an_entry(chapter):
    unknown = used(chapter) - entries()
    assert not unknown, f"{chapter.name} uses {unknown}: name them in chapters/interface.md"


@every_chapter
def test_a_chapter_links_to_the_entry_of_what_it_uses(chapter):
    text = chapter.read_text("utf-8")
    linked = {name.lstrip("~") for name in re.findall(r"\{py:\w+\}`(~?jacobians[\w.]+)`", text)}
    if chapter.stem != "index":
        unlinked = {name for name in used(chapter) if not FURNITURE.match(name)} - linked
        assert not unlinked, (
            f"{chapter.name} lacks a link to what its cells use, under In the package: "
            + ", ".join(f"{{py:func}}`{name}`" for name in sorted(unlinked))
        )


@pytest.mark.parametrize("name", sorted(entries()))
def test_an_entry_names_the_chapter_or_the_equation_it_belongs_to(name):
    thing = resolve(name)
    if callable(thing):  # a constant is told in a comment beside it
        assert re.search(r":(eq|doc|numref|ref|prf:ref):`", thing.__doc__), thing.__doc__
