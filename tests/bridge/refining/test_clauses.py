"""What a clause wants: "don't" asks for nothing, "no" and "without" remove."""

import pytest

from sartor.bridge import OfflineBridge
from sartor.bridge.english.grammar import analyse
from sartor.bridge.english.tagging import Tagger
from sartor.bridge.refining.clauses import clauses, said, wish
from sartor.vgl import StructuredPrompt, diff, parse


@pytest.fixture(scope="module")
def penguin(bridge: OfflineBridge) -> StructuredPrompt:
    return bridge.translate("a large penguin on the left").structured_prompt


NOTHING = """
don't move the penguin | do not remove the penguin | do not make it bigger | never change the penguin
don't make the penguin red | don't change the background | keep the background | keep the penguin | keep everything
don’t touch anything | dont move it | Do NOT move the penguin! | the penguin shouldn't move | the penguin is not blue
the penguin should not be red | make the penguin not red | don't use blue | not at night | never at night | no red
don't let the penguin fall | don't add a tree | don't add a hat to the penguin | don't put the penguin on the right
please don't make any changes to the background | without moving the penguin | leave the penguin as it is
leave the penguin alone | avoid moving the penguin | the background should stay | I don't want the penguin to be red
change nothing | make no changes | make no changes to the penguin | do nothing | nothing | keep the blue background
don't show the hat | don't include a tree | no tree | without a hat | don't use a blue background
""".replace("\n", "|").split("|")  # fmt: skip


@pytest.mark.parametrize("instruction", [text.strip() for text in NOTHING if text.strip()])
def test_nothing_changes(bridge: OfflineBridge, penguin: StructuredPrompt, instruction: str) -> None:
    answer = bridge.refine(penguin, instruction)
    assert answer.structured_prompt == penguin
    assert len(answer.notes) > 1


@pytest.mark.parametrize("instruction", ["don't change the background", "keep the background", "leave it as it is"])
def test_a_background_of_ones_own_stays(bridge: OfflineBridge, instruction: str) -> None:
    prompt = parse({"objects": [{"description": "penguin"}], "background_setting": "a quiet harbour"})
    assert bridge.refine(prompt, instruction).structured_prompt == prompt


@pytest.mark.parametrize(
    "instruction",
    [
        "no penguin", "without the penguin", "don't show the penguin", "I don't want the penguin", "don't draw it",
        "there should be no penguin", "there shouldn't be a penguin", "never show the penguin", "avoid the penguin",
        "leave out the penguin", "don't keep the penguin", "the penguin must not be shown", "do not have any penguin",
    ],
)  # fmt: skip
def test_what_must_not_be_there_is_removed(bridge: OfflineBridge, penguin: StructuredPrompt, instruction: str) -> None:
    assert bridge.refine(penguin, instruction).structured_prompt.objects is None


@pytest.mark.parametrize(
    "instruction",
    [
        "make it red but don't move it", "make it red without moving it", "make it red, not blue", "no, make it red",
        "without changing the background, make it red", "don't move the penguin, but make it red",
        "make it red not blue",
        "make the penguin red and do not touch the background", "make it red but keep the background",
        "change nothing but make it red", "keep the penguin red", "don't forget to make it red",
    ],
)  # fmt: skip
def test_the_rest_of_the_instruction_holds(bridge: OfflineBridge, penguin: StructuredPrompt, instruction: str) -> None:
    refined = bridge.refine(penguin, instruction).structured_prompt
    assert {change.path for change in diff(penguin, refined)} == {
        "short_description", "objects[0].description", "objects[0].shape_and_color"}  # fmt: skip
    assert refined.objects[0].description == "red penguin"


def test_any_is_no_negation(bridge: OfflineBridge, penguin: StructuredPrompt) -> None:
    objects = bridge.refine(penguin, "add any tree").structured_prompt.objects
    assert [entry.description for entry in objects] == ["penguin", "tree"]
    assert bridge.translate("any cat").structured_prompt.objects[0].description == "cat"


def test_where_clauses_part() -> None:
    items = analyse(Tagger().tag("make it red but don't move it, and never remove the cat. Keep it small"))
    parts = clauses(items)
    assert [said(part) for part in parts] == ["make it red", "don't move it", "never remove the cat", "keep it small"]
    assert [wish(part) for part in parts] == ["change", "stay", "stay", "change"]
