"""What is published is a list: the pages that Sphinx knows, and the files that they need.

A page that was renamed, a draft, a chapter that is not in the contents are not in it.
"""

import shutil
from pathlib import Path

from sphinx.util import logging

from bookbuild import publication
from bookbuild.paths import BUILD, CHAPTERS, ROOT

logger = logging.getLogger(__name__)
FILES = {"searchindex.js", "searchsections.js", "objects.inv", "sitemap.xml", ".nojekyll"}
FOLDERS = ("_static", "_sources", "notebooks", "wheels")
INFO = BUILD / "build_info"  # by which Sphinx sees a change of its settings; paths stand in it


def restore_build_info(app):
    if app.builder.format == "html" and INFO.is_file():
        Path(app.outdir).mkdir(parents=True, exist_ok=True)
        shutil.copy(INFO, Path(app.outdir, ".buildinfo"))


def name_unlisted(app, env, docnames):
    for file in sorted(CHAPTERS.iterdir()):
        name = file.relative_to(ROOT).with_suffix("").as_posix()
        if file.suffix in (".md", ".ipynb", ".rst") and name not in env.found_docs:
            logger.info(f"{file.relative_to(ROOT)} is not in _toc.yml, so it is not in the book")


def finish(app, error):
    if error or app.builder.format != "html":
        return
    out = Path(app.outdir)
    write_sitemap(app, out)
    (out / ".nojekyll").touch()  # or GitHub leaves out what begins with an underscore
    if (out / ".buildinfo").is_file():
        shutil.move(out / ".buildinfo", INFO)
    pages = {f"{name}.html" for name in [*app.env.found_docs, "index", "404", "search", "genindex"]}
    for file in sorted(out.rglob("*"), reverse=True):  # what is in a folder before the folder
        name = file.relative_to(out).as_posix()
        if file.is_dir():
            file.chmod(0o755) if any(file.iterdir()) else file.rmdir()
        elif name in pages | FILES or (name.startswith(FOLDERS) and wanted(app, name)):
            file.chmod(0o644)  # readable for a server, whoever built it
        else:
            file.unlink()
    remove_unnamed(out)


def wanted(app, name):
    """A chapter's source and notebook leave with it."""
    stem = name.partition("/")[2].partition(".")[0]
    if name.startswith("_sources/"):
        return stem in app.env.found_docs
    return not name.startswith("notebooks/") or f"chapters/{stem}" in app.env.found_docs


def remove_unnamed(out):
    """Of the files that the theme and the extensions bring, those that something names."""
    static = out / "_static"
    readers = [*out.rglob("*.html"), *static.rglob("*.css"), *static.rglob("*.js")]
    named = "".join(file.read_text(encoding="utf-8") for file in readers)
    for file in static.rglob("*"):
        if file.is_file() and file.name not in named:
            file.unlink()


def write_sitemap(app, out):
    """Every page for the machines that look for them, if it is known where they are."""
    (out / "sitemap.xml").unlink(missing_ok=True)
    if site := publication.site():
        entries = "".join(
            f"<url><loc>{site}/{page}.html</loc></url>\n" for page in sorted(app.env.found_docs)
        )
        (out / "sitemap.xml").write_text(
            '<?xml version="1.0" encoding="utf-8"?>\n'
            f'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n{entries}</urlset>\n',
            encoding="utf-8",
        )
