"""In JupyterLab the code of figures and of solutions is folded, as on the page.

Cells are folded as a chapter is read. That is no part of what is written when it is saved, since
jupytext.toml lists what is.
"""

import re

from jupytext import AsyncTextFileContentsManager

FOLDED = {"source_hidden": True}
CLOSED = {"source_hidden": True, "outputs_hidden": True}
START, END = (
    re.compile(rf"^`{{3,}}\{{solution-{word}\}}", re.MULTILINE) for word in ("start", "end")
)


def fold(cells):
    """Fold figures' code, and what stands between the gates of a solution."""
    inside = False
    for cell in cells:
        text = "".join(cell["source"])
        inside = inside and not END.search(text)
        if inside:
            cell["metadata"]["jupyter"] = dict(CLOSED)
        elif "hide-input" in cell["metadata"].get("tags", []):
            cell["metadata"]["jupyter"] = dict(FOLDED)
        inside = inside or bool(START.search(text))


class Chapters(AsyncTextFileContentsManager):
    """Reads chapters as jupytext does, and folds them."""

    async def get(self, path, *arguments, **options):
        model = await super().get(path, *arguments, **options)
        if model["type"] == "notebook" and model["content"]:
            fold(model["content"]["cells"])
        return model


c.ServerApp.contents_manager_class = Chapters  # noqa: F821 (Jupyter gives it)
