"""Fonts cut down to the characters that the book uses."""

import io
import logging

from fontTools import subset

from bookbuild import cache

logging.getLogger("fontTools").setLevel(logging.WARNING)  # it tells every table that it cuts


def cut(app, source, target, characters, features=()):
    """Write the part of a font that draws these characters, as woff2."""
    text = "".join(sorted(characters))
    made = cache.kept(app, target.name, (text, features), lambda: part(source, text, features))
    target.parent.mkdir(exist_ok=True)
    target.write_bytes(made)


def part(source, text, features):
    options = subset.Options(
        flavor="woff2", layout_features=list(features), hinting=False, notdef_outline=True
    )
    font = subset.load_font(str(source), options)
    font.recalcTimestamp = False  # the same pages give the same bytes
    cutter = subset.Subsetter(options)
    cutter.populate(text=text)
    cutter.subset(font)
    made = io.BytesIO()
    subset.save_font(font, made, options)
    return made.getvalue()
