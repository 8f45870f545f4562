"""What folds away is the browser's own `<details>`: the keyboard opens it, a screen reader says
whether it is open, a print shows what is in it, and no script is needed for any of that.

It serves every admonition of the class `dropdown`: quick questions and solutions. An exercise and
its solution have addresses made of the exercise's label, which does not move, and links to them.
"""

from docutils import nodes
from sphinx.locale import admonitionlabels
from sphinx.transforms.post_transforms import SphinxPostTransform


class fold(nodes.General, nodes.Element):
    """A `<details>`; its first child is the `summary`."""


class summary(nodes.General, nodes.TextElement):
    """The line that stays when the rest is folded away."""


class FoldDropdowns(SphinxPostTransform):
    default_priority = 950  # once the titles of the exercises are resolved
    formats = ("html",)

    def run(self, **kwargs):
        seen = set()
        for element in self.document.findall(nodes.Element):
            # sphinx-exercise and sphinx-proof give every box, or its content, the same id. A
            # formula keeps its own, by which its number is found; its wrapper writes it.
            if not isinstance(element, nodes.math_block):
                element["ids"] = [i for i in element["ids"] if i not in seen]
                seen.update(element["ids"])
        for box in list(self.document.findall(nodes.Admonition)):
            if label := box.get("target_label"):  # sphinx-exercise counts the solutions of a page
                box["ids"] = [f"{label}-solution"]
            elif "exercise" in box["classes"] and isinstance(box[0], nodes.title):
                box[0] += permalink(box["ids"][0], "Link to this exercise")
            if "dropdown" in box["classes"]:
                classes = ["admonition", *(c for c in box["classes"] if c != "dropdown")]
                if isinstance(box[0], nodes.title):
                    title, content = box[0].astext(), box.children[1:]  # and no link in a summary
                else:  # a note, a tip, ...: its name is its title
                    title, content = admonitionlabels[box.tagname], box.children
                    classes.append(box.tagname)
                line = summary("", title, classes=["admonition-title"])
                here = [permalink(box["ids"][0], "Link to this solution")] if label else []
                folded = fold("", line, *content, *here, ids=box["ids"], classes=classes)
                box.parent.replace(box, folded)  # replace_self would add the old classes


def permalink(anchor, words):
    """The sign that the theme puts behind a heading."""
    text = f'<a class="headerlink" href="#{anchor}" title="{words}">#</a>'
    return nodes.raw("", text, format="html")


def visit_fold(self, node):
    self.body.append(self.starttag(node, "details"))


def depart_fold(self, node):
    self.body.append("</details>\n")


def visit_summary(self, node):
    self.body.append(self.starttag(node, "summary", suffix=""))


def depart_summary(self, node):
    self.body.append("</summary>\n")


def visit_hidden_cell(self, node):
    """A cell that is folded away, under the words that stand on its fold."""
    self.body.append(f'<details class="hide {" ".join(node["classes"])}">\n')
    self.body.append(f"<summary>{node['prompt_show']}</summary>\n")
