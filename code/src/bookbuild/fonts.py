"""Fonts cut down to the characters that the book uses."""

import logging

from fontTools import subset

logging.getLogger("fontTools").setLevel(logging.WARNING)  # it tells every table that it cuts


def cut(source, target, characters, features=()):
    """Write the part of a font that draws these characters, as woff2."""
    options = subset.Options(
        flavor="woff2", layout_features=list(features), hinting=False, notdef_outline=True
    )
    font = subset.load_font(str(source), options)
    font.recalcTimestamp = False  # the same pages give the same bytes
    cutter = subset.Subsetter(options)
    cutter.populate(text="".join(sorted(characters)))
    cutter.subset(font)
    target.parent.mkdir(exist_ok=True)
    subset.save_font(font, str(target), options)
