"""The whole book as one PDF: the built pages one after the other, printed by headless Chromium.

python -m bookbuild.tasks.pdf [file]
"""

import re
import sys
from pathlib import Path

import pikepdf
from bs4 import BeautifulSoup
from pikepdf import ObjectStreamMode

from bookbuild.browser import browser, serve
from bookbuild.contents import in_order
from bookbuild.paths import HTML, ROOT

FOOTER = """<div style="width: 100%; text-align: center; font: 8pt sans-serif; color: #555">
<span class="pageNumber"></span></div>"""
TEXT = re.compile(rb"BT\n(/\w+) .*?ET", re.DOTALL)  # some text, in one font
RANGE = re.compile(r"<(\w{4})> <(\w{4})> <(\w{4})>")  # glyphs and what they mean, in a row
ONE = re.compile(r"^<(\w{4})> <0020>$", re.MULTILINE)


def chapters():
    """The pages in reading order, as files beside each other."""
    return [f"{name.removeprefix('chapters/')}.html" for name in in_order()]


def joined(names):
    """One page of all chapters. What pointed at another page points into this one."""
    soups = {
        name: BeautifulSoup((HTML / "chapters" / name).read_text(encoding="utf-8"), "html.parser")
        for name in names
    }
    whole = soups[names[0]]
    sheets = {  # a page links what it needs
        sheet["href"]: sheet.extract()
        for soup in soups.values()
        for sheet in soup.select("link[rel=stylesheet]")
    }
    whole.head.extend(sheets.values())
    main = whole.select_one(".article-container")
    articles = [prefixed(soup.article, name, names) for name, soup in soups.items()]
    main.clear()
    main.extend(articles)
    for unused in whole.select("script, .headerlink"):  # on paper; and a bookmark would say it
        unused.decompose()
    return str(whole)


def prefixed(article, name, names):
    """A chapter whose ids carry its name, so that they meet no other chapter's."""
    stem = Path(name).stem
    article["id"] = stem
    del article["role"]  # a page has one main part
    article["style"] = "break-before: page" if name != names[0] else ""
    for element in article.select("[id]"):
        if element.find_parent("svg") is None:  # a drawing's ids are its own already
            element["id"] = f"{stem}--{element['id']}"
    for link in article.select("a[href]"):
        page, _, anchor = link["href"].partition("#")
        if (page or name) in names:
            target = Path(page or name).stem
            link["href"] = f"#{target}--{anchor}" if anchor else f"#{target}"
    for fold in article.select("details"):
        fold["open"] = ""
    return article


def write(target, chrome):
    whole = joined(chapters())
    with serve() as home:
        page = chrome.new_page(color_scheme="light")
        # The page of all chapters is no file: it is handed to the browser when it asks.
        address = f"{home}chapters/whole.html"
        page.route(address, lambda route: route.fulfill(body=whole, content_type="text/html"))
        page.goto(address, wait_until="networkidle")
        headings = page.locator("h1, h2, h3, h4, h5, h6").all_inner_texts()
        title = page.locator("h1").first.inner_text()
        for _ in range(3):  # seen once, on a busy machine: an outline that lacks some of them
            page.pdf(
                path=target, format="A4", outline=True, tagged=True, display_header_footer=True,
                header_template="<span></span>", footer_template=FOOTER,
                margin={"top": "18mm", "bottom": "20mm", "left": "18mm", "right": "18mm"},
            )  # fmt: skip
            if outlined(target) == len(headings):
                break
        page.close()
    finish(target, title, headings)


def entries(outline):
    """The entries of an outline, from the first page to the last."""
    for entry in outline:
        yield entry
        yield from entries(entry.children)


def outlined(target):
    """How many headings the outline names."""
    with pikepdf.open(target) as book, book.open_outline() as outline:
        return len(list(entries(outline.root)))


def finish(target, title, headings):
    """Mend the outline, in which Chromium doubles a heading or loses the space at a line's end, and
    leave out what would differ in the next print: dates, and the browser's version."""
    with pikepdf.open(target, allow_overwriting_input=True) as book:
        with book.open_outline() as outline:
            for entry, heading in zip(entries(outline.root), headings, strict=True):
                entry.title = " ".join(heading.split())
        del book.docinfo
        book.docinfo["/Title"] = title
        for page in book.pages:
            keep_blanks(page)
        book.save(target, object_stream_mode=ObjectStreamMode.generate, deterministic_id=True)


def keep_blanks(page):
    """Say that blanks in a row are text, or a reader takes them for a gap, and code that is copied
    loses its indentation. Poppler's readers and Acrobat then keep it, Chromium's and Firefox's do
    not."""
    codes = {name: blank(font) for name, font in page.Resources.get("/Font", {}).items()}

    def told(text):
        code = codes.get(text[1].decode())
        if code is None:
            return text[0]
        row = rb"<%b> Tj(?:\n[\d.]+ 0 Td <%b> Tj)+" % (code, code)

        def said(blanks):
            meant = b"0020" * blanks[0].count(b"Tj")
            return b"/Span <</ActualText <FEFF%b>>> BDC\n%b\nEMC" % (meant, blanks[0])

        return re.sub(row, said, text[0])

    page.Contents.write(TEXT.sub(told, page.Contents.read_bytes()))


def blank(font):
    """The code of the blank in a font, as a page's text writes it; None if the font has none."""
    if "/ToUnicode" not in font:
        return None
    meanings = font.ToUnicode.read_bytes().decode()
    for first, last, meaning in RANGE.findall(meanings):
        code = int(first, 16) + 0x20 - int(meaning, 16)
        if int(first, 16) <= code <= int(last, 16):
            return b"%04X" % code
    one = ONE.search(meanings)
    return one and one[1].encode()


if __name__ == "__main__":
    target = Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / "_build/book.pdf")
    with browser() as chrome:
        write(target, chrome)
    print(f"Open {target.relative_to(ROOT) if target.is_relative_to(ROOT) else target}")
