"""Begin a chapter: ``python -m bookbuild.tasks.chapter name``, as `make chapter NAME=name` does."""

import re
import sys
from pathlib import Path

from bookbuild.paths import CHAPTERS, CONTENTS, ROOT

SKELETON = Path(__file__).with_name("chapter.txt")  # {title} and {name} are filled in


def main(name):
    path = CHAPTERS / f"{name}.md"
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        sys.exit(
            "make: a NAME of small letters, digits and _ is needed: make chapter NAME=my_chapter"
        )
    if path.exists():
        sys.exit(f"make: {path.relative_to(ROOT)} is there already.")
    head = (CHAPTERS / "jacobian.md").read_text(encoding="utf-8").split("\n# ")[0]
    title = name.replace("_", " ").capitalize()
    body = SKELETON.read_text(encoding="utf-8").replace("{title}", title).replace("{name}", name)
    path.write_text(f"{head}\n{body}", encoding="utf-8")
    text = CONTENTS.read_text(encoding="utf-8")
    CONTENTS.write_text(
        text.replace(
            "  - file: chapters/notation\n",
            f"  - file: chapters/{name}\n  - file: chapters/notation\n",
        ),
        encoding="utf-8",
    )
    print(
        f"{path.relative_to(ROOT)} is written and stands in _toc.yml; make live shows it.\n"
        "It has one exercise *By hand.* What it lacks yet, one *To code.* and one *To break.*, the "
        "tests say: make test NAME=tests/chapters"
    )


if __name__ == "__main__":
    main(*(sys.argv[1:] or [""]))
