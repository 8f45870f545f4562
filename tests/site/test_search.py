"""The book's own search, in a browser, on the built pages: it finds what people ask."""

import re
from pathlib import Path

import pytest
from visit import Visit

from bookbuild.ext import search
from bookbuild.paths import ROOT

HERE = Path(__file__).parent
LINES = (HERE / "asked.txt").read_text(encoding="utf-8").splitlines()
ASKED = [tuple(part.strip() for part in line.split("|")) for line in LINES if "|" in line]
QUESTIONS = "chapters/questions"


@pytest.fixture(scope="module")
def visit(chrome, home):
    with Visit(chrome, home + "search.html") as visit:
        yield visit


def ranked(visit, query, most=3):
    """The best hits as page#section."""
    visit.until("() => typeof Search !== 'undefined' && 'rank' in Search")  # the index has come
    hits = visit.page.evaluate("query => Search.rank(query)", query)
    return [f"{page}#{section}" for page, section, _, _ in hits[:most]]


@pytest.fixture(scope="module")
def places(chrome, home):
    """The section of each question, by the question's name, and where its arrow leads first."""
    with Visit(chrome, f"{home}{QUESTIONS}.html") as visit:
        return visit.page.evaluate(
            """() => Object.fromEntries([...document.querySelectorAll("[id^=q-]")].map(mark => {
                const section = mark.closest("section") ?? mark;
                const links = [...section.querySelectorAll("p a.reference")];
                return [mark.id.slice(2), [section.id, links.map(a => a.getAttribute("href"))]];
            }))"""
        )


def test_there_are_thirty_sentences_and_each_has_its_question(places):
    assert len(ASKED) >= 30
    assert {name for name, _ in ASKED} <= places.keys()


@pytest.mark.parametrize(("name", "sentence"), ASKED, ids=[sentence for _, sentence in ASKED])
def test_a_sentence_finds_its_section_among_the_first_three(visit, places, name, sentence):
    assert f"{QUESTIONS}#{places[name][0]}" in ranked(visit, sentence)


# Written after the page, in other words than its own: found in the question or in the section that
# it leads to.
OTHERWISE = [
    ("softmax-batch", "torch jacobian of softmax returns too many axes"),
    ("relu-at-zero", "subgradient at the kink"),
    ("bias-sum", "broadcasting in the forward pass, summing in the backward pass"),
    ("layer-norm", "mean and standard deviation are not constants"),
    ("batch-norm", "bias before batchnorm has zero gradient"),
    ("sum-or-mean", "mini-batch loss sum or average, learning rate"),
    ("cross-entropy", "log of softmax overflow"),
    ("scipy-jac", "curve_fit jac"),
    ("step", "finite difference step size"),
    ("jvp-vjp", "pushforward and pullback of a step, forwards and backwards"),
    ("memory", "jacobian too large to store"),
    ("three-derivatives", "matrix of second derivatives"),
]


@pytest.mark.parametrize(("name", "sentence"), OTHERWISE, ids=[s for _, s in OTHERWISE])
def test_other_words_for_it_lead_there_or_to_what_it_points_at(visit, places, name, sentence):
    section, links = places[name]
    answers = {f"{QUESTIONS}#{section}"}
    answers |= {"chapters/" + link.replace(".html", "") for link in links}
    assert answers & set(ranked(visit, sentence)), ranked(visit, sentence)


def test_what_is_listed_is_what_is_ranked(visit):
    name, sentence = ASKED[0]
    visit.page.goto(visit.page.url.partition("?")[0] + f"?q={sentence.replace(' ', '+')}")
    first = visit.page.locator("#search-results li a").first
    first.wait_for()
    assert first.get_attribute("href") == ranked(visit, sentence)[0].replace("#", ".html#")


def test_a_name_of_the_package_leads_to_its_entry(visit):
    visit.page.goto(visit.page.url.partition("?")[0] + "?q=check_jacobian")
    first = visit.page.locator("#search-results li a").first
    first.wait_for()
    assert first.get_attribute("href") == "chapters/interface.html#jacobians.check_jacobian"


@pytest.mark.parametrize(
    ("copied", "page"),
    [
        ("δ", "chapters/jacobian"),
        ("𝜕𝑝𝑛𝑘/𝜕𝑧𝑛𝑙 = 𝑝𝑛𝑘(𝛿𝑘𝑙 − 𝑝𝑛𝑙)", "chapters/sharing"),
        ("⊗", "chapters/jacobian"),
        ("σ", "chapters/sharing"),
        ("∇ℓ", "chapters/chain_rule"),
    ],
)
def test_letters_and_signs_copied_from_a_formula_are_found(visit, copied, page):
    assert any(hit.startswith(page) for hit in ranked(visit, copied, most=5)), copied


@pytest.mark.parametrize(
    "text",
    ["Standardise the inputs' ⊙ φ_nk", "least_squares(jac=…)", "ŷ − y ≤ 10⁻⁷", "np.einsum('nd')"],
)
def test_the_page_and_the_script_cut_a_text_alike(visit, text):
    theirs = visit.page.evaluate("text => Search.words(text)", text)
    assert theirs == search.tokens(text, lambda word: word)


def test_a_section_does_not_hold_the_text_of_its_parts():
    page = "<section id=a><h1>One<a>¶</a></h1>first<section id=b><h2>Two</h2>second</section>third"
    page += "</section>"
    (one, two) = search.Sections(page).found
    assert one[:2] == ["a", "One"] and "".join(one[2]) == "firstthird"
    assert two[:2] == ["b", "Two"] and "".join(two[2]) == "second"


def test_what_has_no_heading_belongs_to_the_section_around_it():
    page = "<section id=a><h1>One</h1><section id=proof-content>inside</section></section>"
    (one,) = search.Sections(page).found
    assert "".join(one[2]) == "inside"


def test_every_question_has_an_answer_of_few_words_a_section_and_a_cell_or_a_formula():
    text = (ROOT / f"{QUESTIONS}.md").read_text(encoding="utf-8")
    entries = re.findall(r"^\(q-(\S+)\)=\n\n### (.+)\n\n(.+)\n→ (.+)$", text, re.MULTILINE)
    assert len(entries) == text.count("(q-") >= 30
    for name, _, answer, links in entries:
        assert len(answer.split()) <= 55, name
        assert re.search(r"\[\]\(\w+\.md#[\w-]+\)", links), name
