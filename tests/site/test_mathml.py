"""What a formula becomes: for every engine, for a speech engine, for whoever copies it."""

import re
import subprocess
import xml.etree.ElementTree as ElementTree

import pytest
import speech
from labels import CHAPTERS

from bookbuild.ext import mathml
from bookbuild.paths import HTML

MATH = re.compile(r"<math.*?</math>", re.DOTALL)
# How many children each must have; a browser draws none of one that has another number.
CHILDREN = {"mfrac": 2, "msub": 2, "msup": 2, "mover": 2, "munder": 2, "mroot": 2, "msubsup": 3,
            "munderover": 3, "semantics": 2}  # fmt: skip


def one(tex, display=False):
    (found,) = mathml.convert(tex, display)
    return found


def every():
    """Every formula of every built page, as a tree without its namespace."""
    for chapter in CHAPTERS:
        page = (HTML / f"chapters/{chapter.stem}.html").read_text(encoding="utf-8")
        for text in MATH.findall(page):
            yield ElementTree.fromstring(re.sub(' xmlns="[^"]*"', "", text))


def test_every_formula_is_well_formed_and_carries_its_tex_and_its_namespace():
    for chapter in CHAPTERS:
        for text in MATH.findall((HTML / f"chapters/{chapter.stem}.html").read_text("utf-8")):
            opening = text.partition(">")[0]
            assert f'xmlns="{mathml.NAMESPACE}"' in opening and 'translate="no"' in opening
    for formula in every():
        for node in formula.iter():
            assert len(node) == CHILDREN.get(node.tag, len(node)), ElementTree.tostring(node)
        (note,) = formula.iter("annotation")
        assert note.get("encoding") == "application/x-tex" and note.text.strip()


def test_no_formula_has_what_an_engine_draws_wrong_or_a_voice_reads_wrong():
    for formula in every():
        shown = "".join(node.text or "" for node in formula.iter() if node.tag != "annotation")
        assert not re.search("[\N{VARIATION SELECTOR-1}⊤∗\N{COMBINING LOW LINE}]", shown), shown
        for over in formula.iter("mover"):
            if over.get("accent"):
                assert over[1].get("stretchy") == "true" and over[1].text in "^˜‾", shown
        for node in formula.iter("mo"):
            assert not (node.get("minsize") and node.text in "|‖"), shown
            if node.text == "∑":
                assert (node.get("lspace"), node.get("rspace")) == ("0", "0"), shown


@pytest.mark.parametrize(
    ("tex", "holds"),
    [
        (r"\hat w", '<mo stretchy="true">^</mo>'),
        (r"\overline\phi_k", '<msub><mover accent="true"><mi>ϕ</mi><mo stretchy="true">‾</mo>'),
        (r"A^+", '<mo lspace="0" rspace="0">+</mo>'),
        (r"x'_n", '<msub><mrow><mi>x</mi><mo lspace="0" rspace="0" class="mark">′</mo></mrow>'),
        (r"w^*_0(W)", '</msub><mo>\N{FUNCTION APPLICATION}</mo><mo stretchy="false">(</mo>'),
        (r"f'(x)", '</mrow><mo>\N{FUNCTION APPLICATION}</mo><mo stretchy="false">(</mo>'),
        (r"X_q^\top", "<mtext>T</mtext></msubsup>"),
        (r"f^{(5)}", "<mtext>5</mtext>"),
        (r"Q(h/2)", "<mi>ℎ</mi>"),
        (r"G_k z_k", "<msub><mi>𝐺</mi>"),
        (r"\Delta", "<mi>𝛥</mi>"),
        (r"J_f(x)", f"</msub><mo>{mathml.APPLY}</mo>"),
        (r"1,\dots,K", "<mo>,</mo><mo>…</mo><mo>,</mo>"),
        (r"\begin{cases}1\end{cases}", "</mtable></mrow>"),
        (r"a\otimes b", 'largeop="false">⊗</mo>'),
        (r"\mathcal L", "<mi>ℒ</mi>"),
        (r"\tfrac12", '<mn style="font-size:.7em">1</mn><mn style="font-size:.7em">2</mn>'),
        (
            r"\Bigl\lvert\frac fg\Bigr\rvert^2",
            '<msup><mrow><mo stretchy="true" form="prefix" symmetric="true">|</mo><mfrac>',
        ),
        (r"a\lVert r\rVert^2+b", '<mi>r</mi></mrow><msup><mo stretchy="false" form="postfix">‖'),
    ],
)
def test_what_is_mended(tex, holds):
    assert holds in one(tex)


def test_air_stands_around_a_large_operator():
    row = ElementTree.fromstring(one(r"2\sum_{n=1}^N r_n", True))[0][0]
    assert [node.tag.partition("}")[2] for node in row] == [
        "mn", "mspace", "munderover", "mspace", "msub",
    ]  # fmt: skip


def test_fractions_in_scripts_and_in_displays_keep_the_size_that_all_engines_give_them():
    assert "font-size" not in one(r"a^{\frac12}")
    assert "font-size" not in one(r"\frac ab", True)
    assert one(r"\frac{\frac ab}c", True).count("font-size") == 2


@pytest.mark.parametrize(
    ("tex", "parts"),
    [
        (r"a=1, \qquad b=2", ["a=1, ", " b=2"]),
        (r"a \qquad\text{or}\qquad b", ["a ", r"\text{or}\qquad b"]),
        (r"\begin{aligned} a & \qquad b\end{aligned}", None),
        (r"\text{a \qquad b}", None),
        (r"\left(a\qquad b\right)", None),
    ],
)
def test_a_display_is_cut_where_it_may_stand_on_two_lines(tex, parts):
    assert mathml.parts(tex) == (parts or [tex])


# ---------------------------------------------------------------------------------- read aloud

MISREAD = [
    "down tack", "metric", "asterisk power", "overscript", "period period", "prime times", "With ˆ",
    "period comma", "h of slash", "f of slash", "triangle", "G sub n k of", "h of V",
]  # fmt: skip


@pytest.fixture(scope="module")
def voice():
    try:
        speech.speak([])  # the engine is fetched the first time
    except subprocess.CalledProcessError:
        pytest.skip("the speech engine cannot be fetched here")
    return speech.speak


@pytest.mark.parametrize("domain", ["clearspeak", "mathspeak"])
def test_no_formula_is_read_as_something_else(voice, domain):
    found = dict.fromkeys(
        text
        for chapter in CHAPTERS
        for text in MATH.findall((HTML / f"chapters/{chapter.stem}.html").read_text("utf-8"))
    )
    for formula, said in zip(found, voice(found, domain), strict=True):
        assert said.isascii(), (said, formula)  # what it has no word for stands as it is
        assert not any(words in said for words in MISREAD), (said, formula)


def test_each_misreading_is_found_in_a_formula_that_is_not_mended(voice):
    plain = [
        mathml.to_mathml.convert_with_local_state(tex, displaystyle=False)
        for tex in (r"X^\top", r"\lVert r\rVert", "w^*(W)", r"\hat y", r"\mathcal L", r"1,\dots,K",
                    "Q(h/2)", r"\Delta", r"G_{nk}z_k", "hV")
    ]  # fmt: skip
    said = voice([text.replace("&ApplyFunction;", mathml.APPLY) for text in plain])
    for words in said:
        assert not words.isascii() or any(each in words for each in MISREAD), words


def test_the_speech_of_the_displays_that_somebody_has_read_is_that_of_the_pages(voice):
    assert speech.SPOKEN.read_text("utf-8") == speech.write_down(), "read what make speech writes"
