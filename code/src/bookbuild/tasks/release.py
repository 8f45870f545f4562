"""What a reader takes away, and what is published: ``python -m bookbuild.tasks.release``.

`_build/site` is what a web server is given: the pages, and in `downloads` the whole book as a PDF
and as an EPUB, the pages as an archive that opens from a folder, the package's wheel, and their
checksums. The page about the book offers them. `_build/notebooks` has the chapters as notebooks; in
a repository that is ours they are also the one commit of the branch `notebooks`, where Colab finds
them.
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from importlib.metadata import version
from pathlib import Path

from bookbuild import publication, repository
from bookbuild.browser import browser
from bookbuild.paths import HTML, ROOT
from bookbuild.tasks import pdf

NAME = f"jacobian-by-hand-{version('jacobians')}"
ABOUT = "chapters/about.html"
SECTION = re.compile(r'<section id="take-it-with-you">.*?(?=</section>)', re.DOTALL)


def offer(site, files):
    """On the page about the book, list the files and what they are."""
    entries = "".join(
        f'<li><p><a href="../downloads/{file.name}">{what}</a>, {file.stat().st_size / 1e6:.2g} MB'
        "</p></li>\n"
        for file, what in files.items()
    )
    page = (HTML / ABOUT).read_text(encoding="utf-8")
    (section,) = SECTION.findall(page)
    page = page.replace(section, f'{section}<ul class="simple">\n{entries}</ul>\n')
    (site / ABOUT).write_text(page, encoding="utf-8")


def pack(site, target):
    """Write the site into one archive: the same pages give the same bytes."""
    files = sorted(path for path in site.rglob("*") if path.is_file())
    with zipfile.ZipFile(target, "w") as archive:
        for file in files:
            entry = zipfile.ZipInfo(f"{NAME}/{file.relative_to(site).as_posix()}")
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, file.read_bytes(), zipfile.ZIP_DEFLATED)


def write(site, chrome):
    """Write the site into a folder, and return what can be downloaded from it."""
    shutil.rmtree(site, ignore_errors=True)
    shutil.copytree(HTML, site)
    downloads = site / "downloads"
    downloads.mkdir()
    (wheel,) = (HTML / "wheels").glob("*.whl")
    names = f"{NAME}.pdf", f"{NAME}.epub", wheel.name, f"{NAME}.zip"
    book, shelf, package, pages = (downloads / name for name in names)
    pdf.write(book, chrome)
    subprocess.run([sys.executable, "-m", "bookbuild.tasks.epub", str(shelf)], check=True)
    shutil.copy(wheel, package)
    files = {
        book: "the whole book, to print",
        shelf: "the whole book, for a reading device",
        package: "the package, for pip",
    }
    offer(site, files)
    pack(site, pages)  # the archive offers what is in it
    files |= {pages: "all pages, to open without a network"}
    sums = downloads / "SHA256SUMS"
    sums.write_text("".join(
        f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.name}\n" for file in files
    ), encoding="utf-8")  # fmt: skip
    offer(site, files | {sums: "their checksums"})
    return [*files, sums]


def notebooks(target):
    """Write the chapters as notebooks into a folder, and say there what they are."""
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(HTML / "notebooks", target)
    where = publication.site() or publication.repository()
    (target / "README.md").write_text(
        "The chapters of *The Jacobian, by hand* as notebooks that run anywhere. They are written "
        f"by `make release`{f' from {where}' if where else ''}: nothing is edited here.\n",
        encoding="utf-8",
    )


def commit(folder, root, branch=publication.NOTEBOOKS):
    """Make a folder the one commit of a branch, whatever is checked out; False without git."""
    if repository.git(root, "rev-parse", "--git-dir") is None:
        return False
    with tempfile.TemporaryDirectory() as scratch:
        ours = {k: v for k, v in os.environ.items() if k not in repository.ELSEWHERE}
        ours["GIT_INDEX_FILE"] = str(Path(scratch, "index"))

        def git(*arguments):
            command = ["git", "-c", "user.name=make release", "-c", "user.email=", *arguments]
            said = subprocess.run(
                command, cwd=root, env=ours, check=True, stdout=subprocess.PIPE, encoding="utf-8"
            )
            return said.stdout.strip()

        git(f"--work-tree={folder}", "add", "--all", "--force", ".")
        tree = git("write-tree")
        new = git("commit-tree", tree, "-m", "The chapters as notebooks, written by make release")
        git("update-ref", f"refs/heads/{branch}", new)
    return True


def main():
    with browser() as chrome:
        files = write(ROOT / "_build/site", chrome)
    for file in files:
        print(f"{file.stat().st_size / 1e6:7.2f} MB  {file.relative_to(ROOT)}")
    folder = ROOT / "_build/notebooks"
    notebooks(folder)
    print("Publish _build/site")
    if commit(folder, ROOT):
        print(f"and, for Colab: git push --force origin {publication.NOTEBOOKS}")


if __name__ == "__main__":
    main()
