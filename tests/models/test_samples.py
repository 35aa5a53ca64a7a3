"""What samples show, and what the score says of them."""

import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from PIL import Image

from sartor.fibo.adapters import adapter_targets
from sartor.fibo.checkpoint import load_checkpoint
from sartor.fibo.lora import write_adapter
from sartor.models.samples import CONCEPTS, best_step, sample_captions, try_adapter
from sartor.nano.concepts import CONCEPT_BY_NAME

THINGS = ("cat", "sailboat", "owl", "tree", "key", "cup")
CAPTIONS = [json.dumps({"short_description": f"a {thing}"}) for thing in THINGS]


def test_three_that_were_seen_and_five_that_no_caption_names() -> None:
    found = sample_captions(CAPTIONS, {"style_medium": "ink"})
    unseen = ["unseen: butterfly", "unseen: pear", "unseen: penguin", "unseen: guitar", "unseen: bell"]
    assert [one.label for one in found] == ["a cat", "a owl", "a key", *unseen]
    assert [one.text for one in found[:3]] == [CAPTIONS[0], CAPTIONS[2], CAPTIONS[4]]
    assert [one.seen for one in found] == [True] * 3 + [False] * 5
    assert all(json.loads(one.text)["style_medium"] == "ink" for one in found[3:])


def test_fewer_pictures_than_samples() -> None:
    found = sample_captions(CAPTIONS[:1], {})
    assert [one.label for one in found][:3] == ["a cat", "unseen: butterfly", "unseen: sailboat"]
    assert len(found) == 6


def test_captions_that_name_everything() -> None:
    everything = json.dumps({"short_description": " ".join(CONCEPTS)})
    assert len(sample_captions([everything], {})) == 6


def test_names_are_whole_words() -> None:
    (_, *unseen) = sample_captions([json.dumps({"short_description": "a fox appears, with two sailboats"})], {})
    assert [one.label for one in unseen][:2] == ["unseen: butterfly", "unseen: pear"]
    (_, *unseen) = sample_captions([json.dumps({"short_description": "butterflies on cacti, and two buses"})], {})
    assert [one.label for one in unseen][4:] == ["unseen: bell"]
    assert not {"unseen: butterfly", "unseen: cactus", "unseen: bus"} & {one.label for one in unseen}


def test_the_embedded_model_knows_what_is_asked_of_it() -> None:
    assert set(CONCEPTS) <= CONCEPT_BY_NAME.keys()


@pytest.fixture
def adapter(tmp_path: Path, tiny_checkpoint: Path) -> Path:
    targets = adapter_targets(load_checkpoint(tiny_checkpoint).transformer)
    generator = torch.Generator().manual_seed(0)
    tensors = {}
    for name, linear in targets.items():
        tensors[f"{name}.lora_A.weight"] = torch.randn(2, linear.in_features, generator=generator)
        tensors[f"{name}.lora_B.weight"] = torch.randn(linear.out_features, 2, generator=generator)
    write_adapter(tmp_path / "lora.safetensors", tensors, rank=2, alpha=2.0)
    return tmp_path / "lora.safetensors"


def test_the_score_is_the_distance_in_look_of_what_was_not_seen(tiny_checkpoint: Path, adapter: Path) -> None:
    checkpoint = load_checkpoint(tiny_checkpoint)
    captions = sample_captions(CAPTIONS, {})
    calls: list[None] = []

    def tried(pictures: list[Image.Image], between: Callable[[], None] = lambda: None) -> tuple[float, bytes]:
        trial = try_adapter(checkpoint, adapter, captions, pictures, steps=2, between=between)
        return trial.score, trial.sheet

    score, sheet = tried([Image.new("RGB", (64, 64), "black")], lambda: calls.append(None))
    assert len(calls) == 8 * 3
    drawn = Image.open(io.BytesIO(sheet)).convert("RGB")
    # The last five tiles of the sheet itself, taken as the brand's pictures: the same look.
    own = [
        drawn.crop((8 + index % 4 * 264, 8 + index // 4 * 282, 264 + index % 4 * 264, 264 + index // 4 * 282))
        for index in range(3, 8)
    ]
    again, same_sheet = tried(own)
    assert same_sheet == sheet
    assert again < 0.02 < score
    assert tried([own[0]] * 200)[0] == pytest.approx(tried([own[0]])[0])
    unguided = try_adapter(checkpoint, adapter, captions, own, steps=2, guidance_scale=1.0)
    assert unguided.sheet != sheet


@pytest.mark.parametrize(
    ("scores", "best"),
    [
        ({50: 0.0140, 100: 0.0142, 150: 0.0141, 200: 0.0141}, 200),  # all alike: the one that was trained longest
        ({70: 0.025, 140: 0.021, 210: 0.0245, 280: 0.023}, 140),
        ({70: 0.025, 140: 0.021, 210: 0.0225, 280: 0.0219}, 280),
        ({5: 0.3}, 5),
    ],
)
def test_the_last_of_the_best_is_kept(scores: dict[int, float], best: int) -> None:
    assert best_step(scores) == best
