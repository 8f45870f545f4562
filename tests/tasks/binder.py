"""What Binder would do with this repository, without its engine, as `make binder` runs it.

The recipe is repo2docker's own; it is read, not run. What it comes to is replayed: Binder's lock
installed into a fresh environment from a fresh clone that is also HOME, a server in it, a chapter
opened in a browser and run. Not replayed: conda, the base image, mybinder.org itself.
"""

import json
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from reader_server import RUN_ALL, TOKEN, jupyter

from bookbuild.browser import browser
from bookbuild.paths import ROOT

CHAPTER = "chapters/jacobian.md"
LOCK = "binder/requirements.txt"


def recipe():
    """repo2docker's recipe takes our Python and our lock, after the repository is copied."""
    tool = Path(sys.executable).parent / "jupyter-repo2docker"
    command = [tool, "--no-build", "--debug", "--user-name=reader", "--user-id=1000", "."]
    said = subprocess.run(command, cwd=ROOT, capture_output=True, encoding="utf-8")
    text = said.stdout + said.stderr
    version = (
        (ROOT / "binder/runtime.txt").read_text(encoding="utf-8").strip().removeprefix("python-")
    )
    if said.returncode or f"environment for python={version}\n" not in text:
        sys.exit(f"make: repo2docker does not take Python {version}:\n{text[-2000:]}")
    copied = text.find(" src/ ${REPO_DIR}/")  # -1, and so the last letter, if it never is
    if not re.search(rf'pip install --no-cache-dir -r "?{LOCK}', text[copied:]):
        sys.exit(f"make: repo2docker's recipe does not install {LOCK} from the repository.")
    print(f"recipe: Python {version}, {LOCK}")


def replay(folder):
    """Install, serve, open and run, as a reader who pressed the button; nothing may change."""
    clone, environment = folder / "clone", folder / "environment"
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
    subprocess.run([sys.executable, "-m", "venv", str(environment)], check=True)
    python = str(environment / "bin/python")
    install = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*install, "-r", LOCK], cwd=clone, check=True)
    size = sum(file.stat().st_size for file in environment.rglob("*") if file.is_file())
    print(f"installed: {size / 1e6:.0f} MB", flush=True)
    server = jupyter(clone, python=python, HOME=str(clone))
    with server as address, browser() as chrome:
        page = chrome.new_page()
        page.goto(f"{address}/lab/tree/{CHAPTER}?reset&token={TOKEN}")
        page.wait_for_selector(".jp-Notebook .jp-CodeCell", timeout=60_000)
        cells = [c for c in json.loads(page.evaluate(RUN_ALL))["cells"] if c["cell_type"] == "code"]
    errors = [o for cell in cells for o in cell["outputs"] if o["output_type"] == "error"]
    if errors or not any(cell["outputs"] for cell in cells):
        sys.exit(f"make: {CHAPTER} does not run: {errors[:1]}")
    command = ["git", "-C", str(clone), "status", "--porcelain", "chapters", "code"]
    if changed := subprocess.run(command, capture_output=True, encoding="utf-8").stdout:
        sys.exit(f"make: opening, running and saving changed the sources:\n{changed}")
    print(f"opened as a notebook, {len(cells)} cells run, saved unchanged: {CHAPTER}")


if __name__ == "__main__":
    recipe()
    folder = Path(tempfile.mkdtemp())
    try:
        replay(folder)
    finally:
        shutil.rmtree(folder)
