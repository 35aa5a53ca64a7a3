import random

from sartor.bridge.refining.reading import read
from sartor.nano.captions import Background, Scene, Thing, describe
from sartor.nano.concepts import CONCEPTS
from sartor.nano.vocabulary import BACKGROUND_COLORS, COLORS, ORIENTATIONS, PLACES, SIZES, STYLES


def test_what_the_captions_wrote_is_read_back_whole(bridge):
    draw = random.Random(3)
    for concept in CONCEPTS:
        count = draw.choice([1, 1, 2, 5])
        thing = Thing(
            concept.name, draw.choice(list(PLACES)), draw.choice(list(SIZES)), draw.choice(list(ORIENTATIONS)),
            (draw.choice(list(COLORS)),), draw.random() < 0.5, count, "facing right" if concept.faces else "",
        )  # fmt: skip
        background = Background("plain", (draw.choice(list(BACKGROUND_COLORS)),), draw.random() < 0.5)
        scene = Scene([thing], draw.choice(STYLES).name, background, "warm", "left")
        stage = read(describe(scene), bridge._tagger)
        assert describe(stage.scene()) == describe(scene)


def test_other_peoples_words_are_read_as_far_as_they_go(bridge):
    values = {
        "objects": [
            {
                "description": "A plump, wide-eyed owl with feathers.",
                "location": "top-left",
                "relative_size": "large within frame",
                "orientation": "Body tilted to the left, facing right",
                "number_of_objects": 2,
            },
            {"location": "somewhere"},
        ],
        "background_setting": "A wood.",
    }
    stage = read(values, bridge._tagger)
    owl, other = stage.actors
    assert (owl.piece.concept.name, owl.place, owl.size, owl.piece.count) == ("owl", "top left", "large", 2)
    assert (owl.piece.orientation, owl.piece.facing) == ("tilted to the left", "facing right")
    assert (other.piece.noun, other.place, other.size) == ("thing", "center", "medium")
    assert stage.setting == "A wood."
