"""What is given to a thing, and what makes another thing of it."""

import pytest

from sartor.bridge import OfflineBridge
from sartor.vgl import StructuredPrompt, diff, parse
from tests.bridge.scenes import changes

SAILOR = parse(
    {
        "objects": [
            {
                "description": "old sailor",
                "appearance_details": "long white beard, blue eyes",
                "pose": "sitting",
                "expression": "grim",
                "clothing": "navy coat, white cap and black boots",
                "action": "smoking",
            }
        ]
    }
)
CLOTHING, LOOKS = "objects[0].clothing", "objects[0].appearance_details"
WORN = "navy coat, white cap and black boots"


@pytest.fixture(scope="module")
def penguin(bridge: OfflineBridge) -> StructuredPrompt:
    return bridge.translate("a penguin on the left").structured_prompt


def _changes(bridge: OfflineBridge, prompt: StructuredPrompt, instruction: str) -> dict[str, object]:
    refined = bridge.refine(prompt, instruction).structured_prompt
    return {change.path: change.after for change in diff(prompt, refined)}


@pytest.mark.parametrize(
    ("instruction", "path", "value"),
    [
        ("give it a hat", CLOTHING, "a hat"),
        ("give the penguin a hat", CLOTHING, "a hat"),
        ("give it a red scarf", CLOTHING, "a red scarf"),
        ("give him boots", CLOTHING, "boots"),
        ("give a hat to the penguin", CLOTHING, "a hat"),
        ("give a hat to it", CLOTHING, "a hat"),
        ("put a hat on it", CLOTHING, "a hat"),
        ("put a red hat on the penguin", CLOTHING, "a red hat"),
        ("put it in a coat", CLOTHING, "a coat"),
        ("dress it in a suit", CLOTHING, "a suit"),
        ("with a hat", CLOTHING, "a hat"),
        ("give it a smile", "objects[0].expression", "a smile"),
        ("give it wings", LOOKS, "with wings"),
        ("rotate the penguin 90 degrees", "objects[0].orientation", "tilted to the left"),
        ("rotate it by 90 degrees clockwise", "objects[0].orientation", "tilted to the right"),
        ("turn it 180 degrees", "objects[0].orientation", "upside down"),
        ("move it 20 pixels to the right", "objects[0].location", "center right"),
    ],
)
def test_the_thing_stays_what_it_is(
    bridge: OfflineBridge, penguin: StructuredPrompt, instruction: str, path: str, value: str
) -> None:
    changes = _changes(bridge, penguin, instruction)
    assert changes[path] == value
    assert set(changes) <= {path, "short_description", "aesthetics.composition"}


@pytest.mark.parametrize("how", ["50 %", "20 percent", "3 times"])
def test_how_much_is_no_thing(bridge: OfflineBridge, how: str) -> None:
    prompt = bridge.translate("a small penguin").structured_prompt
    assert set(_changes(bridge, prompt, f"make it {how} bigger")) == {"objects[0].relative_size"}


@pytest.mark.parametrize(
    ("instruction", "clothing"),
    [("give him a hat", f"{WORN}, a hat"), ("give the sailor a red scarf", f"{WORN}, a red scarf")],
)
def test_all_else_that_is_said_of_it_stays(bridge: OfflineBridge, instruction: str, clothing: str) -> None:
    assert _changes(bridge, SAILOR, instruction) == {CLOTHING: clothing}


@pytest.mark.parametrize(
    "instruction", ["make it a dog", "turn it into a dog", "change the penguin to a dog", "replace it with a dog",
                    "make the penguin a dog", "convert it into a dog", "let it become a dog", "render it as a dog"]
)  # fmt: skip
def test_these_make_another_thing_of_it(bridge: OfflineBridge, penguin: StructuredPrompt, instruction: str) -> None:
    assert _changes(bridge, penguin, instruction)["objects[0].description"] == "dog"


def test_a_thing_that_is_given_stands_beside(bridge: OfflineBridge, penguin: StructuredPrompt) -> None:
    objects = bridge.refine(penguin, "give it a balloon").structured_prompt.objects
    assert [entry.description for entry in objects] == ["penguin", "balloon"]


@pytest.mark.parametrize(
    ("instruction", "path", "value"),
    [
        ("make his coat red", CLOTHING, "red coat, white cap and black boots"),
        ("make the sailor's coat red", CLOTHING, "red coat, white cap and black boots"),
        ("the coat should be red", CLOTHING, "red coat, white cap and black boots"),
        ("change the color of his coat to green", CLOTHING, "green coat, white cap and black boots"),
        ("paint the boots red and white", CLOTHING, "navy coat, white cap and red and white boots"),
        ("make the beard longer", LOOKS, "longer white beard, blue eyes"),
        ("make his beard shorter", LOOKS, "shorter white beard, blue eyes"),
        ("make his eyes green", LOOKS, "long white beard, green eyes"),
        ("remove his coat", CLOTHING, "white cap and black boots"),
        ("no cap", CLOTHING, "navy coat, black boots"),
        ("remove the boots from the sailor", CLOTHING, "navy coat, white cap"),
        ("replace his coat with a yellow raincoat", CLOTHING, "a yellow raincoat, white cap and black boots"),
        ("make the coat a red jacket", CLOTHING, "a red jacket, white cap and black boots"),
        ("make the coat a jacket and red", CLOTHING, "a jacket, white cap and black boots"),
        ("give him a raincoat", CLOTHING, "navy coat, white cap and black boots, a raincoat"),
        ("put a raincoat on the sailor", CLOTHING, "navy coat, white cap and black boots, a raincoat"),
        ("make him in a swimsuit", CLOTHING, "navy coat, white cap and black boots, a swimsuit"),
        ("make his nose bigger", "context", "make his nose bigger"),
        ("make the sailor's hair grey", "context", "make the sailor's hair grey"),
        ("trim the beard", "context", "trim the beard"),
    ],
)
def test_what_it_wears_and_looks_like_is_edited(bridge: OfflineBridge, instruction: str, path: str, value: str) -> None:
    assert _changes(bridge, SAILOR, instruction) == {path: value}


@pytest.mark.parametrize("instruction", ["replace his coat with a dog", "turn his coat into a dog, red"])
def test_a_garment_that_becomes_what_is_there_already(bridge: OfflineBridge, instruction: str) -> None:
    prompt = parse({"objects": [{"description": "old sailor", "clothing": "navy coat"}, {"description": "dog"}]})
    objects = bridge.refine(prompt, instruction).structured_prompt.objects
    assert objects[0].description == "old sailor"
    assert len(objects) == 2


def test_what_was_all_of_a_field_goes_with_it(bridge: OfflineBridge) -> None:
    prompt = parse({"objects": [{"description": "old sailor", "clothing": "navy coat"}]})
    assert _changes(bridge, prompt, "remove his coat") == {CLOTHING: None}
    assert _changes(bridge, prompt, "remove the hat from the sailor") == {}


def test_a_scarf_is_a_noun(bridge: OfflineBridge) -> None:
    prompt = bridge.translate("a penguin with a red scarf").structured_prompt
    assert changes(bridge, prompt, "make the scarf blue") == {"objects[0].clothing": "a blue scarf"}
