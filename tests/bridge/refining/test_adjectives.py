"""Which adjective gives way to a new one, and where the new one goes."""

from typing import Any

import pytest

from sartor.bridge import OfflineBridge
from sartor.bridge.english.scales import base
from sartor.bridge.refining.adjectives import describe, describe_noun
from tests.bridge.scenes import BOAT, SAILOR, SUMMARY, WHO, changes, told

CLOTHING = "objects[0].clothing"
FACE = "with a weathered face and a"


@pytest.mark.parametrize(
    ("instruction", "expected"),
    [
        ("make him younger", {WHO: f"A younger sailor {FACE} long white beard", SUMMARY: told("A younger sailor")}),
        ("make him older", {WHO: f"An older sailor {FACE} long white beard", SUMMARY: told("An older sailor")}),
        ("make him old", {}),
        (
            "make the sailor muscular",
            {WHO: f"A muscular old sailor {FACE} long white beard", SUMMARY: told("A muscular old sailor")},
        ),
        (
            "make the boat newer",
            {
                BOAT: "A newer red wooden rowing boat with peeling paint",
                SUMMARY: told("An old sailor").replace("a red boat", "a newer red boat"),
            },
        ),
        ("make the coat longer", {CLOTHING: "longer navy wool coat, white cap and heavy brown boots"}),
        ("make the boots shiny", {CLOTHING: "navy wool coat, white cap and shiny heavy brown boots"}),
        ("make his beard shorter and gray", {WHO: f"An old sailor {FACE} shorter gray beard"}),
    ],
)
def test_in_somebodys_words(bridge: OfflineBridge, instruction: str, expected: dict[str, Any]) -> None:
    assert changes(bridge, SAILOR, instruction) == expected


def test_in_the_captions_words(bridge: OfflineBridge) -> None:
    prompt = bridge.translate("an old dog").structured_prompt
    assert changes(bridge, prompt, "make it younger")["objects[0].description"] == "younger dog"


@pytest.mark.parametrize(
    ("phrase", "adjective", "text"),
    [
        ("An old ", "younger", "An younger "),
        ("a slightly dark ", "bright", "a bright "),
        ("navy wool ", "longer", "longer navy wool "),
        ("Weathered wooden ", "huge", "Huge weathered wooden "),
        ("", "tall", "tall "),
    ],
)
def test_a_phrase(phrase: str, adjective: str, text: str) -> None:
    assert describe(phrase, adjective) == text


@pytest.mark.parametrize(
    ("text", "noun", "adjective", "expected"),
    [
        ("An old man and a dog", "man", "younger", "A younger man and a dog"),
        ("a dog on grass", "cat", "big", "a dog on grass (big)"),
        ("The boy who ran away sees dogs", "dog", "big", "The boy who ran away sees big dogs"),
    ],
)
def test_a_noun_in_a_text(text: str, noun: str, adjective: str, expected: str) -> None:
    assert describe_noun(text, noun, adjective) == expected


@pytest.mark.parametrize(
    ("adjective", "expected"),
    [("longer", "long"), ("bigger", "big"), ("larger", "large"), ("happier", "happy"), ("red", "red"),
     ("less dark", "dark"), ("prettier", "pretty"), ("slower", "slow")],
)  # fmt: skip
def test_the_plain_form(adjective: str, expected: str) -> None:
    assert base(adjective) == expected
