"""The tables agree with each other: a word means one thing, and every name has what the composer draws for it."""

import itertools
from collections import Counter

import pytest

from sartor.nano.captions import LANDSCAPE_COLORS
from sartor.nano.concepts import CONCEPT_BY_NAME, CONCEPTS, Concept
from sartor.nano.scenery import GROUNDS, LIGHT_GAINS, SKIES
from sartor.nano.vocabulary import (
    BACKGROUND_COLOR_SYNONYMS,
    BACKGROUND_COLORS,
    COLOR_SYNONYMS,
    COLORS,
    LANDSCAPES,
    LIGHT_DIRECTIONS,
    LIGHTING,
    PLACES,
    SHADOWS,
    SIZES,
    STYLES,
)


def test_a_word_for_a_thing_means_one_thing() -> None:
    words = Counter(word for concept in CONCEPTS for word in {concept.name, *concept.synonyms})
    assert [word for word, count in words.items() if count > 1] == []


def test_a_plural_is_no_other_things_name() -> None:
    for concept in CONCEPTS:
        for other in CONCEPTS:
            if other is not concept:
                assert concept.plural_name not in {other.name, other.plural_name, *other.synonyms}


def test_names_and_emoji_are_unique() -> None:
    assert len(CONCEPT_BY_NAME) == len(CONCEPTS) == len({concept.emoji for concept in CONCEPTS})


@pytest.mark.parametrize("concept", CONCEPTS, ids=lambda concept: concept.name)
def test_concept(concept: Concept) -> None:
    assert concept.faces in {"", "left"}, "the composer mirrors from the left"
    words = (concept.name, *concept.synonyms, concept.plural_name)
    assert all(word == word.lower().strip() and word for word in words)
    assert concept.name not in concept.synonyms


@pytest.mark.parametrize(
    ("name", "plural"),
    [("apple", "apples"), ("strawberry", "strawberries"), ("mouse", "mice"), ("fox", "foxes"), ("bus", "buses")],
)
def test_plurals(name: str, plural: str) -> None:
    assert CONCEPT_BY_NAME[name].plural_name == plural


def test_color_synonyms_name_colors_and_shadow_none() -> None:
    assert set(COLOR_SYNONYMS.values()) <= set(COLORS)
    assert set(BACKGROUND_COLOR_SYNONYMS.values()) <= set(BACKGROUND_COLORS)
    assert not set(COLOR_SYNONYMS) & set(COLORS)
    assert not set(BACKGROUND_COLOR_SYNONYMS) & set(BACKGROUND_COLORS)


def test_every_named_landscape_light_and_shadow_can_be_drawn() -> None:
    assert set(LANDSCAPES) == set(SKIES) == set(LANDSCAPE_COLORS)
    assert set(GROUNDS) == set(LANDSCAPES) - {"night"}
    assert set(LIGHTING) == set(LIGHT_GAINS)
    assert set(SHADOWS) == set(LIGHT_DIRECTIONS)


def test_sizes_do_not_overlap_and_places_fill_a_grid() -> None:
    ranges = [SIZES[name] for name in ("small", "medium", "large")]
    assert all(low < high for low, high in ranges)
    assert all(first[1] < second[0] for first, second in itertools.pairwise(ranges))
    assert len({(place.x, place.y) for place in PLACES.values()}) == 9


def test_styles_read_differently() -> None:
    assert len({style.style_medium for style in STYLES}) == len(STYLES)
    words = [word for style in STYLES for word in style.synonyms]
    assert len(words) == len(set(words))
