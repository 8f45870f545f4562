"""The whole book as an EPUB 3, from the pages that the build has read.

python -m bookbuild.tasks.epub [file]
"""

import re
import shutil
import sys
import zipfile
from pathlib import Path

from bookbuild.paths import BUILD, ROOT
from bookbuild.tasks import build

ITEM = re.compile(r'(<item [^>]*href="(chapters/[^"]+)"[^>]*?) />')


def write(target):
    shutil.rmtree(BUILD / "epub", ignore_errors=True)
    if build.run("epub"):
        sys.exit("make: The EPUB was not written. Each WARNING or ERROR above names its chapter.")
    finish(BUILD / "epub/book.epub", target)


def finish(made, target):
    """Say in the list of contents, as the standard asks, which pages have formulas and drawings."""
    with zipfile.ZipFile(made) as book, zipfile.ZipFile(target, "w") as finished:
        for entry in book.infolist():
            content = book.read(entry)
            if entry.filename == "content.opf":

                def listed(item):
                    page = book.read(item[2]).decode()
                    kinds = {"mathml": "<math", "svg": "<svg"}
                    found = [kind for kind, mark in kinds.items() if mark in page]
                    said = f' properties="{" ".join(found)}"' if found else ""
                    return f"{item[1]}{said} />"

                content = ITEM.sub(listed, content.decode()).encode()
            plain = zipfile.ZipInfo(entry.filename)
            plain.external_attr = 0o644 << 16
            stored = entry.filename == "mimetype"
            plain.compress_type = zipfile.ZIP_STORED if stored else zipfile.ZIP_DEFLATED
            finished.writestr(plain, content)


if __name__ == "__main__":
    target = Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / "_build/book.epub")
    write(target)
    print(f"Open {target.relative_to(ROOT) if target.is_relative_to(ROOT) else target}")
