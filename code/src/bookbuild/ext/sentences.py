"""A number stands in its sentence as the expression that gives it: ``{eval}`f"{error:.1f}"` ``.

JupyterLab evaluates it after a run, in the kernel as the last cell has left it. So does the build:
one more cell at the end of the notebook asks the kernel for all of a chapter's expressions, by the
very call that JupyterLab makes, and its answers lie in the cache beside the other outputs. The
builder itself evaluates nothing.

It may stand in a figure's caption and alternative text, too, which are settings of its cell.

What a sentence says in words is held in the same way, by a comment below it that no reader sees:
``% holds: w[0] > 0 > w[1]``. Where it does not hold for the published numbers the build fails; a
reader who changes a cell is not stopped. Somebody who puts in the temperatures of another place is
told which sentences these make untrue.
"""

import ast
import re
from typing import NamedTuple

import nbformat
from docutils import nodes
from myst_nb.core.execute.cache import NotebookClientCache
from sphinx.transforms import SphinxTransform
from sphinx.util import logging
from sphinx.util.docutils import SphinxRole

from bookbuild.paths import BUILD
from jacobians import temperatures

logger = logging.getLogger(__name__)

SAID = {}  # for each chapter, what its kernel has answered to each expression
EXECUTED = BUILD / "executed"  # each chapter with its outputs: myst-nb keeps none of cached ones
ROLE = re.compile(r"\{eval\}(`+)(.+?)\1")
CLAIM = re.compile(r"^% holds:(.*(?:\n%(?! holds:).*)*)", re.MULTILINE)

# `user_expressions` is what the kernel does for JupyterLab's own question.
QUESTION = """\
get_ipython().display_pub.publish(
    {{"application/json": get_ipython().user_expressions({expressions!r})}}
)
"""


class Expression(NamedTuple):
    """An expression of a text, the line on which it begins, and whether it is a claim."""

    code: str
    line: int
    claim: bool


def expressions(text, first=1):
    """The expressions of a text whose first line has this number: of sentences and of claims."""
    found = []
    for match in ROLE.finditer(text):
        code = match[2].replace("\\|", "|")  # a table needs the stroke escaped
        found.append(Expression(code, first + text.count("\n", 0, match.start()), False))
    for match in CLAIM.finditer(text):
        code = f"bool({re.sub(r'^% ?', '', match[1].strip(), flags=re.MULTILINE)}\n)"
        found.append(Expression(code, first + text.count("\n", 0, match.start()), True))
    return found


def shown(answer):
    """What a sentence shows for a kernel's answer, and what is wrong with it."""
    if answer["status"] != "ok":
        return "", f"{answer['ename']}: {answer['evalue']}"
    text = answer["data"]["text/plain"]
    try:
        value = ast.literal_eval(text)
    except (ValueError, SyntaxError):
        value = None  # a scalar of NumPy, an array, any other object
    if isinstance(value, bool) or not isinstance(value, str | int):
        return text, f'it is {text}, which needs a format: f"{{...:.1f}}"'
    return str(value), ""


def texts(cell):
    """What a cell says to a reader: its text, or of its figure the caption and the alternative."""
    if cell.cell_type == "markdown":
        return [cell.source]
    said = cell.metadata.get("mystnb", {})
    return [
        str(said.get("figure", {}).get("caption", "")),
        str(said.get("image", {}).get("alt", "")),
    ]


def question(notebook):
    """The cell that asks the kernel for the expressions of a notebook; None if it has none."""
    every = [text for cell in notebook.cells for text in texts(cell)]
    asked = {expression.code for text in every for expression in expressions(text)}
    if not asked:
        return None
    codes = {code: code for code in sorted(asked)}
    cell = nbformat.v4.new_code_cell(QUESTION.format(expressions=codes))
    cell.metadata["tags"] = ["remove-cell"]
    return cell


def asking(start):
    """Let a notebook be executed, or found in the cache, with the question after its last cell."""

    def start_client(self):
        ask(self)
        EXECUTED.mkdir(parents=True, exist_ok=True)
        file = EXECUTED / f"{self.path.stem}.ipynb"
        file.write_text(nbformat.writes(self.notebook), encoding="utf-8")

    def ask(self):
        asked = []
        lines = self.path.read_text(encoding="utf-8").splitlines()
        for number, cell in enumerate(self.notebook.cells):
            if cell.cell_type == "markdown":
                first = self.cell_line(number)
                while first < len(lines) and not lines[first - 1].strip():  # left out of the cell
                    first += 1
                asked += expressions(cell.source, first)
            else:  # told with the line on which the cell begins
                found = [e for text in texts(cell) for e in expressions(text)]
                asked += [e._replace(line=self.cell_line(number)) for e in found]
        said = SAID[self.path.stem] = {}
        if not asked:
            start(self)
            return
        given = self.notebook
        given.cells.append(question(given))
        try:
            start(self)
        finally:
            last = given.cells.pop()
        if self.notebook is not given:  # it was found in the cache
            last = self.notebook.cells.pop()
        if not last.outputs:  # a cell before it has failed, and the build says so
            said |= dict.fromkeys((expression.code for expression in asked), "")
            return
        answers = last.outputs[0]["data"]["application/json"]
        for code, line, claim in asked:
            text, fault = shown(answers[code])
            said[code] = text
            if claim and answers[code]["status"] == "ok":
                fault = "" if text == "True" else "what the text says does not hold"
            words = " ".join(code[5:-2].split()) if claim else code  # without its bool( )
            if claim and fault and not temperatures.books_own():
                place = f"chapters/{self.path.name}:{line}"
                logger.info(f"{place}: not so in {temperatures.PLACE}: {words}")
            elif fault:
                self.logger.warning(f"{words}: {fault}", subtype="eval", line=line)

    return start_client


if not hasattr(NotebookClientCache.start_client, "asks"):
    NotebookClientCache.start_client = asking(NotebookClientCache.start_client)
    NotebookClientCache.start_client.asks = True


def value(env, code, line=None):
    """What the kernel has answered for the page that is being read."""
    said = SAID.get(env.docname.rpartition("/")[2], {})
    if code not in said:
        logger.warning(f"{code}: there is no kernel here to ask", location=(env.docname, line))
    return said.get(code, "")


class Evaluated(SphinxRole):
    """The value of an expression, as text."""

    def run(self):
        text = value(self.env, self.text, self.lineno)
        return [nodes.inline(self.rawtext, text, classes=["value"], expression=self.text)], []


class EvaluateAlternatives(SphinxTransform):
    """In an alternative text, which is no markup, the role is read here."""

    default_priority = 5

    def apply(self, **kwargs):
        for image in self.document.findall(nodes.image):
            alt = " ".join(image.get("alt", "").split())
            image["alt"] = ROLE.sub(lambda match: value(self.env, match[2]), alt)
