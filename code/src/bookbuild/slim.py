"""Send a page what it uses, and nothing else.

When the pages are written, their stylesheets become one, `_static/style.css`, without the rules
that match nothing in the book; the icon font keeps the icons on show; the theme's scripts lose
their chatter; and files that nothing refers to are deleted.

A rule is kept if every class, id and element it names occurs in a page or in a script that is sent
(scripts add classes). That is a plain look-up of words, and it errs on the side of keeping.
"""

import hashlib
import posixpath
import re
from functools import partial
from pathlib import Path

import tinycss2

from bookbuild import cache, fonts

# What the theme's layout asks for by itself, ahead of the stylesheets that Sphinx knows of.
FIRST = ("basic.css", "styles/pydata-sphinx-theme.css")
ICONS = "vendor/fontawesome/webfonts/fa-solid-900.woff2"

VALUE = r"\"[^\"]*\"|'[^']*'"
TAG = re.compile(rf"<([a-z](?:{VALUE}|[^'\">])*)>")
NAME = re.compile(rf"([^\s=/]+)(?:=({VALUE}))?")  # of the element or of an attribute, and its value


def slim(sheets, app, error):
    if error or not sheets:  # a build that wrote no page left everything as it was
        return
    out = Path(app.outdir)
    static = out / "_static"
    pages = sorted(out.rglob("*.html"))
    pages = [page for page in pages if static not in page.parents]
    texts = {page: page.read_text(encoding="utf-8") for page in pages}
    scripts = quieten(static, "".join(texts.values()))
    files = [static / name for name in (*FIRST, *sheets)]
    style = stylesheet(app, files, texts.values(), scripts)
    (static / "style.css").write_text(style, encoding="utf-8")
    cut_icons(app, static / ICONS, style)
    version = hashlib.sha256(style.encode()).hexdigest()[:8]
    for page, text in texts.items():
        text = re.sub(r'(_static/style\.css)(\?v=\w+)?"', rf'\1?v={version}"', text)
        text = re.sub(r"<script>.*?</script>", lambda s: hush(s[0]), text, flags=re.DOTALL)
        page.write_text(text, encoding="utf-8")
    remove_unused(static, [*texts.values(), *scripts, style])


# ------------------------------------------------------------------------------------- the scripts


def quieten(static, pages):
    """The scripts that pages ask for, without the theme's messages to the console and its maps."""
    scripts = []
    for file in sorted(static.rglob("*.js")):
        if file.relative_to(static).as_posix() in pages:
            text = hush(file.read_text(encoding="utf-8"))
            text = re.sub(r"\n//# sourceMappingURL=.*", "", text)
            file.write_text(text, encoding="utf-8")
            scripts.append(text)
    return scripts


def hush(script):
    return re.sub(r"console\.(log|debug|info)\(", "void(", script)


# ---------------------------------------------------------------------------------- the stylesheet


def stylesheet(app, files, pages, scripts):
    """One stylesheet of what Sphinx, the theme and the extensions bring, cut to what is used."""
    # The first script of every page sets the theme.
    used = {"html", "body", "root", "host", "data-theme", "light", "dark"}.union(
        *(words(page) for page in pages), *(re.findall(r"[\w-]+", script) for script in scripts)
    )
    static = Path(app.outdir) / "_static"
    texts = [(file.relative_to(static).as_posix(), file.read_text("utf-8")) for file in files]
    properties = ";".join(sorted(set(re.findall(r"[^{;\"]*--\w[^};\"]*", "".join(pages)))))
    # Another sentence on a page uses no other words of a stylesheet.
    source = texts, sorted(used), properties
    style = cache.kept(app, "style.css", source, lambda: cut(texts, used, properties).encode())
    return style.decode()


def words(page):
    """The elements, classes, ids and other attributes that occur in a page."""
    found = set()
    for tag in set(TAG.findall(page)):
        for name, value in NAME.findall(tag):
            found.add(name.lower())
            if name in ("class", "id", "type", "role") or name.startswith("data-"):
                found.update(value[1:-1].split())
    return found


def cut(texts, used, properties):
    sheets = [(parse(text), posixpath.dirname(name) or ".") for name, text in texts]
    kept = "".join(rule for rules, folder in sheets for rule in keep(rules, folder, used))
    read = variables(f"{kept};{properties}")
    kept = "".join(rule for rules, folder in sheets for rule in keep(rules, folder, used, read))
    return '@charset "utf-8";' + drop_animations(kept)


def variables(text):
    """The custom properties that something reads, directly or through another of them."""
    needs = {}
    for name, value in re.findall(r"[{;](--[\w-]+):([^;}]*)", text):
        needs.setdefault(name, set()).update(re.findall(r"var\(\s*(--[\w-]+)", value))
    read = set(re.findall(r"var\(\s*(--[\w-]+)", re.sub(r"(?<=[{;])--[\w-]+:[^;}]*", "", text)))
    while more := {name for known in read for name in needs.get(known, ())} - read:
        read |= more
    return read


def parse(css):
    return tinycss2.parse_stylesheet(css, skip_comments=True, skip_whitespace=True)


def keep(rules, folder, used, read=None):
    """The rules that can match something, each as text, and of the variables those in `read`."""
    for rule in rules:
        if rule.type == "qualified-rule":
            selectors = [s for s in split(rule.prelude) if matches(s, used)]
            if selectors:
                yield ",".join(selectors) + "{" + declarations(rule.content, folder, read) + "}"
        elif rule.type == "at-rule" and rule.content is not None:
            head = f"@{rule.at_keyword}{tinycss2.serialize(rule.prelude)}".strip()
            if rule.lower_at_keyword in ("media", "supports", "layer", "container"):
                nested = tinycss2.parse_rule_list(
                    rule.content, skip_comments=True, skip_whitespace=True
                )
                inner = "".join(keep(nested, folder, used, read))
                if inner:
                    yield f"{head}{{{inner}}}"
            elif rule.lower_at_keyword == "font-face":
                face = declarations(rule.content, folder, read)
                name = re.search(r"/(fa-[a-z]+)-\d", face)  # Font Awesome's: fa-solid, fa-brands
                if not name or name[1] in used:
                    yield f"{head}{{{face}}}"
            else:
                yield f"{head}{{{tinycss2.serialize(rule.content)}}}"


def split(prelude):
    """The selectors of a rule, one by one, as text."""
    parts = [[]]
    for token in prelude:
        if token == ",":
            parts.append([])
        elif token.type != "comment":
            parts[-1].append(token)
    return [tinycss2.serialize(part).strip() for part in parts]


def matches(selector, used):
    """Whether everything that the selector asks for occurs; what it excludes need not."""
    asked = re.sub(r":not\((?:[^()]|\([^()]*\))*\)", "", selector)
    if alternatives := re.search(r":(?:is|where)\(((?:[^()]|\([^()]*\))*)\)", asked):
        rest = asked.replace(alternatives[0], "", 1)
        inside = split(tinycss2.parse_component_value_list(alternatives[1]))
        return matches(rest, used) and any(matches(s, used) for s in inside)
    asked = re.sub(r"::?[\w-]+(\([^)]*\))?", "", asked)
    classes = re.findall(r"[.#]((?:\\.|[\w-])+)", asked)
    values = re.findall(r'=\s*"?([\w-]+)"?\s*\]', re.sub(r"[*^$|~]=[^\]]*\]", "]", asked))
    attributes = re.findall(r"\[\s*([\w-]+)", asked)
    elements = re.findall(r"(?:^|[\s>+~])([a-zA-Z][\w-]*)", re.sub(r"\[[^\]]*\]", "", asked))
    names = [*(re.sub(r"\\(.)", r"\1", c) for c in classes), *values, *attributes]
    return all(n in used for n in names) and all(e.lower() in used for e in elements)


def declarations(content, folder, read):
    """A rule's declarations in short, without variables that nobody reads."""
    kept = []
    for item in tinycss2.parse_blocks_contents(content, skip_comments=True, skip_whitespace=True):
        if item.type == "declaration":
            if read is None or not item.name.startswith("--") or item.name in read:
                important = "!important" if item.important else ""
                value = tinycss2.serialize(moved(item.value, folder)).strip()
                kept.append(f"{item.name}:{value}{important}")
        elif item.type != "error":
            raise ValueError(f"{folder}: a nested rule, which nothing here expects: {item}")
    return ";".join(kept)


def moved(tokens, folder):
    """The same tokens without comments, with addresses as seen from _static."""
    result = []
    for token in tokens:
        if token.type == "comment":
            continue
        if token.type == "url" or (token.type == "function" and token.lower_name == "url"):
            address = token.value if token.type == "url" else token.arguments[0].value
            if not address.startswith(("data:", "#", "http")):
                path, *fragment = re.split(r"(?=[?#])", address, maxsplit=1)
                path = posixpath.normpath(posixpath.join(folder, path)) + "".join(fragment)
                token = tinycss2.parse_one_component_value(f'url("{path}")')
        result.append(token)
    return result


def drop_animations(css):
    return re.sub(
        r"@(?:-webkit-)?keyframes ([\w-]+)\{(?:[^{}]*\{[^{}]*\})*\}",
        lambda match: match[0] if re.search(rf"animation[^;}}]*\b{match[1]}\b", css) else "",
        css,
    )


# --------------------------------------------------------------------------------------- the rest


def cut_icons(app, file, style):
    """The icon font with the icons that the stylesheet names: they have codes of private use."""
    fonts.cut(app, file, file, set(re.findall("[\ue000-\uf8ff]", style)))


def remove_unused(static, texts):
    """Delete what no page, script or stylesheet names."""
    named = "".join(texts)
    for file in sorted(static.rglob("*"), reverse=True):
        if file.is_file() and file.name not in named:
            file.unlink()
        elif file.is_dir() and not any(file.iterdir()):
            file.rmdir()


def setup(app):
    sheets = {}  # the names under _static, in the order in which a page would ask for them

    def note(app, pagename, templatename, context, doctree):
        names = (str(sheet.filename).partition("_static/")[2] for sheet in context["css_files"])
        sheets.update(dict.fromkeys(name.partition("?")[0] for name in names))

    app.connect("html-page-context", note, priority=999)
    app.connect("build-finished", partial(slim, sheets), priority=900)  # once every file is there
    return {"parallel_read_safe": True, "parallel_write_safe": False}
