"""A drawing of matplotlib's as an element of a page: named, short, in the colours of the page."""

import hashlib
import html
import re

# Black is the colour of the text and white that of the page, a notebook's or a book's, whichever
# there is; data colours stay.
GROUND = "var(--color-background-primary, var(--jp-layout-color0, white))"
THEMED = {
    r"(fill|stroke): #000000": r"\1: currentColor",
    r"(fill|stroke): #ffffff": rf"\1: {GROUND}",
}
SMALLEST = 0.72  # of its own width: letters of 10 points are then 9.6 pixels high


def element(svg, alt):
    """The drawing for a page: it shrinks with it until letters get too small, then it scrolls.

    Parameters
    ----------
    svg : str
        As matplotlib writes it.
    alt : str
        What there is to see, for whoever cannot.

    Returns
    -------
    str
        HTML. Ids carry a hash of the drawing, so that two on a page do not meet; a `gid` that
        starts with "part-" becomes the attribute `data-part`.
    """
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<!--.*?-->|<metadata>.*?</metadata>|<style.*?</style>", "", svg, flags=re.DOTALL)
    svg = re.sub(r">\s+<", "><", svg)
    svg = re.sub(r' (d|x|y|transform)="([^"]*)"', shorten, svg)
    svg = re.sub(r' id="part-', ' data-part="', svg)
    for pattern, colour in THEMED.items():
        svg = re.sub(pattern, colour, svg)
    key = "f" + hashlib.sha256(svg.encode()).hexdigest()[:6]
    svg = re.sub(r'(\bid="|href="#|url\(#)', rf"\g<1>{key}-", svg)
    points = re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', svg).groups()
    width, height = (round(float(size) * 4 / 3) for size in points)  # 72 points are 96 pixels
    name = html.escape(alt, quote=True)
    opening = (
        f'<div class="wide"><svg class="drawing" role="img" aria-label="{name}" '
        f'width="{width}" height="{height}" fill="currentColor" '
        f'style="min-width: {round(SMALLEST * width)}px"'
    )
    svg = re.sub(r' (width|height)="[\d.]+pt"', "", svg, count=2)
    return svg.replace("<svg", opening, 1).strip() + "</div>"


def shorten(attribute):
    """The numbers of a drawing to a hundredth of a point, which is less than a screen can show."""
    name, text = attribute.groups()
    digits = 4 if "scale" in text else 2

    def number(match):
        return f"{float(match[0]):.{digits}f}".rstrip("0").rstrip(".")

    text = re.sub(r"-?\d+\.\d+", number, text)
    text = re.sub(r"\s+", " ", text).strip()
    return f' {name}="{text}"'
