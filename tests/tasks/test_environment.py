"""A build in a hostile shell: the same pages, and a failure that leaves nothing behind."""

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import jupytext
import pytest
from labels import ROOT
from test_make import build, cell, project, run, write  # noqa: F401 (a fixture)

from bookbuild import environment, repository
from bookbuild.tasks.reproducible import first_difference

FIGURE = """\
---
mystnb:
  figure:
    caption: A curve.
    name: fig-curve
  image:
    alt: A curve that rises from the lower left to the upper right, twice as steep at the end.
---
import matplotlib.pyplot as plt

from jacobians.book import figures

figures.use_book_style()
plt.plot([0, 1, 4])
plt.title("Größe")
plt.show()
"""

HOSTILE = {
    "MPLBACKEND": "module://not.installed",
    "PYTHONWARNINGS": "error",
    "PYTHONOPTIMIZE": "2",
    "PYTHONPROFILEIMPORTTIME": "1",
    "PYTHONIOENCODING": "cp1252",
    "LC_ALL": "de_DE.ISO-8859-1",
    "LANGUAGE": "de",
    "TZ": "Asia/Kathmandu",
    "OMP_NUM_THREADS": "7",
    "COLUMNS": "20",
    "FORCE_COLOR": "1",
    "JUPYTER_RUNTIME_DIR": "/proc/nowhere",
    "JUPYTER_DATA_DIR": "/proc/nowhere",
    "VIRTUAL_ENV": "/nowhere",
    "GIT_DIR": "/nowhere",
    "HOME": "/proc",
}


def test_a_build_sees_no_variable_but_those_it_knows(monkeypatch, tmp_path):
    for name, value in HOSTILE.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("PYTHONSTARTUP", "/nowhere")
    monkeypatch.setenv("SPHINXOPTS", "-D language=de")
    monkeypatch.setenv("BOOK_URL", "https://class.example")
    monkeypatch.setenv("PYTHONPATH", f"/nowhere{os.pathsep}{tmp_path / 'later'}")
    ours = environment.variables(tmp_path)
    kept = {name for name, value in HOSTILE.items() if ours.get(name) == value}
    assert kept == {"HOME"}
    assert not {"PYTHONSTARTUP", "SPHINXOPTS", "MPLBACKEND", "VIRTUAL_ENV"} & ours.keys()
    assert ours["BOOK_URL"] == "https://class.example"
    assert ours["PYTHONPATH"].split(os.pathsep) == [
        str(tmp_path / "later"),
        str(tmp_path / "code/src"),
    ]
    assert ours["PATH"] == os.environ["PATH"]


def test_figures_are_set_in_the_font_that_matplotlib_brings(tmp_path):
    environment_of_it = os.environ | {"MPLCONFIGDIR": str(tmp_path)}
    subprocess.run([sys.executable, "-c", environment.FONTS], env=environment_of_it, check=True)
    script = (
        "import matplotlib, matplotlib.font_manager as fonts\n"
        "data = matplotlib.get_data_path()\n"
        "assert all(f.fname.startswith(data) for f in fonts.fontManager.ttflist)\n"
        "print(fonts.findfont('DejaVu Sans'), fonts.fontManager.ttflist != [])"
    )
    said = subprocess.run(
        [sys.executable, "-c", script], env=environment_of_it, capture_output=True, encoding="utf-8"
    )
    assert said.stdout.endswith("DejaVuSans.ttf True\n") and not said.stderr


def test_a_hostile_shell_gives_the_same_pages(project, tmp_path_factory):  # noqa: F811
    write(project, "index", cell(FIGURE) + "\n" + cell('print("größer")'))
    home = tmp_path_factory.mktemp("home")
    (home / ".config/matplotlib").mkdir(parents=True)
    (home / ".config/matplotlib/matplotlibrc").write_text("lines.linewidth: 9\n", "utf-8")
    startup = home / ".ipython/profile_default/startup"
    startup.mkdir(parents=True)
    (startup / "0.py").write_text("print('hello from my start-up file')", "utf-8")
    kernel = home / ".local/share/jupyter/kernels/python3"
    kernel.mkdir(parents=True)
    (kernel / "kernel.json").write_text('{"argv": ["false"], "display_name": "mine"}', "utf-8")
    first = build(project)
    assert first.returncode == 0, first.stdout
    (project / "_build/html").rename(project / "html")
    for hostile in (HOSTILE, {"HOME": str(home)}):
        for folder in ("html", ".jupyter_cache", ".doctrees", "matplotlib"):
            subprocess.run(["rm", "-rf", project / "_build" / folder], check=True)
        # The variables that concern Python itself are taken away by make.py, before it starts.
        theirs = {name: value for name, value in hostile.items() if not name.startswith("PYTHON")}
        again = run(
            [sys.executable, "-m", "bookbuild.tasks.build"], project,
            PYTHONPATH=str(project / "code/src"), **theirs,
        )  # fmt: skip
        assert again.returncode == 0, again.stdout
        assert first_difference(project / "html", project / "_build/html") == ""


def test_what_a_cell_says_on_stderr_is_shown_and_not_kept(project, tmp_path):  # noqa: F811
    machine = tmp_path / "machine"  # full, say
    code = f"import pathlib, sys\n\nif pathlib.Path({str(machine)!r}).exists():\n"
    write(project, "index", cell(f"{code}    print('no space left', file=sys.stderr)"))
    machine.touch()
    result = build(project)
    assert result.returncode != 0 and "no space left" in result.stdout
    machine.unlink()
    again = build(project)
    assert again.returncode == 0, again.stdout
    assert "executing chapters/index.md" in again.stdout
    assert "Nothing has changed" in build(project).stdout


def test_what_a_system_leaves_beside_the_files_is_no_change(project):  # noqa: F811
    assert build(project).returncode == 0
    for folder in ("chapters", "code/src/jacobians"):
        for name in (".DS_Store", "._basis.py", "Thumbs.db", "desktop.ini", "basis.py~", ".b.swp"):
            (project / folder / name).touch()
    assert "Nothing has changed" in build(project).stdout


@pytest.mark.parametrize(
    "name, left",
    [
        ("basis.py", False),
        ("seattle.csv", False),
        ("static/book.css", False),
        (".ipynb_checkpoints/a.ipynb", True),
        ("__pycache__/basis.cpython-311.pyc", True),
        ("basis.py.orig", True),
        ("temperatures.py", False),
    ],
)
def test_which_files_are_left_behind(name, left):
    assert repository.left_behind(Path(name)) is left


# ---------------------------------------------------------------------------------------------- git


def git(folder, *arguments):
    identity = ["-c", "user.name=A", "-c", "user.email=a@example.org"]
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    for name in repository.ELSEWHERE:
        monkeypatch.delenv(name, raising=False)
    folder = tmp_path / "course/book"
    (folder / "chapters").mkdir(parents=True)
    (folder / ".gitignore").write_text("/.venv/\n/_build/\n__pycache__/\n*.egg-info/\n", "utf-8")
    for name in ("chapters/größe.md", "_build/page", ".venv/x", "env/pyvenv.cfg", "env/y", "draft"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).touch()
    return folder


def test_without_git_the_files_are_all_that_is_not_ignored(folder):
    assert repository.git(folder, "status") is None
    assert repository.files(folder) == [".gitignore", "chapters/größe.md", "draft"]


def test_with_git_the_files_are_those_it_would_keep(folder):
    git(folder, "init", "-q")
    git(folder, "add", "chapters")
    assert set(repository.files(folder)) >= {".gitignore", "chapters/größe.md", "draft"}
    (folder / "chapters/größe.md").unlink()
    assert "chapters/größe.md" not in repository.files(folder)
    assert not any(name.startswith("_build") for name in repository.files(folder))


def test_the_repository_of_a_course_is_not_ours(folder, monkeypatch):
    course = folder.parent
    git(course, "init", "-q", "-b", "autumn")
    git(course, "remote", "add", "origin", "https://github.com/some/course.git")
    assert repository.git(course, "remote") == "origin"
    assert repository.git(folder, "remote") is None
    monkeypatch.setenv("GIT_DIR", str(course / ".git"))  # as a hook of the course has it
    assert repository.git(folder, "remote") is None
    assert repository.files(folder) == [".gitignore", "chapters/größe.md", "draft"]


def test_the_default_branch_is_asked_for(folder, tmp_path):
    assert repository.branch(folder) == "main"
    git(folder, "init", "-q", "-b", "trunk")
    git(folder, "add", "draft")
    git(folder, "commit", "-qm", "first")
    assert repository.branch(folder) == "main"  # nothing was pushed: nobody has said
    git(tmp_path, "clone", "-q", str(folder), "clone")
    git(tmp_path / "clone", "checkout", "-qb", "feature")
    assert repository.branch(tmp_path / "clone") == "trunk"
    git(tmp_path, "init", "-q", "--bare", "server")
    git(folder, "remote", "add", "origin", str(tmp_path / "server"))
    git(folder, "push", "-q", "origin", "trunk")
    assert repository.branch(folder) == "trunk"


def test_without_git_there_is_none(folder, monkeypatch):
    git(folder, "init", "-q")
    monkeypatch.setenv("PATH", "/nowhere")
    assert repository.git(folder, "status") is None
    assert "draft" in repository.files(folder) and repository.branch(folder) == "main"


# ----------------------------------------------------------------------------------------- encoding


def nameless(source):
    """The lines on which a file is opened, or a program read, in whatever encoding is usual."""
    for call in (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)):
        name = getattr(call.func, "attr", getattr(call.func, "id", ""))
        said = {keyword.arg: getattr(keyword.value, "value", None) for keyword in call.keywords}
        texts = [a.value for a in call.args if isinstance(a, ast.Constant)]
        owner = getattr(getattr(call.func, "value", None), "id", "")
        opens = name in ("read_text", "write_text", "NamedTemporaryFile", "fdopen") or (
            name == "open" and owner not in ("os", "pikepdf", "Image")
        )
        binary = any(
            isinstance(text, str) and re.fullmatch("[rwax+]*b[+]?", text) for text in texts
        )
        if (opens and not binary and "encoding" not in said and "utf-8" not in texts) or (
            said.get("text") is True
        ):
            yield call.lineno


def test_every_text_is_read_and_written_in_an_encoding_that_is_named():
    example = "open(x); open(x, 'rb'); p.read_text('utf-8')\nrun(c, text=True)"
    assert list(nameless(example)) == [1, 2]
    for file in (name for name in repository.files(ROOT) if name.endswith(".py")):
        assert not list(nameless((ROOT / file).read_text("utf-8"))), file
    for chapter in (ROOT / "chapters").glob("*.md"):
        cells = jupytext.read(chapter).cells
        code = "\n".join(
            c.source for c in cells if c.cell_type == "code" and "%" not in c.source[:1]
        )
        assert not list(nameless(code)), chapter


def test_a_foreign_locale_changes_nothing(tmp_path):
    """The package and the tasks, where text is not UTF-8 unless one says so."""
    script = """
import pathlib, sys, warnings
warnings.filterwarnings("error", category=EncodingWarning, module="jacobians|bookbuild")
import jacobians.temperatures
from jacobians.book import explorer, figures, measurements
from bookbuild.tasks import check, student
jacobians.temperatures.load()
student.write(pathlib.Path(sys.argv[1]))
for path in check.chapters():
    check.as_saved(path.read_text(encoding="utf-8"), path)
"""
    ours = os.environ | {"PYTHONUTF8": "0", "LC_ALL": "C", "PYTHONCOERCECLOCALE": "0"}
    result = subprocess.run(
        [sys.executable, "-X", "warn_default_encoding", "-c", script, tmp_path / "class"],
        cwd=ROOT, env=ours, capture_output=True, encoding="utf-8",
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    chapter = (tmp_path / "class/chapters/learning.md").read_bytes()
    assert "°".encode() in chapter and b"\r\n" not in chapter
