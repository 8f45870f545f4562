"""What is wrong with a chapter is said in a line, which begins with the chapter's file and line.

myst-nb shows a cell's failure as its own traceback, without the line, and ends the whole build
where the options of a cell cannot be read. What follows from a fault is not said beside it.
"""

import functools
import re

import nbformat
from docutils import nodes
from myst_nb.core.execute.cache import NotebookClientCache
from myst_nb.core.read import MystMetadataParsingError
from myst_nb.sphinx_ import Parser
from sphinx.util import logging

import bookbuild.ext.sentences  # noqa: F401 - its question is asked within ours

logger = logging.getLogger(__name__)

OPTIONS = {"tags", "mystnb", "jupyter"}  # of a cell
COLOURS = re.compile(r"\x1b\[[\d;]*m")
SILENCED = "mystnb.exec"


def silence(app, config):
    """myst-nb's own words for a cell that fails, which ours take the place of."""
    config.suppress_warnings = [*config.suppress_warnings, SILENCED]


def scan(app, docname, source):
    """What Markdown takes for something else, and says nothing of."""
    for line, said in slips(source[0]):
        logger.warning(said, location=(docname, line))


def slips(text):
    """Of a text, each line with a forgotten mark, and what is said of it."""
    opened, fence, before, dollars, begin = [], "", "", 0, 1
    for number, line in enumerate(text.splitlines(), 1):
        bare = line.strip()
        mark = re.match(r"`{3,}|~{3,}", bare)
        if fence:  # code: whatever it holds
            fence = "" if bare.startswith(fence) and set(bare) == {fence[0]} else fence
            continue
        if mark and "`" not in bare[len(mark[0]) :]:
            holds_text = re.match(r"`{3,}\{(?!code-cell|math|bibliography)", bare)
            fence = "" if holds_text or bare == mark[0] else mark[0]
        if colons := re.match(r"(:{3,})(\{?)", bare):
            if colons[2]:
                opened.append((number, colons[1]))
            elif opened:
                opened.pop()
        elif re.match(r"\s+:[a-z-]+:", line) and re.match(r"(:{3,}|`{3,})\{", before):
            yield number, "an option of a directive begins at the very beginning of its line"
        if not bare:
            if dollars % 2:
                yield begin, "a $ is missing in this paragraph: their number is odd"
            dollars, begin = 0, number + 1
        dollars += len(re.findall(r"(?<!\\)\$", re.sub(r"(`+).*?\1", "", line)))
        before = bare
    if dollars % 2:
        yield begin, "a $ is missing in this paragraph: their number is odd"
    for number, colons in opened:
        yield number, f"this has no end: {colons} is missing"


def code_begins(lines, fence, source):
    """The number of the line on which the code of a cell begins; both count from 1."""
    wanted = source.splitlines()
    for first in range(fence, len(lines)):
        if [line.strip() for line in lines[first : first + len(wanted)]] == [
            line.strip() for line in wanted
        ]:
            return first + 1
    return fence


def telling(start):
    @functools.wraps(start)
    def start_client(self):
        lines = self.path.read_text(encoding="utf-8").splitlines()
        start(self)
        for number, cell in enumerate(self.notebook.cells):
            if cell.cell_type != "code" or number >= len(self._source_map):
                continue
            first = self.cell_line(number)  # below the fence
            if not any(line.strip().startswith("```") for line in lines[first:]):
                said = "this cell has no end: ``` is missing"
                self.logger.warning(said, subtype="cell", line=first - 1)
                continue
            for option in cell.metadata.keys() - OPTIONS - {"execution"}:
                said = f"a cell has no option {option!r}; it may have {', '.join(sorted(OPTIONS))}"
                self.logger.warning(said, subtype="option", line=first)
            for output in cell.outputs:
                if output.output_type == "error" and "raises-exception" not in cell.metadata.get(
                    "tags", ()
                ):
                    line, said = failure(output, cell, code_begins(lines, first - 1, cell.source))
                    self.logger.warning(said, subtype="cell", line=line)
        failed = self.exec_metadata and self.exec_metadata["error"]
        if failed and failed != "CellExecutionError":
            self.logger.warning(f"a cell did not end: {failed}", subtype="cell", line=1)
        if failed:
            self.exec_metadata["traceback"] = None  # nor is it kept beside the pages

    return start_client


def failure(output, cell, begin):
    """The line on which a cell has failed, and what is said: the error and the line's code."""
    told = COLOURS.sub("", "\n".join(output.traceback))
    said = (output.evalue.splitlines() or [""])[0]
    place = r" \((?:\d+\.py|<string>), line (\d+)\)$"
    # Of code that is not Python at all, some Pythons name the line after the error alone.
    here = re.search(rf"In\[{cell.execution_count}\], line (\d+)", told) or re.search(place, said)
    within = int(here[1]) if here else 1
    code = cell.source.splitlines()[within - 1 : within]
    said = re.sub(place, "", said)
    return begin + within - 1, f"{output.ename}: {said}, in: {' '.join(code).strip()}"


def surviving(parse):
    """A chapter whose cells cannot be read is empty, and the others are read all the same."""

    @functools.wraps(parse)
    def parse_or_tell(self, inputstring, document):
        try:
            parse(self, inputstring, document)
        except MystMetadataParsingError as error:
            line = re.search(r"at line (\d+)", str(error))
            why = re.search(r"msg=(['\"])(.*?)\1", str(error))
            said = f"the options of this cell cannot be read: {why[2] if why else error}."
            unreadable(
                self, document, int(line[1]) if line else 1,
                f"{said} A text with a colon in it, such as a caption, stands in quotes",
            )  # fmt: skip
        except nbformat.ValidationError as error:
            given, lines = str(error.instance), inputstring.splitlines()
            line = next((i for i, text in enumerate(lines, 1) if given in text), 1)
            unreadable(self, document, line, f"{given} has to be a list: [{given}]")

    return parse_or_tell


def unreadable(parser, document, line, said):
    logger.error(said, location=(parser.env.docname, line))
    document += nodes.section("", nodes.title("", parser.env.docname), ids=["unreadable"])


if not hasattr(Parser.parse, "__wrapped__"):
    NotebookClientCache.start_client = telling(NotebookClientCache.start_client)
    Parser.parse = surviving(Parser.parse)
