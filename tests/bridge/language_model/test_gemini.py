"""The bridge that asks a language model, against a server that answers as Gemini does."""

import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from sartor.bridge import Bridge, BridgeUnavailable, GeminiBridge, UnusablePrompt
from sartor.vgl import canonical, diff, parse, parse_visual_schema, plain
from tests.bridge.language_model.gemini_replies import FOX, KEY, bridge_at, fox, json_after, refined
from tests.bridge.language_model.gemini_server import GeminiServer, said

# litellm silences these itself; pytest undoes it.
pytestmark = pytest.mark.filterwarnings("ignore:.*`ReadOnly` qualifier:UserWarning")

LOOK = parse_visual_schema(
    {
        "objects": [{"texture": "felt", "expression": "calm"}],
        "background_setting": "plain cream background",
        "lighting": {"conditions": "bright even light"},
        "style_medium": "felt craft",
        "grain": "fine",
    }
)


def test_it_keeps_to_the_protocol() -> None:
    bridge: Bridge = GeminiBridge(key=KEY)
    assert bridge.name == "gemini"


def test_words_become_a_scene(gemini: GeminiServer) -> None:
    gemini.answers = [said(FOX)]
    answer = bridge_at(gemini).translate("  a red fox in snow at dusk\n")
    assert answer.structured_prompt == parse(FOX)
    assert answer.notes == ()
    assert json_after(gemini.turn(), "REQUEST") == "a red fox in snow at dusk"


def test_what_is_sent_is_what_bria_vgl_sends_to_gemini(gemini: GeminiServer) -> None:
    """Pins what is taken from the package without being part of its interface."""
    gemini.answers = [said(FOX)]
    bridge_at(gemini).translate("a fox")
    (sent,) = gemini.requests
    assert set(sent) == {"contents", "system_instruction", "generationConfig"}
    config = sent["generationConfig"]
    assert config.pop("responseSchema")["properties"]["lighting"]["type"] == "OBJECT"
    assert config == {
        "temperature": 0.2,
        "top_p": 1.0,
        "max_output_tokens": 7000,
        "thinkingConfig": {"thinkingBudget": 0},
        "responseMimeType": "application/json",
    }


def test_the_look_is_applied_whatever_the_model_says(gemini: GeminiServer) -> None:
    gemini.answers = [said(FOX)]
    answer = bridge_at(gemini).translate("a fox", visual_schema=LOOK)
    scene = plain(answer.structured_prompt)
    assert (scene["style_medium"], scene["lighting"]["conditions"], scene["grain"]) == (
        "felt craft",
        "bright even light",
        "fine",
    )
    assert scene["background_setting"] == FOX["background_setting"], "the words decide the content"
    assert scene["objects"][0]["texture"] == "furry", "traits of the look fill in"
    assert scene["objects"][0]["expression"] == "calm"
    assert answer.notes == (
        'the visual schema decides lighting.conditions: "bright even light", not "dusk"',
        'the visual schema decides style_medium: "felt craft", not "photograph"',
    )
    assert canonical(LOOK) in gemini.system()


@pytest.mark.parametrize(
    ("reply", "fault"),
    [
        (said('{"short_description": "A fox", "obj', finish="MAX_TOKENS"), "cut off"),
        (said('{"short_description": "A fox", "obj'), "not JSON"),
        (said({"scene": FOX}), "keys are missing"),
        (said(fox(lighting="dusk", context=None)), "lighting, context"),
        (said("I would rather not."), "not JSON"),
    ],
    ids=["cut off", "broken", "another schema", "wrong kinds", "words"],
)
def test_an_unusable_reply_is_asked_for_once_more(gemini: GeminiServer, reply: Any, fault: str) -> None:
    gemini.answers = [reply, said(FOX)]
    assert bridge_at(gemini).translate("a fox").structured_prompt == parse(FOX)
    assert len(gemini.requests) == 2
    assert fault in gemini.turn(turn=2)
    assert gemini.turn(turn=0) == gemini.turn(index=0, turn=0)


def test_two_unusable_replies_end_it(gemini: GeminiServer) -> None:
    gemini.answers = [said({"scene": "a secret"})]
    with pytest.raises(BridgeUnavailable, match="replies could not be used") as caught:
        bridge_at(gemini).translate("a fox")
    assert len(gemini.requests) == 2
    assert "secret" not in str(caught.value)


def test_what_a_reply_smuggles_in_is_dropped(gemini: GeminiServer) -> None:
    smuggled = fox(
        system="prompts of other tenants",
        edit_instruction="do as I say",
        context="x",
        artistic_style="y" * 50_000,
        **{"objects.0.expression": {"a": {"b": "deep"}}, "objects.1.notes": "hidden"},
    )
    smuggled["aesthetics"] = FOX["aesthetics"] | {"preference_score": "very high", "tenant": 7}
    gemini.answers = [said(smuggled)]
    scene = bridge_at(gemini).translate("a fox").structured_prompt
    expected = fox(context="x")
    del expected["artistic_style"]
    assert scene == parse(expected)


def test_a_refinement_changes_what_the_words_touch(gemini: GeminiServer) -> None:
    before = parse(FOX | {"camera_body": "35mm"})
    reply = refined(
        {"lighting.conditions": "at noon", "aesthetics.mood_atmosphere": "noon", "objects[0].clothing": "a blue scarf"},
        **{
            "short_description": "A red fox with a blue scarf in fresh snow at noon.",
            "lighting.conditions": "bright noon",
            "aesthetics.mood_atmosphere": "cheerful",
            "objects.0.clothing": "a blue scarf",
            "objects.0.description": "A red fox, rephrased",
            "background_setting": "A snow-covered field, rephrased",
        },
    )
    gemini.answers = [said(reply)]
    answer = bridge_at(gemini).refine(before, "show it at noon and give the fox a blue scarf")
    assert [str(change) for change in diff(before, answer.structured_prompt)] == [
        'short_description: "A red fox in fresh snow at dusk." -> "A red fox with a blue scarf in fresh snow at noon."',
        'objects[0].clothing: null -> "a blue scarf"',
        'lighting.conditions: "dusk" -> "bright noon"',
        'aesthetics.mood_atmosphere: "serene" -> "cheerful"',
    ]
    assert set(answer.notes) == {
        'objects[0].clothing follows "a blue scarf"',
        'lighting.conditions follows "at noon"',
        'aesthetics.mood_atmosphere follows "noon"',
        "short_description says what has changed",
        "objects[0].description stays as it was: the instruction does not speak of it",
        "background_setting stays as it was: the instruction does not speak of it",
    }
    assert parse(json_after(gemini.turn(), "PICTURE")) == before


def test_a_claim_that_quotes_nothing_is_asked_for_again_and_then_ignored(gemini: GeminiServer) -> None:
    changes = {"lighting.conditions": "noon", "style_medium": "oil painting"}
    invented = refined({"lighting.conditions": "noon", "style_medium": "more artistic"}, **changes)
    gemini.answers = [said(invented)]
    answer = bridge_at(gemini).refine(parse(FOX), "noon")
    assert "changed_fields[1].words is not copied" in gemini.turn(turn=2)
    assert [change.path for change in diff(parse(FOX), answer.structured_prompt)] == ["lighting.conditions"]


def test_a_refinement_of_very_little(gemini: GeminiServer) -> None:
    before = parse({"short_description": "A fox"})
    gemini.answers = [said(refined({"lighting.conditions": "dusk"}))]
    after = bridge_at(gemini).refine(before, "at dusk").structured_prompt
    assert plain(after) == {"short_description": FOX["short_description"], "lighting": {"conditions": "dusk"}}


def test_a_refinement_fills_from_the_look_only_what_is_open(gemini: GeminiServer) -> None:
    gemini.answers = [said(refined({}))]
    answer = bridge_at(gemini).refine(parse(FOX), "leave it", visual_schema=LOOK)
    assert answer.structured_prompt.style_medium == "photograph"
    assert answer.structured_prompt.model_extra == {"grain": "fine"}
    assert answer.notes == ("nothing changed",)


def test_more_than_a_structured_prompt_holds_is_the_prompts_fault(gemini: GeminiServer) -> None:
    full = parse({"context": "x" * 65_400})
    gemini.answers = [said(refined({"background_setting": "a field"}, background_setting="z" * 400))]
    with pytest.raises(UnusablePrompt, match="more than a structured prompt can hold"):
        bridge_at(gemini).refine(full, "a field")


@pytest.mark.parametrize("prompt", ["", "   ", "x" * 9_000, "a\x00b"])
def test_unusable_prompts_are_sent_nowhere(gemini: GeminiServer, prompt: str) -> None:
    with pytest.raises(UnusablePrompt):
        bridge_at(gemini).translate(prompt)
    with pytest.raises(UnusablePrompt):
        bridge_at(gemini).refine(parse(FOX), prompt)
    assert gemini.requests == []


def test_many_threads_get_their_own_answers(gemini: GeminiServer) -> None:
    gemini.answers = [said(fox(short_description=f"Picture {number}")) for number in range(12)] + [said("never")]
    bridge, found = bridge_at(gemini), []

    def ask() -> None:
        found.append(bridge.translate("a fox").structured_prompt.short_description)

    threads = [threading.Thread(target=ask) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(map(str, found)) == sorted(f"Picture {number}" for number in range(12))


PROGRAM = """
import socket, sys
looked_up = []
find = socket.getaddrinfo
def spy(host, *rest, **named):
    looked_up.append(host)
    return find(host, *rest, **named)
socket.getaddrinfo = spy
from sartor.bridge import BridgeUnavailable
assert "litellm" not in sys.modules
from tests.bridge.language_model.gemini_replies import FOX, bridge_at
from tests.bridge.language_model.gemini_server import INVALID_KEY, said, serving
with serving() as server:
    server.answers = [said(FOX), INVALID_KEY]
    bridge = bridge_at(server, attempt=60.0, total=60.0)
    assert "litellm" not in sys.modules
    print(bridge.translate("a secret fox").structured_prompt.context)
    try:
        bridge.translate("a secret fox")
    except BridgeUnavailable as error:
        print(error)
    import litellm
    print(set(looked_up), litellm.telemetry)
"""


def test_a_process_asks_nobody_else_and_prints_nothing(tmp_path: Path) -> None:
    """Importing included: no price list, no .env file of the folder, no telemetry, no advertisement."""
    (tmp_path / ".env").write_text("SARTOR_READ_FROM_A_FILE=1\nLITELLM_LOG=DEBUG\n")
    root = Path(__file__).parents[3]
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("LITELLM_")}
    run = subprocess.run(
        [sys.executable, "-c", PROGRAM + "import os; print(os.environ.get('SARTOR_READ_FROM_A_FILE'))"],
        cwd=tmp_path,
        env=inherited | {"PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert run.stderr == ""
    assert run.stdout.splitlines() == [
        "A wildlife photograph.",
        "gemini/gemini-2.5-flash gave no structured prompt: it refuses the API key",
        "{'127.0.0.1'} False",
        "None",
    ]
