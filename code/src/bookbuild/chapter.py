"""Begin a chapter: ``python -m bookbuild.chapter name``, as `make chapter NAME=name` does."""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]

SKELETON = """\
# {title}

:::{{admonition}} Goals
:class: tip

After this chapter you can

- say in one line what it is about.

You need the chapter [](jacobian.md).
:::

```{{code-cell}} ipython3
:tags: [remove-cell]

from myst_nb import glue

from jacobians import TanhBasis, figures

figures.use_book_style()
```

## The first idea

One idea a section: a formula, a cell in the same symbols, a sentence that reads the result.

```{{code-cell}} ipython3
basis = TanhBasis([[0.1], [-10.0]])
print(basis.transform([100, 110]).ravel())
```

```{{code-cell}} ipython3
:tags: [remove-cell]

glue("{name}_step", f"{{basis.transform([110])[0, 0]:.2f}}", display=False)
```

Ten days after its step the feature has reached {{glue:text}}`{name}_step`.

## Summary

- What a reader takes along.

## Exercises

```{{exercise}}
:label: ex-{name}

*By hand.* Where is the step of the unit above?
```

```{{solution}} ex-{name}
:class: dropdown

At $x=-b/a$, day 100.
```
"""


def main(name):
    path, contents = ROOT / f"chapters/{name}.md", ROOT / "_toc.yml"
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        sys.exit(
            "make: a NAME of small letters, digits and _ is needed: make chapter NAME=my_chapter"
        )
    if path.exists():
        sys.exit(f"make: {path.relative_to(ROOT)} is there already.")
    head = (ROOT / "chapters/jacobian.md").read_text(encoding="utf-8").split("\n# ")[0]
    title = name.replace("_", " ").capitalize()
    path.write_text(f"{head}\n{SKELETON.format(name=name, title=title)}", encoding="utf-8")
    text = contents.read_text(encoding="utf-8")
    contents.write_text(
        text.replace(
            "  - file: chapters/notation\n",
            f"  - file: chapters/{name}\n  - file: chapters/notation\n",
        ),
        encoding="utf-8",
    )
    print(f"{path.relative_to(ROOT)} is written and stands in _toc.yml; make live shows it.")


if __name__ == "__main__":
    main(*(sys.argv[1:] or [""]))
