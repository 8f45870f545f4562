"""The search finds sections, and it understands a question that is not in the book's own words.

Sphinx wants every word of a query on one page, and answers with pages. Here each section is a
candidate, words that it lacks cost it something and no more, and rare words count most (BM25, with
the usual constants). Sections are read from the built pages, so a Greek letter or a sign that
somebody copies from a formula is found as well. What is known of them, and the few lines that rank
them (`search.js`), lie beside Sphinx's own index, in a file that the search page loads first.
"""

import functools
import hashlib
import json
import re
import unicodedata
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path

from sphinx.search.en import SearchEnglish

from bookbuild.paths import BUILD

FILE = "searchsections.js"
COUNTED = BUILD / "sections"
SCRIPT = Path(__file__).with_name("search.js")
TITLE = 5  # a word of the title counts as often
UNSEEN = re.compile(r"<(script|style|svg|form|nav|header|footer|annotation)\b.*?</\1>", re.DOTALL)
HEADINGS = {f"h{level}" for level in range(1, 7)}
# A word, a single letter of another alphabet, or a sign. search.js has the same.
TOKEN = re.compile(r"[a-z0-9à-öø-ɏ]+|[^\W\d_]|[^\w\s!-/:-@\[-`{-~]")


class Sections(HTMLParser):
    """The sections of a page: [id, title, text], a section's text without that of its parts."""

    def __init__(self, page):
        super().__init__()
        self.found, self.open, self.heading = [], [], False
        self.feed(UNSEEN.sub(" ", page))

    def handle_starttag(self, tag, attributes):
        if tag == "section":
            self.open.append([dict(attributes).get("id", ""), "", []])
            self.found.append(self.open[-1])
        self.heading |= tag in HEADINGS

    def handle_endtag(self, tag):
        if tag == "section":
            section = self.open.pop()
            if self.open and not section[1]:  # the body of a theorem or an exercise: no heading
                self.open[-1][2].extend(section[2])
                self.found.remove(section)
        self.heading &= tag not in HEADINGS

    def handle_data(self, text):
        if self.open and self.heading:
            self.open[-1][1] += re.sub("[#¶]", "", text)  # the sign of a link to the heading
        elif self.open:
            self.open[-1][2].append(text)


def tokens(text, stem):
    """The words and signs of a text as they are looked up: plain, small, and stems."""
    text = unicodedata.normalize("NFKC", text).lower().replace("'", "").replace("’", "")
    return [stem(american(token)) for token in TOKEN.findall(text)]


def american(word):
    """Standardise is found as standardize, and the other way round. search.js has the same."""
    return re.sub(r"is(e|es|ed|ing|ation|ations)$", r"iz\1", word)


def counted(page, stem):
    """Of each section of a page: [id, title, how often each word stands in it]."""
    sections = []
    for anchor, title, texts in Sections(page).found:
        title = " ".join(title.split())
        counts = Counter(tokens(" ".join(texts), stem))
        counts.update({word: TITLE * n for word, n in Counter(tokens(title, stem)).items()})
        sections.append([anchor, title, counts])
    return sections


def remembered(name, page, stem):
    """The same, as it was at the last build if the page has not changed: to count takes seconds."""
    file = COUNTED / f"{name.replace('/', '-')}.json"
    digest = hashlib.sha256(Path(__file__).read_bytes() + page.encode()).hexdigest()
    if file.is_file():
        known = json.loads(file.read_text(encoding="utf-8"))
        if known["of"] == digest:
            return known["sections"]
    sections = counted(page, stem)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps({"of": digest, "sections": sections}), encoding="utf-8")
    return sections


def index(pages):
    """Sections and the words that they hold, for `search.js`.

    Parameters
    ----------
    pages : dict of str to str
        The HTML of each page under its name.

    Returns
    -------
    dict
        `at`: [page, id, title, length] of each section; `in`: for each word [section, how often,
        section, how often, ...].
    """
    stem = functools.cache(SearchEnglish({}).stem)
    at, where = [], {}
    for name, page in pages.items():
        top = ""
        for number, (anchor, title, counts) in enumerate(remembered(name, page, stem)):
            top = top or title
            for word, count in counts.items():
                where.setdefault(word, []).extend([len(at), count])
            shown = f"{top} > {title}" if number else title
            at.append([name, anchor, shown, sum(counts.values())])
    return {"at": at, "in": dict(sorted(where.items()))}


def write(app, error):
    """The sections and the script that ranks them, in a file of their own.

    Sphinx reads its index again when it writes some of the pages, and must find it as it was.
    """
    if error or app.builder.format != "html" or not app.builder.search:
        return
    out = Path(app.outdir)
    files = {name: out / f"{name}.html" for name in sorted(app.env.found_docs)}
    pages = {n: f.read_text(encoding="utf-8") for n, f in files.items() if f.exists()}
    known = json.dumps(index(pages), ensure_ascii=False, separators=(",", ":"))
    script = SCRIPT.read_text(encoding="utf-8")
    (out / FILE).write_text(f"Search.sections = {known};\n{script}", encoding="utf-8")
