"""What samples show."""

import json

from sartor.models.samples import sample_captions

CAPTIONS = [
    json.dumps({"short_description": f"a {thing}"}) for thing in ("cat", "bicycle", "owl", "tree", "key", "cup")
]


def test_three_that_were_seen_and_two_that_no_caption_names() -> None:
    found = sample_captions(CAPTIONS, {"style_medium": "ink"})
    assert [label for label, _ in found] == ["a cat", "a owl", "a key", "unseen: teapot", "unseen: butterfly"]
    assert [caption for _, caption in found[:3]] == [CAPTIONS[0], CAPTIONS[2], CAPTIONS[4]]
    assert all(json.loads(caption)["style_medium"] == "ink" for _, caption in found[3:])


def test_fewer_pictures_than_samples() -> None:
    assert [label for label, _ in sample_captions(CAPTIONS[:1], {})] == ["a cat", "unseen: bicycle", "unseen: teapot"]
