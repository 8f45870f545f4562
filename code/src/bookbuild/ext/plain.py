"""A page in plain Markdown, as any program that shows notebooks understands it.

It is written from the page as Sphinx has read and resolved it, so what the engine knows is in it
as text: numbers of formulas, figures and theorems, titles of pages, values in sentences. A link to
another page of the book begins with `SITE`, which is put right when it is known where they are.
"""

import re
from dataclasses import dataclass, field

from docutils import nodes

SITE = "book:"
FORMULA = re.compile(r"\s+")


@dataclass
class Part:
    """Text, or the number of a code cell; `answer` says whether it belongs to a solution."""

    text: str = ""
    cell: int | None = None
    answer: bool = False


@dataclass
class Plain:
    """Writes one page.

    Parameters
    ----------
    name : str
        The page's name.
    numbers : dict
        Of this page's figures, theorems, exercises and formulas, as Sphinx counts them.
    """

    name: str
    numbers: dict
    parts: list = field(default_factory=list)
    expressions: list = field(default_factory=list)
    depth: int = 0
    answer: bool = False

    def page(self, doctree):
        self.blocks(doctree)
        return self.parts

    # ------------------------------------------------------------------ what stands by itself

    def blocks(self, node):
        """Write what is in a node: text is gathered until a cell comes."""
        for child in node.children:
            if "cell_index" in getattr(child, "attributes", {}):
                self.parts.append(Part(cell=child["cell_index"], answer=self.answer))
                for figure in child.findall(nodes.figure):
                    self.say(self.block(figure))
            elif isinstance(child, nodes.section):
                self.depth += 1
                self.blocks(child)
                self.depth -= 1
            elif any("cell_index" in getattr(n, "attributes", {}) for n in child.findall()):
                self.solution(child)
            elif self.kind(child) == "fold" and "solution" in child["classes"]:
                self.solution(child)
            else:
                self.say(self.block(child))

    def solution(self, node):
        self.parts.append(Part(f"#### {node[0].astext()}", answer=True))
        before, self.answer = self.answer, True
        for child in node.children[1:]:
            self.blocks(child if isinstance(child, nodes.section) else nodes.Element("", child))
        self.answer = before

    def say(self, text):
        if not text.strip():
            return
        last = self.parts[-1] if self.parts else None
        head = text.startswith("#")  # an exercise begins a cell, so that a solution ends with one
        if last and last.cell is None and last.answer == self.answer and not head:
            last.text += f"\n\n{text}"
        else:
            self.parts.append(Part(text, answer=self.answer))

    @staticmethod
    def kind(node):
        return type(node).__name__

    def block(self, node):
        """One block of text."""
        write = getattr(self, f"block_{self.kind(node)}", None)
        if write:
            return write(node)
        if isinstance(node, nodes.Inline | nodes.Text):
            return self.line(node)
        return self.within(node)

    def within(self, node):
        texts = (self.block(child) for child in node.children)
        return "\n\n".join(text for text in texts if text.strip())

    def nothing(self, node):
        return ""

    block_comment = block_target = block_index = block_raw = block_colspec = nothing
    block_system_message = nothing

    def block_title(self, node):
        return f"{'#' * max(self.depth, 1)} {self.inline(node)}"

    def block_rubric(self, node):
        return f"**{self.inline(node)}**"

    def block_paragraph(self, node):
        return self.inline(node)

    def block_math_block(self, node):
        tex = FORMULA.sub(" ", node.astext()).strip()
        number = self.number("displaymath", node)
        tag = rf" \tag{{{number}}}" if number else ""
        return f"$${tex}{tag}$$"

    def block_literal_block(self, node):
        language = "python" if "python" in node.get("language", "") else ""
        return f"```{language}\n{node.astext()}\n```"

    block_doctest_block = block_literal_block

    def block_figure(self, node):
        caption = next((c for c in node.children if isinstance(c, nodes.caption)), None)
        number = self.number("figure", node)
        return f"**Fig. {number}:** {self.inline(caption)}" if caption else ""

    def items(self, node, marks):
        return "\n".join(
            mark + self.indented(self.within(item), len(mark))
            for mark, item in zip(marks, node.children, strict=False)
        )

    def block_bullet_list(self, node):
        return self.items(node, ["- "] * len(node))

    def block_enumerated_list(self, node):
        start = node.get("start", 1)
        return self.items(node, [f"{start + n}. " for n in range(len(node))])

    def block_definition_list(self, node):
        entries = []
        for item in node.children:
            *terms, definition = item.children
            name = ", ".join(self.inline(term) for term in terms)
            entries.append(f"- **{name}**: {self.indented(self.within(definition), 2)}")
        return "\n".join(entries)

    def block_field(self, node):
        name, body = node.children
        return f"**{name.astext()}**\n\n{self.within(body)}".strip()

    def block_table(self, node):
        rows = list(node.findall(nodes.row))
        cells = [
            [self.within(entry).replace("\n", " ").replace("|", "\\|") for entry in row]
            for row in rows
        ]
        cells.insert(1, ["---"] * len(cells[0]))
        return "\n".join(f"| {' | '.join(row)} |" for row in cells)

    def block_desc(self, node):
        signatures = "  \n".join(f"**`{s.astext()}`**" for s in node.findall(is_signature(node)))
        content = [child for child in node.children if self.kind(child) == "desc_content"]
        return "\n\n".join([signatures, *(self.within(child) for child in content)])

    def block_citation(self, node):
        label, *rest = node.children
        return f"- **[{label.astext()}]** {self.indented(self.within(nodes.Element('', *rest)), 2)}"

    # ------------------------------------------------------------------------- what is in a box

    @staticmethod
    def indented(text, width):
        return text.replace("\n", f"\n{' ' * width}")

    @staticmethod
    def quoted(head, text):
        lines = f"**{head}**\n\n{text}".split("\n")
        return "\n".join(f"> {line}".rstrip() for line in lines)

    def block_admonition(self, node):
        if isinstance(node[0], nodes.title):
            title, rest = self.inline(node[0]), node.children[1:]
            return self.quoted(title, self.within(nodes.Element("", *rest)))
        return self.within(node)

    def block_fold(self, node):
        return self.quoted(node[0].astext(), self.within(nodes.Element("", *node.children[1:])))

    def enumerated(self, node):
        number = self.number(node["countertype"], node)
        title, *rest = node.children
        head = f"{node['countertype'].capitalize()} {number} {self.inline(title)}".strip()
        return self.quoted(head, self.within(nodes.Element("", *rest)))

    block_theorem_node = block_definition_node = block_corollary_node = enumerated
    block_lemma_node = block_proposition_node = enumerated

    def block_exercise_enumerable_node(self, node):
        rest = nodes.Element("", *node.children[1:])
        return f"### Exercise {self.number('exercise', node)}\n\n{self.within(rest)}"

    def number(self, kind, node):
        """As text, or nothing if it has none."""
        found = self.numbers.get(kind, {})
        for label in node["ids"] or [""]:
            if label in found:
                return ".".join(map(str, found[label]))
        return str(node.get("number") or "")

    # ------------------------------------------------------------------------- what is in a line

    def inline(self, node):
        return self.text(node).strip()

    def line(self, node):
        write = getattr(self, f"line_{self.kind(node)}", self.text)
        then = node.get("then", "") if isinstance(node, nodes.Element) else ""  # its punctuation
        return write(node) + then

    def text(self, node):
        return "".join(self.line(child) for child in node.children)

    line_comment = line_target = line_index = line_raw = nothing

    def line_Text(self, node):
        text = re.sub(r"\s+", " ", str(node))
        return re.sub(r"[\\`*\[\]$<]|(?<!\w)_|_(?!\w)", r"\\\g<0>", text)

    def line_math(self, node):
        return f"${FORMULA.sub(' ', node.astext()).strip()}$"

    def line_emphasis(self, node):
        return f"*{self.inline(node)}*"

    def line_strong(self, node):
        return f"**{self.inline(node)}**"

    line_literal_strong = line_strong

    def line_literal(self, node):
        code = node.astext()
        return f"`` {code} ``" if "`" in code else f"`{code}`"

    def line_inline(self, node):
        text = self.text(node)
        if "value" in node["classes"]:
            number = self.note(node["expression"], node.astext())
            return f'<span class="value-{number}">{text}</span>'
        return text

    def note(self, expression, said):
        """The number under which a last cell finds this expression again."""
        known = (expression, said)
        if known not in self.expressions:
            self.expressions.append(known)
        return self.expressions.index(known)

    def line_reference(self, node):
        text = self.text(node)
        where = node.get("refuri", "")
        if not where:  # on this page
            return text
        if node.get("internal"):
            folder = self.name.rpartition("/")[0]
            where = f"{SITE}{folder}/{where}"
        return f"[{text}]({where})"

    line_number_reference = line_reference


def is_signature(node):
    return lambda n: type(n).__name__ == "desc_signature" and n.parent is node
