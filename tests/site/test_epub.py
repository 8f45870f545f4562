"""The book on a shelf: what the standard asks of an EPUB, by a port of its own checker."""

import json
import os
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree
import zipfile

import node
import pytest

from bookbuild.contents import in_order
from bookbuild.ext.mathml import NAMESPACE
from bookbuild.paths import ROOT

CHECKER = "@likecoin/epubcheck-ts@0.7.0"
XHTML = "{http://www.w3.org/1999/xhtml}"
OPF = "{http://www.idpf.org/2007/opf}"
# What MathML Core has added to elements that MathML 3 knows without it, and its own.
MATHML_CORE = {"mfrac": {"displaystyle", "scriptlevel"}, "mtable": {"scriptlevel"}}


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    """The book, made once: two workers would write into the same folder of the build."""
    own = tmp_path_factory.getbasetemp()
    folder = (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "epub"
    path, made = folder / "book.epub", folder / "made.epub"
    try:
        folder.mkdir()
    except FileExistsError:  # another worker is at it
        for _ in range(1200):
            if path.is_file():
                return path
            time.sleep(0.1)
    command = [sys.executable, "-m", "bookbuild.tasks.epub", str(made)]
    result = subprocess.run(command, capture_output=True, encoding="utf-8")
    assert result.returncode == 0, result.stdout + result.stderr
    return made.rename(path)


@pytest.fixture(scope="module")
def files(path):
    with zipfile.ZipFile(path) as book:
        return {entry.filename: book.read(entry) for entry in book.infolist()}


@pytest.fixture(scope="module")
def faults():
    """What the checker finds in a book: each fault's name, and the file that it is in."""
    try:
        folder = node.fetched(CHECKER)
    except subprocess.CalledProcessError:
        pytest.skip("the checker cannot be fetched here")
    program = folder / "node_modules/@likecoin/epubcheck-ts/bin/epubcheck.js"

    def found(path):
        command = [node.tool("node"), str(program), str(path), "--json", "-", "--quiet"]
        said = subprocess.run(command, capture_output=True, encoding="utf-8").stdout
        messages = json.loads(said)["messages"]
        return {(each["ID"], place["path"]) for each in messages for place in each["locations"]}

    return found


def test_the_checker_finds_no_fault(path, faults):
    assert faults(path) == set()


PLANTED = [  # what the checker calls the fault, the file that it is in, and how it gets there
    ("OPF-014", "chapters/at_scale.xhtml", "content.opf", '"mathml svg"', '"svg"'),
    ("OPF-029", "_static/file.png", "content.opf", "image/png", "image/gif"),
    ("RSC-005", "content.opf", "content.opf", "<dc:title>The Jacobian, by hand</dc:title>", ""),
    ("RSC-001", "content.opf", "_static/plus.png", None, None),
    ("HTM-004", "chapters/about.xhtml", "chapters/about.xhtml", "</body>", "<br></body>"),
    ("RSC-007", "chapters/teaching.xhtml", "chapters/teaching.xhtml", "</body>",
     '<p><a href="no.xhtml">no page</a></p></body>'),
    ("RSC-012", "chapters/questions.xhtml", "chapters/questions.xhtml", "</body>",
     '<p><a href="index.xhtml#nowhere">no place</a></p></body>'),
    ("RSC-005", "chapters/sharing.xhtml", "chapters/sharing.xhtml", "</body>",
     '<p id="twice"/><p id="twice"/></body>'),
    ("RSC-006", "chapters/learning.xhtml", "chapters/learning.xhtml", "</body>",
     '<p><img alt="" src="https://elsewhere.example/a.png"/></p></body>'),
    ("OPF-014", "chapters/interface.xhtml", "chapters/interface.xhtml", "</body>",
     "<script>1</script></body>"),
    ("NAV-001", "nav.xhtml", "nav.xhtml", 'epub:type="toc"', ""),
    ("PKG-006", "mimetype", "mimetype", "", ""),
]  # fmt: skip


def test_the_checker_finds_every_fault_that_is_planted(files, faults, tmp_path):
    planted = dict(files)
    for _, _, name, before, after in PLANTED:
        if before is None:
            del planted[name]
        else:
            text = planted[name].decode()
            assert before in text
            planted[name] = text.replace(before, after, 1).encode()
    with zipfile.ZipFile(tmp_path / "planted.epub", "w", zipfile.ZIP_DEFLATED) as book:
        for name, content in planted.items():  # and the first of them is compressed
            book.writestr(name, content)
    found = faults(tmp_path / "planted.epub")
    assert {each[:2] for each in PLANTED} <= found, found


def test_every_file_is_listed_and_every_chapter_is_in_the_contents(files):
    package = ElementTree.fromstring(files["content.opf"])
    listed = {item.get("href") for item in package.iter(f"{OPF}item")}
    assert listed == files.keys() - {"mimetype", "META-INF/container.xml", "content.opf"}
    contents = ElementTree.fromstring(files["nav.xhtml"])
    assert [link.get("href") for link in contents.iter(f"{XHTML}a")] == [
        f"{name}.xhtml" for name in in_order()
    ]
    title = package.find(".//{http://purl.org/dc/elements/1.1/}title").text
    assert f"title: {title}\n" in (ROOT / "_config.yml").read_text("utf-8")


def test_formulas_are_the_mathml_that_the_standard_names(files):
    """The checker looks into no formula."""
    seen = 0
    for name in in_order():
        for formula in ElementTree.fromstring(files[f"{name}.xhtml"]).iter(f"{{{NAMESPACE}}}math"):
            seen += 1
            assert "translate" not in formula.attrib
            for element in formula.iter():
                tag = element.tag.removeprefix(f"{{{NAMESPACE}}}")
                assert not MATHML_CORE.get(tag, set()) & element.attrib.keys()
    assert seen > 500


def test_nothing_in_it_asks_for_a_script(files):
    for name in in_order():
        for element in ElementTree.fromstring(files[f"{name}.xhtml"]).iter():
            assert element.tag.removeprefix(XHTML) not in ("script", "button", "form", "input")
            assert not any(attribute.startswith("on") for attribute in element.attrib)
