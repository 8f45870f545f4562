"""What a screen reader with MathJax's speech engine says of the book's formulas.

`make speech` writes it down for every displayed formula, for a person to read; a
test holds the file to the pages.
"""

import json
import re
import subprocess

from node import fetched, tool

from bookbuild.contents import in_order
from bookbuild.paths import HTML, ROOT

ENGINE = "speech-rule-engine@4.1.5"
SPOKEN = ROOT / "tests/site/spoken.txt"
DISPLAY = re.compile(
    r'<div class="formula">(.*?)</div>(?:<span class="eqno">.*?href="#equation-(.*?)")?', re.DOTALL
)
MATH = re.compile(r"<math.*?</math>", re.DOTALL)
SCRIPT = """
const engine = require("speech-rule-engine");
(async () => {
  const [domain, formulas] = JSON.parse(require("fs").readFileSync(0, "utf8"));
  await engine.setupEngine({locale: "en", domain, modality: "speech"});
  await engine.engineReady();
  console.log(JSON.stringify(formulas.map(formula => engine.toSpeech(formula))));
})();
"""


def speak(formulas, domain="clearspeak"):
    """What is said of each formula, in one of the engine's two ways of speaking."""
    said = subprocess.run(
        [tool("node"), "-e", SCRIPT], cwd=fetched(ENGINE), check=True, capture_output=True,
        encoding="utf-8", input=json.dumps([domain, list(formulas)]),
    )  # fmt: skip
    return json.loads(said.stdout)


def displays():
    """Each displayed formula once, in reading order: its page, label and parts."""
    seen = set()
    for name in in_order():
        page = (HTML / f"{name}.html").read_text(encoding="utf-8")
        for formula, label in DISPLAY.findall(page):
            parts = tuple(MATH.findall(formula))
            if parts not in seen:
                seen.add(parts)
                yield name, label, parts


def write_down():
    """The text of the file: of each display its label and what is said of it."""
    found = list(displays())
    said = iter(speak([part for *_, parts in found for part in parts]))
    lines, page = [], ""
    for name, label, parts in found:
        if name != page:
            page = name
            lines.append(f"\n{name.removeprefix('chapters/')}\n")
        lines.append(f"{label or 'no label'}: {' '.join(next(said) for _ in parts)}")
    return "\n".join(lines).lstrip() + "\n"


if __name__ == "__main__":
    SPOKEN.write_text(write_down(), encoding="utf-8")
    print(f"Now read {SPOKEN.relative_to(ROOT)}")
