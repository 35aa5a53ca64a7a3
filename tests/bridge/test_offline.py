import json
import logging
import random
import threading

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sartor.bridge import OfflineBridge, UnusablePrompt
from sartor.nano.captions import Background, Scene, Thing, describe
from sartor.nano.concepts import CONCEPTS
from sartor.nano.vocabulary import BACKGROUND_COLORS, COLORS, LANDSCAPES, ORIENTATIONS, PLACES, STYLES
from sartor.vgl import canonical, parse, parse_visual_schema, plain


def objects(bridge: OfflineBridge, prompt: str) -> list[dict]:
    return plain(bridge.translate(prompt).structured_prompt).get("objects", [])


def test_the_wording_is_the_captions_wording(bridge):
    scene = Scene(
        [Thing("cat", "center left", "medium", colors=("orange",), recolored=True),
         Thing("tree", "center right", "medium", colors=("green",), recolored=True)],
        "flat", Background("plain", ("yellow",)), "warm", "soft",
    )  # fmt: skip
    prompt = (
        "an orange cat on the left and a green tree on the right, yellow background, warm light, soft shadow, flat icon"
    )
    assert bridge.translate(prompt).structured_prompt == parse(describe(scene))
    assert bridge.translate(prompt).notes == ()


def test_a_cluster_is_worded_as_training_worded_it(bridge):
    scene = Scene([Thing("apple", "center", "small", colors=("red",), recolored=True, count=3)], "soft3d")
    assert bridge.translate("a 3D render of three red apples").structured_prompt == parse(describe(scene))


def test_every_concept_colour_place_and_orientation_reaches_its_field(bridge):
    draw = random.Random(7)
    for concept in CONCEPTS:
        color, place = draw.choice(list(COLORS)), draw.choice(list(PLACES))
        turned = draw.choice(list(ORIENTATIONS))
        (entry,) = objects(bridge, f"a {turned} {color} {concept.name} in the {place}")
        assert entry["description"] == f"{color} {concept.name}"
        assert (entry["shape_and_color"], entry["location"], entry["orientation"]) == (color, place, turned)


def test_every_background_and_style_reaches_its_field(bridge):
    for color in BACKGROUND_COLORS:
        vgl = bridge.translate(f"a cat on a {color} background").structured_prompt
        assert vgl.background_setting == f"plain {color} background"
    for phrase in LANDSCAPES.values():
        assert bridge.translate(f"a cat, {phrase}").structured_prompt.background_setting
    for style in STYLES:
        vgl = bridge.translate(f"a cat, {style.style_medium}").structured_prompt
        assert (vgl.style_medium, vgl.artistic_style) == (style.style_medium, style.artistic_style)


PAIR = [("cat", "center left", "medium"), ("dog", "center right", "medium")]


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        ("a cat", [("cat", "center", "large")]),
        ("lion", [("lion", "center", "large")]),
        ("A RED CAR", [("red car", "center", "large")]),
        ("🚀 on the left", [("rocket", "center left", "medium")]),
        (
            "on the left, a cat; on the right, a dog",
            [("cat", "center left", "medium"), ("dog", "center right", "medium")],
        ),
        (
            "a cat on the left and a dog on the right",
            [("cat", "center left", "medium"), ("dog", "center right", "medium")],
        ),
        ("next to the house is a tree", [("house", "center left", "medium"), ("tree", "center right", "medium")]),
        ("a table with a cat under it", [("table", "top center", "medium"), ("cat", "bottom center", "medium")]),
        ("a tiny bee above a sunflower", [("bee", "top center", "small"), ("sunflower", "bottom center", "medium")]),
        ("below the moon, an owl", [("moon", "top center", "medium"), ("owl", "bottom center", "medium")]),
        ("an orange orange", [("orange orange", "center", "large")]),
        ("a pirate ship at sea", [("pirate ship", "center", "large")]),
        ("a teddy bear", [("teddy bear", "center", "large")]),
        ("a dragon", [("dragon", "center", "large")]),
        ("two dragons", [("dragons", "center", "medium")]),
        ("no people, a house", [("house", "center", "large")]),
        ("a bowl of fruit", [("bowl of fruit", "center", "large")]),
    ],
)
def test_what_stands_where(bridge, prompt: str, expected: list[tuple[str, str, str]]):
    found = [(entry["description"], entry["location"], entry["relative_size"]) for entry in objects(bridge, prompt)]
    assert found == expected


@pytest.mark.parametrize(
    ("prompt", "fields"),
    [
        ("a red and white umbrella", {"shape_and_color": "red and white", "description": "red umbrella"}),
        ("a tilted orange die", {"shape_and_color": "orange", "orientation": "tilted to the left"}),
        ("a robot that is blue", {"shape_and_color": "blue", "description": "blue robot"}),
        ("an elephant facing right", {"orientation": "facing right"}),
        ("a cat facing left", {"orientation": "facing left"}),
        ("a car upside down", {"orientation": "upside down"}),
        ("seven stars", {"number_of_objects": 7, "description": "stars"}),
        ("a couple of owls", {"number_of_objects": 2}),
        ("mushrooms", {"number_of_objects": 3, "description": "mushrooms"}),
        ("a panda sitting", {"pose": "sitting"}),
        ("a fox wearing a blue scarf", {"clothing": "a blue scarf"}),
        ("a dog eating a bone", {"action": "eating a bone"}),
        ("a cake with sprinkles", {"appearance_details": "with sprinkles"}),
        ("a happy dog", {"description": "happy dog"}),
        ("A fox. It is sleeping. The fox is orange.", {"description": "orange fox", "action": "sleeping"}),
        ("a kitten", {"description": "kitten"}),
        ("three kittens", {"description": "cats", "number_of_objects": 3}),
    ],
)
def test_the_fields_of_one_thing(bridge, prompt: str, fields: dict):
    (entry,) = objects(bridge, prompt)
    assert {name: entry.get(name) for name in fields} == fields


def test_a_long_rambling_sentence(bridge):
    prompt = (
        "I would really love to see a cheerful yellow rocket flying towards the top right corner of the picture, while "
        "below it a sleepy panda sits on green grass; soft light please, and all of it as a 3D render "
        "with a mysterious mood"
    )
    vgl = bridge.translate(prompt).structured_prompt
    rocket, panda = vgl.objects
    assert (rocket.description, rocket.location, rocket.shape_and_color) == (
        "yellow cheerful rocket",
        "top right",
        "yellow",
    )
    assert (rocket.action, rocket.relationship) == ("flying", "above the panda")
    assert (panda.description, panda.pose, panda.relationship) == ("sleepy panda", "sitting", "below the rocket")
    assert vgl.background_setting == "green meadow under a blue sky"
    assert vgl.lighting.shadows == "soft shadow below"
    assert (vgl.style_medium, vgl.aesthetics.mood_atmosphere) == ("3D render", "mysterious")


def test_one_background_and_the_hour_as_light(bridge):
    answer = bridge.translate("a fox in the snow at night")
    assert answer.structured_prompt.background_setting == "snowy field under a pale sky"
    assert answer.structured_prompt.lighting.conditions == "dim light"
    assert any("night" in note for note in answer.notes)


def test_text_and_camera(bridge):
    vgl = bridge.translate('a sign that says "OPEN", low angle, blurred background').structured_prompt
    assert [text.text for text in vgl.text_render] == ["OPEN"]
    assert vgl.photographic_characteristics.camera_angle == "low angle"
    assert vgl.photographic_characteristics.depth_of_field == "blurred background"


def test_what_is_not_known_goes_in_words_and_into_the_notes_and_the_log(bridge, caplog):
    with caplog.at_level(logging.DEBUG, logger="sartor.bridge"):
        answer = bridge.translate("a glittering dragon in a dark forest, neon lighting, oil painting, 4k")
    vgl = answer.structured_prompt
    assert vgl.objects[0].description == "glittering dragon"
    assert (vgl.background_setting, vgl.style_medium) == ("dark forest", "oil painting")
    for words in ("glittering dragon", "dark forest", "oil painting"):
        assert any(words in note for note in answer.notes)
        assert words in caplog.text


def test_another_language_becomes_the_description(bridge):
    (entry,) = objects(bridge, "Ein Hund")
    assert entry["description"] == "Ein Hund"
    assert objects(bridge, "日本語のプロンプト")[0]["description"] == "日本語のプロンプト"


SCHEMA = parse_visual_schema(
    {
        "objects": [{"texture": "felt"}],
        "background_setting": "plain cream background",
        "lighting": {"conditions": "bright even light"},
        "aesthetics": {"color_scheme": "pastel colors"},
        "style_medium": "felt craft",
    }
)


def test_the_schema_decides_the_look_and_the_words_the_content(bridge):
    answer = bridge.translate("a red apple, 3D render, dim light", visual_schema=SCHEMA)
    vgl = answer.structured_prompt
    assert (vgl.style_medium, vgl.lighting.conditions) == ("felt craft", "bright even light")
    assert vgl.aesthetics.color_scheme == "pastel colors"
    assert vgl.objects[0].description == "red apple"
    assert vgl.objects[0].texture == "felt"
    assert [note for note in answer.notes if "visual schema" in note] == [
        'the visual schema decides style_medium: "felt craft", not "3D render"',
        'the visual schema decides lighting.conditions: "bright even light", not "dim light"',
    ]


def test_a_brands_captions_and_its_prompts_read_alike(bridge):
    """What a brand is trained on, and what the bridge then asks it for, are the same text."""
    look = {
        "background_setting": "plain cream background",
        "lighting": {"conditions": "bright even light", "direction": "from the front", "shadows": "no shadow"},
        "aesthetics": {"color_scheme": "navy ink on cream paper"},
        "style_medium": "linocut ink print",
        "artistic_style": "bold lines",
    }
    caption = describe(Scene([Thing("fox")], None, Background("plain", ("cream",))))
    caption["aesthetics"]["color_scheme"] = look["aesthetics"]["color_scheme"]
    caption |= {"style_medium": look["style_medium"], "artistic_style": look["artistic_style"]}
    answer = bridge.translate("a fox", visual_schema=parse_visual_schema(look))
    assert canonical(answer.structured_prompt) == json.dumps(caption, separators=(",", ":"))


def test_the_schemas_background_only_where_the_words_name_none(bridge):
    assert bridge.translate("a cat", visual_schema=SCHEMA).structured_prompt.short_description == (
        "A cat on a plain cream background"
    )
    assert bridge.translate("a cat at night", visual_schema=SCHEMA).structured_prompt.background_setting == (
        "dark night sky with stars"
    )


@pytest.mark.parametrize("prompt", ["", "   ", "x" * 9_000])
def test_unusable_prompts(bridge, prompt: str):
    with pytest.raises(UnusablePrompt):
        bridge.translate(prompt)
    with pytest.raises(UnusablePrompt):
        bridge.refine(parse({}), prompt)


_WORDS = st.sampled_from(
    [
        "a",
        "an",
        "the",
        "red",
        "blue",
        "cat",
        "dog",
        "dragon",
        "two",
        "seven",
        "left",
        "right",
        "on",
        "under",
        "next",
        "to",
        "of",
        "with",
        "and",
        ",",
        ".",
        ";",
        "is",
        "make",
        "add",
        "remove",
        "bigger",
        "background",
        "light",
        "shadow",
        "snow",
        "night",
        "it",
        "them",
        "no",
        "not",
        "upside",
        "down",
        "facing",
        "in",
        "style",
        "flat",
        "icon",
        "corner",
        "wearing",
        '"hi"',
        "'s",
        "n't",
        "orange",
        "very",
        "table",
        "3d",
        "#",
        "🍎",
        "–",
        "!",
        "replace",
        "move",
    ]
)


@settings(
    max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(words=st.lists(_WORDS, min_size=1, max_size=14))
def test_no_salad_of_words_breaks_it_and_the_answer_is_always_the_same(bridge, words: list[str]):
    prompt = " ".join(words)
    first = bridge.translate(prompt)
    assert canonical(bridge.translate(prompt).structured_prompt) == canonical(first.structured_prompt)
    assert parse(canonical(first.structured_prompt)) == first.structured_prompt
    again = bridge.refine(first.structured_prompt, prompt)
    assert canonical(bridge.refine(first.structured_prompt, prompt).structured_prompt) == canonical(
        again.structured_prompt
    )


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(text=st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=60))
def test_no_text_breaks_it(bridge, text: str):
    try:
        assert bridge.translate(text).structured_prompt.short_description
    except UnusablePrompt:
        assert not text.strip() or "\x00" in text


def test_many_threads_share_one_bridge(bridge):
    prompts = ["a red apple", "two cats on a beach", "a fox in the snow at night", "an owl above a tree, flat icon"]
    alone = {prompt: canonical(bridge.translate(prompt).structured_prompt) for prompt in prompts}
    answers: list[bool] = []

    def work() -> None:
        answers.extend(canonical(bridge.translate(p).structured_prompt) == alone[p] for p in prompts * 5)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 80
    assert all(answers)


@pytest.mark.parametrize("prompt", ["cat, " * 1_500, '"a" ' * 1_500])
def test_what_no_structured_prompt_can_hold_is_refused(bridge, prompt):
    with pytest.raises(UnusablePrompt, match="more than"):
        bridge.translate(prompt)


def test_more_texts_than_a_picture_can_hold_are_not_looked_at(bridge):
    apple = parse({"objects": [{"description": "red apple"}]})
    with pytest.raises(UnusablePrompt, match="quotes more than 128 texts"):
        bridge.refine(apple, 'change "A" to "B". ' * 65)


def test_more_things_than_a_scene_can_hold_are_not_added(bridge):
    apple = parse({"objects": [{"description": "red apple"}]})
    with pytest.raises(UnusablePrompt, match="more than 128 things"):
        bridge.refine(apple, "add a cat. " * 700)


@pytest.mark.parametrize(
    ("prompt", "thing", "medium"),
    [
        ("a red line icon of a car", "red car", "line icon"),
        ("the yellow silhouette of three cats", "yellow cats", "glyph icon"),
        ("a red line icon of a green apple", "green apple", "line icon"),
        ("a black and white line drawing of a dog", "dog", "line icon"),
        ("a green emoji icon of a frog", "frog", "cartoon illustration"),
        ("a blue realistic drawing of a whale", "whale", "photograph"),
    ],
)
def test_the_color_of_a_style_of_one_color_is_the_things(
    bridge: OfflineBridge, prompt: str, thing: str, medium: str
) -> None:
    found = bridge.translate(prompt).structured_prompt
    assert [entry.description for entry in found.objects] == [thing]
    assert found.style_medium == medium
