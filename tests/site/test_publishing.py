"""What is published and kept: the policy of the pages, shared links, releases, workflows."""

import hashlib
import json
import os
import re
import runpy
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import yaml
from bs4 import BeautifulSoup
from labels import as_told
from visit import Visit, pages

import jacobians
from bookbuild.browser import serve
from bookbuild.ext import policy
from bookbuild.ext.sentences import ROLE
from bookbuild.paths import HTML, ROOT
from bookbuild.tasks import pdf, release, reproducible

PAGES = [*pages(), "index.html"]
every_page = pytest.mark.parametrize("page", PAGES)
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))


# ------------------------------------------------------------------------------------- the policy


@every_page
def test_a_page_allows_its_own_scripts_and_no_others(page):
    """That a browser finds no violation is seen by test_browser: it would be on the console."""
    text = (HTML / page).read_text("utf-8")
    (allowed,) = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]*)"', text)
    assert text.index("Content-Security-Policy") < min(
        (text.find(tag) for tag in ("<script", "<link", "<style") if tag in text),
        default=len(text),
    )
    assert "unsafe-eval" not in allowed
    assert "unsafe-inline" not in allowed.partition("script-src")[2].partition(";")[0]
    assert not re.search(r"https?:|\*", allowed)
    assert not re.search(
        r"<[^>]* on\w+=", re.sub(r"<script.*?</script>", "", text, flags=re.DOTALL)
    )


@pytest.mark.parametrize(
    "planted",
    [
        "<script>document.title = 'taken'</script>",
        "<img src='x' onerror=\"document.title = 'taken'\" alt=''>",
        "<script src='data:text/javascript,document.title=`taken`'></script>",
    ],
)
def test_a_script_that_found_its_way_in_does_not_run(chrome, tmp_path, planted):
    shutil.copytree(HTML, tmp_path / "html")
    page = tmp_path / "html/chapters/notation.html"
    page.write_text(
        page.read_text("utf-8").replace("</article>", planted + "</article>", 1), encoding="utf-8"
    )
    with serve(tmp_path / "html") as home:
        with Visit(chrome, home + "chapters/notation.html") as visit:
            assert visit.page.title() != "taken"
            assert any("Content Security Policy" in line for line in visit.said)


def test_eval_and_other_sites_are_refused(chrome, home):
    with Visit(chrome, home + "chapters/notation.html") as visit:
        assert visit.page.evaluate(
            """() => new Promise(done => {
                document.addEventListener("securitypolicyviolation",
                                          event => done(event.blockedURI));
                fetch("http://127.0.0.1:9/").catch(() => 0);
            })"""
        ).startswith("http://127.0.0.1:9")


def test_the_button_for_print_acts(chrome, home):
    with Visit(chrome, home + "chapters/jacobian.html") as visit:
        visit.page.evaluate("window.print = () => document.body.dataset.printed = 'yes'")
        visit.page.locator(".print-button").click()
        assert visit.page.evaluate("document.body.dataset.printed") == "yes"


# --------------------------------------------------------------------------- found, cited, released


@every_page
def test_a_link_that_is_shared_says_what_it_leads_to(page):
    head = (HTML / page).read_text("utf-8").partition("</head>")[0]
    said = dict(re.findall(r'<meta property="og:(\w+)" content="([^"]*)"', head))
    assert len(said["title"]) > 3 and "<" not in said["title"]
    assert len(said["description"]) > 15
    assert f'name="description" content="{said["description"]}"' in head
    if not os.environ.get("BOOK_URL"):
        assert "canonical" not in head and "image" not in said


def test_the_front_page_leads_to_the_first_chapter(chrome, home):
    with Visit(chrome, home) as visit:
        visit.page.wait_for_url("**/chapters/index.html")
        # Going on breaks off what the front page was still asking for.
        assert [line for line in visit.said if not line.startswith("failed:")] == []


def test_the_version_is_one_everywhere():
    version = jacobians.__version__  # from which the wheel takes its own
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))
    about = (ROOT / "chapters/about.md").read_text("utf-8")
    assert citation["version"] == version
    assert f"version = {{{version}}}" in about
    assert f"title   = {{{citation['title']}}}" in about
    assert re.search(rf"^{re.escape(version)}, \w+ {citation['date-released'].year}$", about, re.M)


@pytest.mark.slow
def test_a_release_opens_from_a_folder_and_holds_what_it_offers(chrome, tmp_path):
    site = tmp_path / "site"
    files = release.write(site, chrome)
    for line in (site / "downloads/SHA256SUMS").read_text("utf-8").splitlines():
        digest, name = line.split("  ")
        assert hashlib.sha256((site / "downloads" / name).read_bytes()).hexdigest() == digest
    assert {file.suffix for file in files} == {".pdf", ".epub", ".whl", ".zip", ""}
    (archive,) = (file for file in files if file.suffix == ".zip")
    zipfile.ZipFile(archive).extractall(tmp_path / "folder")
    (folder,) = (tmp_path / "folder").iterdir()
    assert folder.name == archive.stem
    # What test_browser says of every page opened from a folder holds for the archive's: it is they.
    for file in filter(Path.is_file, HTML.rglob("*")):
        name = file.relative_to(HTML)
        if name.as_posix() != release.ABOUT:
            assert (folder / name).read_bytes() == file.read_bytes()
            assert (site / name).read_bytes() == file.read_bytes()
    for root, offered in ((folder, 3), (site, 5)):
        with Visit(chrome, (root / release.ABOUT).as_uri(), offline=True) as visit:
            links = visit.page.locator("#take-it-with-you li a").all()
            targets = [root / "chapters" / link.get_attribute("href") for link in links]
            assert len(targets) == offered and all(target.is_file() for target in targets)
            assert visit.said == []


def test_the_first_difference_between_two_builds_is_named(tmp_path):
    for name in ("one", "other"):
        (tmp_path / name / "chapters").mkdir(parents=True)
        (tmp_path / name / "chapters/a.html").write_text("the same", encoding="utf-8")
    one, other = tmp_path / "one", tmp_path / "other"
    assert reproducible.first_difference(one, other) == ""
    (one / "chapters/b.html").write_text("built on Monday", encoding="utf-8")
    assert reproducible.first_difference(one, other) == f"chapters/b.html is not in {other}"
    (other / "chapters/b.html").write_text("built on Tuesday", encoding="utf-8")
    difference = reproducible.first_difference(one, other)
    assert "chapters/b.html differs from byte 9" in difference and "Tuesday" in difference


# -------------------------------------------------------------------------------------- workflows


# What a job may do beside reading, and only after a push to main.
MORE = {
    "publish": {"pages": "write", "id-token": "write"},
    "notebooks": {"actions": "read", "contents": "write"},  # a branch of their own, for Colab
}


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda path: path.stem)
def test_a_workflow_is_pinned_has_few_rights_and_runs_only_tasks_of_make(file):
    text = file.read_text("utf-8")
    workflow = yaml.safe_load(text)
    tasks = set(runpy.run_path(str(ROOT / "make.py"))["tasks"]())
    assert workflow["permissions"] == {"contents": "read"}
    for name, job in workflow["jobs"].items():
        assert job["timeout-minutes"] <= 45
        assert job.get("permissions") == MORE.get(name), name
        for step in job["steps"]:
            if name == "notebooks":
                assert step["run"].startswith(("gh run download", "git init"))
            elif "run" in step:
                command = step["run"].removeprefix("python make.py").removeprefix("make").split()
                assert step["run"].startswith(("make", "python make.py"))
                assert len([word for word in command if "=" not in word]) <= 1
                assert set(word for word in command if "=" not in word) <= tasks
            else:
                assert re.fullmatch(r"actions/[\w-]+@[0-9a-f]{40}", step["uses"])
            version = step.get("with", {}).get("python-version")
            assert version in (None, "3.11", "3.14", "${{ matrix.python }}")
    assert "secrets." not in text
    assert all("# v" in line for line in text.splitlines() if "uses:" in line)


def test_what_is_proposed_is_tested_as_here_and_published_from_main_alone():
    book = yaml.safe_load((ROOT / ".github/workflows/book.yml").read_text("utf-8"))
    steps = (ROOT / ".ci/run").read_text("utf-8")
    here = re.findall(r"\bstep (make[^;\n]*)", steps)
    there = [step["run"] for step in book["jobs"]["build"]["steps"] if "run" in step]
    assert there == [command for command in here if command != "make clean"]
    assert book[True] == {
        "pull_request": None,
        "push": {"branches": ["main"]},
    }  # `on` is YAML's yes
    for name in MORE:
        assert book["jobs"][name]["if"] == "github.event_name == 'push'"
        assert book["jobs"][name]["needs"] == ["build", "everywhere"]


def test_what_is_printed_has_the_number_of_every_expression():
    def values(text):
        return [span.get_text() for span in BeautifulSoup(text, "html.parser").select("span.value")]

    each = [values((HTML / "chapters" / name).read_text("utf-8")) for name in pdf.chapters()]
    sources = [ROOT / "chapters" / name.replace(".html", ".md") for name in pdf.chapters()]
    written = [len(ROLE.findall(as_told(path.read_text("utf-8")))) for path in sources]
    assert [len(found) for found in each] == written and sum(written) > 100
    assert values(pdf.joined(pdf.chapters())) == [value for found in each for value in found]


@pytest.mark.slow
def test_make_links_names_every_address_outside_the_book():
    """Whether one answers depends on the day and on the network, so only that each was asked."""
    result = subprocess.run(
        [sys.executable, "-m", "bookbuild.tasks.build", "--links"],
        cwd=ROOT,
        capture_output=True,
        encoding="utf-8",
    )
    lines = (ROOT / "_build/linkcheck/output.json").read_text("utf-8").splitlines()
    asked = {entry["uri"]: entry["status"] for entry in map(json.loads, lines)}
    assert len([uri for uri in asked if uri.startswith("https://doi.org/")]) > 10
    broken = [uri for uri, status in asked.items() if status in ("broken", "timeout")]
    assert (result.returncode != 0) == bool(broken)
    for uri in broken:
        assert uri in result.stdout + result.stderr


def test_a_published_page_names_its_address_beside_itself(monkeypatch):
    """WebKit takes nothing for 'self' in a sandbox; test_engines sees what comes of it."""
    monkeypatch.delenv("BOOK_URL", raising=False)
    alone = policy.policy([])
    monkeypatch.setenv("BOOK_URL", "https://somebody.example/book/")
    assert policy.policy([]) == alone.replace("'self'", "'self' https://somebody.example/book/")
