"""The captioner that asks a language model, against a server that answers as Gemini does."""

import base64
import io
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from PIL import Image

from sartor.bridge.language_model.completion import Patience
from sartor.captioning import Captioner, CaptioningError, CaptioningUnavailable, NotDescribed, PictureRefused, Subject
from sartor.captioning.gemini import GeminiCaptioner
from sartor.vgl import parse, parse_visual_schema, plain
from tests.bridge.language_model.gemini_replies import FOX, KEY, QUICK, fox, json_after
from tests.bridge.language_model.gemini_server import (
    DENIED,
    EXPIRED_KEY,
    INTERNAL,
    INVALID_ARGUMENT,
    INVALID_KEY,
    NOT_FROM_HERE,
    OVERLOADED,
    UNKNOWN_MODEL,
    Answer,
    GeminiServer,
    blocked,
    ended,
    exhausted,
    said,
    serving,
)

# litellm silences these itself; pytest undoes it.
pytestmark = pytest.mark.filterwarnings("ignore:.*`ReadOnly` qualifier:UserWarning")

LOOK = parse_visual_schema(
    {"background_setting": "plain cream background", "style_medium": "felt craft", "grain": "fine"}
)
COMMON: dict[str, Any] = {
    "background_setting": "snowy field",
    "lighting": {"conditions": "dusk"},
    "style_medium": "photograph",
}


@pytest.fixture
def gemini() -> Iterator[GeminiServer]:
    with serving() as server:
        yield server


@pytest.fixture
def picture() -> Image.Image:
    return Image.new("RGB", (640, 480), (200, 90, 40))


def captioner_at(server: GeminiServer) -> GeminiCaptioner:
    return GeminiCaptioner(key=KEY, address=server.address, patience=QUICK)


def sent_picture(request: dict[str, Any]) -> Image.Image:
    (data,) = [part["inline_data"] for part in request["contents"][0]["parts"] if "inline_data" in part]
    return Image.open(io.BytesIO(base64.b64decode(data["data"])))


def test_a_picture_is_sent_and_described(gemini: GeminiServer, picture: Image.Image) -> None:
    captioner: Captioner = captioner_at(gemini)
    gemini.answers = [said(FOX)]
    found = captioner.caption(picture, visual_schema=None, subject=Subject(medium="photography", name='Rex", "x": "'))
    assert found.value == parse(FOX)
    (request,) = gemini.requests
    seen = sent_picture(request)
    assert seen.width * seen.height <= 262_144
    shown = seen.convert("RGB").getpixel((5, 5))
    assert isinstance(shown, tuple)
    assert max(abs(one - other) for one, other in zip(shown, (200, 90, 40), strict=True)) < 8
    assert json_after(gemini.turn(), "PROJECT") == {"kind": "other", "medium": "photography", "name": 'Rex", "x": "'}
    assert "Visual Art Director" in gemini.system()


def test_no_picture_is_logged(gemini: GeminiServer, picture: Image.Image, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, logger="sartor")
    gemini.answers = [said(FOX)]
    captioner_at(gemini).caption(picture, visual_schema=None)
    (asked,) = [record.getMessage() for record in caplog.records if record.getMessage().startswith("asked ")]
    assert "<a picture>" in asked
    assert "base64" not in asked


def test_the_schema_stands_as_it_is(gemini: GeminiServer, picture: Image.Image) -> None:
    gemini.answers = [said(FOX)]
    values = plain(captioner_at(gemini).caption(picture, visual_schema=LOOK).value)
    assert (values["style_medium"], values["grain"]) == ("felt craft", "fine")
    assert values["background_setting"] == "plain cream background"
    assert values["objects"][0]["description"] == FOX["objects"][0]["description"]


def test_a_schema_is_what_the_descriptions_share(gemini: GeminiServer, picture: Image.Image) -> None:
    second = fox(short_description="A wolf in the snow.")
    gemini.answers = [said(FOX), said(second), said(COMMON | {"short_description": "A fox.", "system": "x"})]
    found = captioner_at(gemini).visual_schema([picture, picture])
    assert plain(found.value) == COMMON
    assert len(found.notes) == 3
    described = json_after(gemini.turn(), "DESCRIPTIONS")
    assert [scene["short_description"] for scene in described] == [FOX["short_description"], "A wolf in the snow."]
    assert "inline_data" not in str(gemini.requests[-1])
    shape = gemini.requests[-1]["generationConfig"]["responseSchema"]
    assert "short_description" not in shape["properties"]
    assert "required" not in shape


def test_of_a_character_one_subject_is_kept(gemini: GeminiServer, picture: Image.Image) -> None:
    character = Subject("defined_character", "illustration", "Lora", "a fox with a purple scarf")
    gemini.answers = [said(FOX), said(COMMON | {"objects": [{"description": "Lora"}, {"description": "a tree"}]})]
    found = captioner_at(gemini).visual_schema([picture], subject=character)
    assert plain(found.value)["objects"] == [{"description": "Lora"}]
    gemini.answers = [said(FOX)]
    caption = captioner_at(gemini).caption(picture, visual_schema=found.value, subject=character)
    assert [entry["description"] for entry in plain(caption.value)["objects"]] == ["Lora", "A bare birch"]


def test_an_unusable_reply_is_asked_for_once_more(gemini: GeminiServer, picture: Image.Image) -> None:
    gemini.answers = [said("a fox, I think"), said(FOX)]
    assert captioner_at(gemini).caption(picture, visual_schema=None).value == parse(FOX)
    assert "not JSON" in gemini.turn(turn=2)


@pytest.mark.parametrize(
    "answer",
    [
        said("a fox, I think"),
        said([FOX]),
        said('{"short', finish="MAX_TOKENS"),
        ended("OTHER"),
        ended("MALFORMED_RESPONSE"),
        Answer({"candidates": [], "usageMetadata": {"promptTokenCount": 9, "totalTokenCount": 9}}),
        INVALID_ARGUMENT,
    ],
    ids=["words", "array", "cut off", "OTHER", "MALFORMED_RESPONSE", "no candidates", "400"],
)
def test_what_one_picture_does_not_get_is_not_the_services_absence(
    gemini: GeminiServer, picture: Image.Image, answer: Answer
) -> None:
    gemini.answers = [answer]
    with pytest.raises(NotDescribed):
        captioner_at(gemini).caption(picture, visual_schema=None)
    with pytest.raises(NotDescribed):
        captioner_at(gemini).visual_schema([picture])


def test_which_picture_it_was_is_said(gemini: GeminiServer, picture: Image.Image) -> None:
    for answer, error in ((ended("OTHER"), NotDescribed), (blocked("PROHIBITED_CONTENT"), PictureRefused)):
        gemini.answers = [said(FOX), said(FOX), answer]
        with pytest.raises(error) as raised:
            captioner_at(gemini).visual_schema([picture] * 5)
        assert raised.value.number == 3


def test_a_schema_that_no_reply_gives_may_be_asked_for_again(gemini: GeminiServer, picture: Image.Image) -> None:
    gemini.answers = [said(FOX), said("much in common")]
    with pytest.raises(CaptioningUnavailable, match="could not be used"):
        captioner_at(gemini).visual_schema([picture])


def test_a_schema_that_is_too_large_is_asked_for_once_more(gemini: GeminiServer, picture: Image.Image) -> None:
    much = dict.fromkeys(("background_setting", "style_medium", "artistic_style"), "x" * 1500)
    traits = {"objects": [dict.fromkeys(("texture", "pose", "clothing"), "x" * 1500)]}
    gemini.answers = [said(FOX), said(COMMON | much | traits), said(COMMON)]
    assert (
        plain(
            captioner_at(gemini)
            .visual_schema([picture], subject=Subject("defined_character", "illustration", "Lora"))
            .value
        )
        == COMMON
    )
    assert "traits" in gemini.turn(turn=2)


def test_what_is_overloaded_is_tried_again(gemini: GeminiServer, picture: Image.Image) -> None:
    gemini.answers = [OVERLOADED, INTERNAL, said(FOX)]
    assert captioner_at(gemini).caption(picture, visual_schema=None).value == parse(FOX)
    assert len(gemini.requests) == 3


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (DENIED, CaptioningUnavailable),
        (INVALID_KEY, CaptioningUnavailable),
        (EXPIRED_KEY, CaptioningUnavailable),
        (NOT_FROM_HERE, CaptioningUnavailable),
        (UNKNOWN_MODEL, CaptioningUnavailable),
        (exhausted("60s"), CaptioningUnavailable),
        (OVERLOADED, CaptioningUnavailable),
        (blocked("PROHIBITED_CONTENT"), PictureRefused),
    ],
)
def test_errors_are_this_rooms(
    gemini: GeminiServer, picture: Image.Image, answer: Any, error: type[CaptioningError]
) -> None:
    gemini.answers = [answer]
    with pytest.raises(error) as caught:
        captioner_at(gemini).caption(picture, visual_schema=None)
    assert KEY not in str(caught.value)


def test_no_key_and_no_pictures(gemini: GeminiServer) -> None:
    with pytest.raises(CaptioningUnavailable, match="needs an API key"):
        GeminiCaptioner(key="", patience=Patience())
    with pytest.raises(CaptioningError, match="there are none"):
        captioner_at(gemini).visual_schema([])
