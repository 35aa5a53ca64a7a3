import pytest

from sartor.bridge.english.lexicon import Named
from sartor.bridge.english.tagging import Item, Tagger


@pytest.fixture(scope="module")
def tagger(bridge) -> Tagger:
    return bridge._tagger


def read(tagger: Tagger, text: str) -> list[tuple[str, str]]:
    return [(item.code, item.text) for item in tagger.tag(text)]


def test_phrases_and_single_words(tagger: Tagger):
    assert read(tagger, "Three Kittens next to a gryphon") == [
        ("Q", "Three"), ("K", "Kittens"), ("R", "next to"), ("D", "a"), ("N", "gryphon")]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("an orange", "DK"),
        ("an orange car", "DCK"),
        ("make the car orange", "VDKC"),
        ("an orange and a lemon", "DKUDK"),
        ("a rose-colored fish", "DCK"),
        ("make the cat face left", "VDKF"),
        ("a cat face", "DK"),
        ("a hyper-detailed owl", "DAK"),
        ("a blue-green balloon", "DCCK"),
        ("a jack-o-lantern", "DK"),
        ("an upside-down car", "DOK"),
        ("🍎 and 🦊", "KUK"),
        ("a #00f bus", "DCK"),
        ("7 stars", "QK"),
    ],
)
def test_words_with_more_than_one_reading(tagger: Tagger, text: str, codes: str):
    assert "".join(item.code for item in tagger.tag(text)) == codes


def test_quoted_text_is_one_item(tagger: Tagger):
    quoted = tagger.tag("a sign with “OPEN now” on it")[3]
    assert quoted == Item("q", "OPEN now", "“OPEN now”")


def test_a_synonym_keeps_its_word_and_its_concept(tagger: Tagger):
    named = tagger.tag("puppies")[0].value
    assert isinstance(named, Named)
    assert (named.word, named.concept.name) == ("puppy", "dog")


def test_nothing_gives_nothing(tagger: Tagger):
    assert tagger.tag("   ") == []
