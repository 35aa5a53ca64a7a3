"""A refinement changes what the instruction speaks of, and every difference can be explained."""

import json
from typing import Any

import pytest

from sartor.bridge.language_model.asking import CHANGED
from sartor.bridge.language_model.replying import UnusableReply
from sartor.bridge.language_model.touched import Claim, keep_touched, read_claims
from sartor.vgl import StructuredPrompt, diff, parse
from tests.bridge.language_model.gemini_replies import FOX, fox

TEXT = {"type": "STRING"}


def shape(value: Any) -> dict[str, Any]:
    """The schema of replies that look like ``value``."""
    if isinstance(value, dict):
        return {"type": "OBJECT", "properties": {name: shape(entry) for name, entry in value.items()}}
    if isinstance(value, list):
        merged: dict[str, Any] = {name: entry for item in value for name, entry in item.items()}
        return {"type": "ARRAY", "items": shape(merged)}
    return TEXT


SCHEMA = shape(fox(text_render=[{"text": "", "location": ""}]))


def kept(
    after: dict[str, Any], *fields: str, before: dict[str, Any] | None = None
) -> tuple[StructuredPrompt, list[str], list[str]]:
    """What comes out with claims for ``fields``, the paths that differ from before, and the notes."""
    start = parse(FOX if before is None else before)
    refined, notes = keep_touched(start, parse(after), [Claim(field, "words") for field in fields], SCHEMA)
    return refined, [change.path for change in diff(start, refined)], notes


def test_claimed_fields_change_and_others_do_not() -> None:
    after = fox(**{"lighting.conditions": "noon", "lighting.direction": "from above", "background_setting": "A field"})
    refined, paths, notes = kept(after, "lighting.conditions")
    assert paths == ["lighting.conditions"]
    assert refined.lighting is not None
    assert (refined.lighting.conditions, refined.lighting.direction) == ("noon", "backlit")
    assert notes == [
        'lighting.conditions follows "words"',
        "background_setting stays as it was: the instruction does not speak of it",
        "lighting.direction stays as it was: the instruction does not speak of it",
    ]


def test_a_claim_covers_what_is_in_its_field() -> None:
    after = fox(**{"lighting.conditions": "noon", "lighting.direction": "from above", "lighting.shadows": None})
    assert kept(after, "lighting")[1] == ["lighting.conditions", "lighting.direction", "lighting.shadows"]
    after = fox(**{"objects.0.texture": "wet", "objects.0.pose": "sitting", "objects.1.texture": "smooth"})
    assert kept(after, "objects[0]")[1] == ["objects[0].texture", "objects[0].pose"]
    assert kept(after, "objects[1].texture")[1] == ["objects[1].texture"]
    assert kept(after, "objects")[1] == []
    assert kept(after, "light", "objects[0].text")[1] == []


def test_the_summary_follows_any_other_change_and_no_other() -> None:
    after = fox(**{"short_description": "A fox at noon.", "lighting.conditions": "noon"})
    assert kept(after, "lighting.conditions")[1] == ["short_description", "lighting.conditions"]
    assert kept(after)[1] == []
    assert kept(fox(short_description="A fox."))[1] == []
    assert kept(fox(short_description=None, context="x"), "context")[1] == ["context"]


OWL = {"description": "An owl", "location": "top left"}


@pytest.mark.parametrize("claim", ["objects", "objects[2]", "objects[2].description", "objects[0]"])
def test_an_object_is_added(claim: str) -> None:
    after = fox(objects=[OWL, *FOX["objects"]])
    assert kept(after, claim)[1] == ["objects[0]"]


@pytest.mark.parametrize("claim", ["objects[0].texture", "text_render", "context"])
def test_an_object_that_nothing_speaks_of_is_not_added(claim: str) -> None:
    assert kept(fox(objects=[*FOX["objects"], OWL]), claim)[1] == []


def test_an_object_is_removed_only_by_a_claim_of_its_own() -> None:
    after = fox(objects=FOX["objects"][:1])
    assert kept(after, "objects[1]")[1] == ["objects[1]"]
    assert kept(after, "objects[0]", "objects[1].texture")[1] == []


def test_removed_and_changed_at_once() -> None:
    birch = FOX["objects"][1] | {"texture": "smooth"}
    refined, _, _ = kept(fox(objects=[birch]), "objects[0]", "objects[1].texture")
    assert refined.objects is not None
    assert [entry.description for entry in refined.objects] == ["A bare birch"]
    assert refined.objects[0].texture == "smooth"


def test_a_section_that_was_not_there_gets_the_claimed_fields_alone() -> None:
    bare = {"short_description": "A fox", "lighting": {"conditions": "dusk"}}
    refined, paths, _ = kept(fox(), "aesthetics.mood_atmosphere", "lighting.shadows", before=bare)
    assert paths == ["short_description", "lighting.shadows", "aesthetics"]
    assert refined.aesthetics is not None
    assert json.loads(refined.aesthetics.model_dump_json(exclude_none=True)) == {"mood_atmosphere": "serene"}


def test_a_section_that_is_left_out_loses_the_claimed_fields_alone() -> None:
    assert kept(fox(lighting=None), "lighting.shadows")[1] == ["lighting.shadows"]
    assert kept(fox(lighting=None), "lighting")[1] == ["lighting"]


def test_fields_that_nobody_was_asked_about_stay() -> None:
    own = fox(camera_body="35mm rangefinder", **{"objects.0.mood": "shy"})
    own["lighting"] = FOX["lighting"] | {"temperature": 4000}
    refined, paths, _ = kept(fox(context="x"), "camera_body", "objects[0]", "lighting", "context", before=own)
    assert paths == ["context"]
    assert refined.model_extra == {"camera_body": "35mm rangefinder"}


def claims(*pairs: tuple[str, str], instruction: str, strict: bool = False) -> list[Claim]:
    values = [{"field": name, "words": words} for name, words in pairs]
    return read_claims(values, instruction, strict=strict)


@pytest.mark.parametrize(
    ("words", "instruction"),
    [
        ("at noon", "Show it at noon"),
        ("AT  noon.", "show it at\nNoon!"),
        ("show ... noon", "show it at noon"),
        ("“noon”", "noon"),
        ("真昼", "場面を真昼にして"),
        ("🍎", "🍎"),
    ],
)
def test_a_claim_quotes_the_instruction(words: str, instruction: str) -> None:
    assert claims(("lighting.conditions", words), instruction=instruction, strict=True)


@pytest.mark.parametrize("words", ["", " ", "...", "at midnight", "the user wants a nicer light"])
def test_a_claim_that_quotes_nothing_counts_for_nothing(words: str) -> None:
    given = ("lighting.conditions", words), ("context", "noon")
    assert claims(*given, instruction="show it at noon") == [Claim("context", "noon")]
    with pytest.raises(UnusableReply, match=rf"{CHANGED}\[0\].words"):
        claims(*given, instruction="show it at noon", strict=True)


@pytest.mark.parametrize("values", [None, "lighting", {"field": "lighting"}])
def test_a_reply_without_claims_is_unusable(values: Any) -> None:
    with pytest.raises(UnusableReply, match="missing"):
        read_claims(values, "noon", strict=False)
    assert read_claims([], "noon", strict=True) == []
    assert read_claims([{"field": "lighting"}, {"words": "noon"}], "noon", strict=False) == []
