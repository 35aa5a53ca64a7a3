import pytest

from sartor.bridge.english.lexicon import Lexicon, PartialPlace, plural, tokenize
from sartor.nano.concepts import CONCEPTS
from sartor.nano.vocabulary import BACKGROUND_COLORS, COLORS, PLACES, STYLES


@pytest.fixture(scope="module")
def lexicon() -> Lexicon:
    return Lexicon()


def look_up(lexicon: Lexicon, phrase: str):
    """The entry of exactly this phrase."""
    forms = [(token.lower(), token.lower()) for token, _, _ in tokenize(phrase)]
    found = lexicon.longest(forms, 0)
    return found[1] if found is not None and found[0] == len(forms) else None


def test_every_concept_is_known_by_name_plural_emoji_and_synonyms(lexicon: Lexicon):
    for concept in CONCEPTS:
        for phrase in (concept.name, concept.plural_name, concept.emoji):
            assert look_up(lexicon, phrase).value.concept is concept, phrase
        for synonym in concept.synonyms:
            if not synonym.startswith(("little ", "pair of ")):
                assert look_up(lexicon, synonym).code == "K", synonym


def test_every_colour_place_and_style_of_the_model_is_known(lexicon: Lexicon):
    concepts = {concept.name for concept in CONCEPTS}
    for color in {*COLORS, *BACKGROUND_COLORS} - concepts:
        assert look_up(lexicon, color).code == "C", color
    for place in PLACES:
        assert look_up(lexicon, place).code == "L", place
    for style in STYLES:
        assert look_up(lexicon, style.style_medium.lower()).value == style.name


def test_the_longest_phrase_wins(lexicon: Lexicon):
    forms = [(word, word) for word in ["to", "the", "left", "of", "the", "cat"]]
    assert lexicon.longest(forms, 0) == (4, look_up(lexicon, "to the left of"))
    assert look_up(lexicon, "top left").value == PartialPlace("top", "left")
    assert look_up(lexicon, "top hat").code == "K"


def test_what_is_not_known(lexicon: Lexicon):
    assert lexicon.longest([("gryphon", "gryphon")], 0) is None


PLURALS = "cat cats, fox foxes, mouse mice, berry berries, toy toys, leaf leaves, fish fish, church churches"


@pytest.mark.parametrize(("noun", "many"), [pair.split() for pair in PLURALS.split(", ")])
def test_plurals(noun: str, many: str):
    assert plural(noun) == many
    assert plural(f"sleepy {noun}") == f"sleepy {many}"


def test_tokens_and_where_they_stand():
    text = "Don’t move\nthe upside-down car’s hat!"
    assert [token for token, _, _ in tokenize(text)] == [
        "Do", "n't", "move", ".", "the", "upside", "down", "car", "'s", "hat", "!"]  # fmt: skip
    assert all(start < end <= len(text) for _, start, end in tokenize(text))
