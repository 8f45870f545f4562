"""The book without its solutions, for a class: ``python -m bookbuild.tasks.student [folder]``.

Solutions are cut from the chapters and from the cells of the package that hold them nowhere else;
what is left builds and passes its tests. The public repository still shows everything.
"""

import re
import shutil
import sys
from pathlib import Path

from bookbuild import repository
from bookbuild.paths import ROOT

SOLUTION = re.compile(
    r"^(`{3,})\{solution-start\}.*?^`{3,}\{solution-end\}\n`{3,}\n+"  # gated, with cells inside
    r"|^(`{3,})\{solution\}.*?^\2\n+",  # in one piece
    re.M | re.S,
)


def without_solutions(text):
    """A chapter's text with every solution cut out."""
    return SOLUTION.sub("", text).rstrip("\n") + "\n"


def write(target):
    if target.exists():
        shutil.rmtree(target)
    repository.copy(ROOT, target)
    contents = (ROOT / "_toc.yml").read_text(encoding="utf-8")
    listed = re.findall(r"^[\s-]*(?:file|root): *[\"']?([\w/-]+)", contents, re.M)
    for chapter in sorted((target / "chapters").glob("*.md")):
        name = chapter.relative_to(target).with_suffix("").as_posix()
        if name not in listed:  # a draft, or an exam
            print(f"Left out, since _toc.yml does not name it: {name}.md")
            chapter.unlink()
            continue
        chapter.write_text(without_solutions(chapter.read_text(encoding="utf-8")), encoding="utf-8")
    (target / "STUDENT").write_text(
        "The book without its solutions, so no test looks for them.\n", encoding="utf-8"
    )
    left = [
        f"{path.relative_to(target)}: {match[0]}"
        for path in (target / "chapters").rglob("*.md")
        for match in re.finditer(r"\{solution|_solution\b", path.read_text(encoding="utf-8"))
    ]
    if left:
        sys.exit("make: Solutions are left:\n" + "\n".join(left))
    print(f"Written without solutions: {target}")


if __name__ == "__main__":
    write(Path(sys.argv[1]).resolve() if sys.argv[1:] else ROOT / "_build/student")
