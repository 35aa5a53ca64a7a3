"""The common look of captions."""

from sartor.models.looks import common_look
from sartor.vgl import VisualSchema, parse, plain

INK = {"style_medium": "ink drawing", "lighting": {"conditions": "flat", "shadows": "none"}}


def test_what_all_agree_on_is_the_look() -> None:
    captions = [
        parse(INK | {"short_description": "a cat", "aesthetics": {"mood_atmosphere": "calm"}}),
        parse(INK | {"short_description": "a dog", "lighting": {"conditions": "flat", "shadows": "soft"}}),
    ]
    assert plain(common_look(captions)) == {"lighting": {"conditions": "flat"}, "style_medium": "ink drawing"}


def test_content_is_never_part_of_it() -> None:
    same = parse({"short_description": "a cat", "background_setting": "grass", "objects": [{"description": "cat"}]})
    assert common_look([same, same]) == VisualSchema()


def test_nothing_in_common_and_nothing_at_all() -> None:
    assert common_look([parse(INK), parse({"short_description": "bare"})]) == VisualSchema()
    assert common_look([]) == VisualSchema()
