"""Faces, gazes and poses."""

from typing import Any

import pytest

from sartor.bridge import OfflineBridge
from sartor.vgl import parse
from tests.bridge.scenes import BOAT, SAILOR, SUMMARY, changes, told

EXPRESSION, ACTION, POSE = "objects[0].expression", "objects[0].action", "objects[0].pose"


@pytest.mark.parametrize(
    ("instruction", "expression"),
    [
        ("make him smile", "smiling"),
        ("make the sailor smile", "smiling"),
        ("have him laugh", "laughing"),
        ("let the sailor frown", "frowning"),
        ("make him cry", "crying"),
        ("he should be grinning", "grinning"),
        ("make him smile at the viewer", "smiling at the viewer"),
        ("make him look happy", "happy"),
        ("have him look sad and tired", "sad and tired"),
        ("the sailor should look angry", "angry"),
        ("make him happy", "happy"),
        ("make the sailor sad", "sad"),
        ("make it look happy", "happy"),
        ("put a smile on his face", "a smile"),
        ("give him an angry expression", "an angry expression"),
        ("his expression should be angry", "angry"),
        ("change his expression to a smile", "a smile"),
        ("make his expression happier", "happier"),
    ],
)
def test_a_face(bridge: OfflineBridge, instruction: str, expression: str) -> None:
    assert changes(bridge, SAILOR, instruction) == {EXPRESSION: expression}


def test_of_a_woman_the_tagger_makes_a_cry(bridge: OfflineBridge) -> None:
    woman = parse({"objects": [{"description": "A red boat"}, {"description": "A young woman", "gender": "female"}]})
    for instruction, expression in (("make her cry", "crying"), ("make her smile", "smiling"), ("make her sad", "sad")):
        assert changes(bridge, woman, instruction) == {"objects[1].expression": expression}


@pytest.mark.parametrize(
    ("instruction", "action"),
    [
        ("the sailor should look at the viewer", "looking at the viewer"),
        ("the sailor should look at the camera", "looking at the camera"),
        ("make him look at the boat", "looking at the boat"),
        ("have him look up", "looking up"),
        ("turn him towards the camera", "facing the camera"),
        ("he should face the viewer", "facing the viewer"),
        ("look at the camera", "looking at the camera"),
        ("have the sailor wave", "waving"),
    ],
)
def test_a_gaze(bridge: OfflineBridge, instruction: str, action: str) -> None:
    assert changes(bridge, SAILOR, instruction) == {ACTION: action}


def test_a_gaze_leaves_what_he_does(bridge: OfflineBridge) -> None:
    prompt = parse({"objects": [{"description": "A sailor", "action": "mending a net, looking at the sea"}]})
    assert changes(bridge, prompt, "make him look at the viewer") == {ACTION: "mending a net, looking at the viewer"}


def test_a_pose_in_the_sentence(bridge: OfflineBridge) -> None:
    sitting = told("An old sailor").replace("stands", "sits")
    assert changes(bridge, SAILOR, "make him sit") == {POSE: "sitting", SUMMARY: sitting}


def test_a_face_in_texts(bridge: OfflineBridge) -> None:
    prompt = parse(
        {"short_description": "An angry man smiles at a dog", "objects": [{"description": "A smiling angry man",
                                                                          "gender": "male"}]}
    )  # fmt: skip
    assert changes(bridge, prompt, "make him frown") == {
        "objects[0].description": "A frowning angry man",
        EXPRESSION: "frowning",
        SUMMARY: "An angry man frowns at a dog",
    }
    assert changes(bridge, prompt, "make him look happy")[SUMMARY] == "A happy man smiles at a dog"


@pytest.mark.parametrize(
    ("instruction", "paths"),
    [
        ("make him look older", {"objects[0].description", SUMMARY}),
        ("make the boat look old", {BOAT, SUMMARY}),
        ("make it look like an oil painting", {"style_medium"}),
        ("the captain should look at the viewer", {"context"}),
    ],
)
def test_what_is_no_face(bridge: OfflineBridge, instruction: str, paths: set[str]) -> None:
    found: dict[str, Any] = changes(bridge, SAILOR, instruction)
    assert set(found) == paths
