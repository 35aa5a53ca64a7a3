"""Pictures into buckets and latents, captions into states, both into batches, and the order that they come in."""

import math
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from diffusers import AutoencoderKLWan
from PIL import Image

from sartor.fibo import training_data
from sartor.fibo.aspect import ASPECT_RATIOS, image_size
from sartor.fibo.checkpoint import Checkpoint, load_checkpoint
from sartor.fibo.encoding import PromptEncoder
from sartor.fibo.errors import CaptionsTooLarge
from sartor.fibo.training_data import DataOrder, Example, TextStates, bucket, collate, encode_picture, fitted, flatten
from tests.fibo.conftest import OTHER_PROMPT, PROMPT

CPU = torch.device("cpu")


@pytest.fixture
def checkpoint(checkpoint_folder: Callable[[str], Path]) -> Checkpoint:
    return load_checkpoint(checkpoint_folder("shallow text"))


def states(checkpoint: Checkpoint, folder: Path, memory: int = 1 << 30) -> TextStates:
    encoder = PromptEncoder(checkpoint.text_encoder, checkpoint.tokenizer)
    return TextStates(checkpoint.transformer, encoder, folder, memory)


@pytest.mark.parametrize("area", [128 * 128, 256 * 256, 1024 * 1024])
def test_buckets_are_the_sizes_that_the_engine_draws(area: int) -> None:
    for ratio in ASPECT_RATIOS:
        across, down = (int(side) for side in ratio.split(":"))
        assert bucket(across * 100, down * 100, area) == image_size(ratio, area)
    assert bucket(100, 5000, area) == image_size("9:16", area)
    assert bucket(5000, 100, area) == image_size("16:9", area)
    assert bucket(501, 500, area) == image_size("1:1", area)


def test_transparency_becomes_black_and_exif_turns() -> None:
    clear = Image.new("RGBA", (4, 2), (255, 0, 0, 0))
    clear.putpixel((0, 0), (0, 0, 255, 255))
    flat = flatten(clear)
    assert (flat.mode, flat.getpixel((0, 0)), flat.getpixel((3, 1))) == ("RGB", (0, 0, 255), (0, 0, 0))
    turned = Image.new("RGB", (4, 2))
    turned.getexif()[0x0112] = 6
    assert flatten(turned).size == (2, 4)
    assert flatten(Image.new("L", (3, 3), 7)).getpixel((1, 1)) == (7, 7, 7)


@pytest.mark.parametrize("size", [(64, 64), (300, 100), (97, 1031), (1500, 1000)])
def test_what_is_fitted_stays_as_it_is(size: tuple[int, int]) -> None:
    noise = Image.effect_noise(size, 90).convert("RGBA")
    once = fitted(noise, 128 * 128)
    assert once.mode == "RGB"
    assert once.size == bucket(*size, 128 * 128)
    again = fitted(once, 128 * 128)
    assert again is not once
    assert again.tobytes() == once.tobytes()


def test_a_digest_names_pixels_and_caption() -> None:
    image = Image.new("RGB", (4, 2), "red")
    digests = {
        Example(image, "a").digest(),
        Example(image, "b").digest(),
        Example(image.transpose(Image.Transpose.ROTATE_90), "a").digest(),
        Example(Image.new("RGB", (4, 2), "blue"), "a").digest(),
    }
    assert len(digests) == 4
    assert Example(image.convert("RGBA"), "a").digest() in digests


def test_latents_are_the_normalised_mode_of_the_vae(checkpoint: Checkpoint) -> None:
    vae = AutoencoderKLWan.from_pretrained(checkpoint.folder / "vae")
    image = Image.effect_noise((64, 64), 90).convert("RGB")
    got = encode_picture(checkpoint.vae, Example(image, "a"), 64 * 64, device=CPU, mirror=True)
    pixels = torch.from_numpy(np.array(image, dtype=np.float32)).permute(2, 0, 1)[None]
    with torch.no_grad():
        mode = vae.encode((pixels / 127.5 - 1)[:, :, None]).latent_dist.mode()[:, :, 0]
    mean, std = (torch.tensor(v).view(1, -1, 1, 1) for v in (vae.config.latents_mean, vae.config.latents_std))
    expected = ((mode - mean) / std).flatten(2).transpose(1, 2)
    assert (got.height, got.width, got.latents.shape) == (4, 4, (2, 16, 6))
    torch.testing.assert_close(got.latents[:1], expected, rtol=1e-4, atol=1e-5)
    flipped = encode_picture(
        checkpoint.vae,
        Example(image.transpose(Image.Transpose.FLIP_LEFT_RIGHT), "a"),
        64 * 64,
        device=CPU,
    )
    torch.testing.assert_close(got.latents[1:], flipped.latents)


def test_states_are_the_projected_captions(checkpoint: Checkpoint, tmp_path: Path) -> None:
    texts = states(checkpoint, tmp_path)
    texts.add(PROMPT)
    texts.add("")
    text, captions = texts.get(PROMPT)
    encoded = PromptEncoder(checkpoint.text_encoder, checkpoint.tokenizer).encode(PROMPT)
    expected = checkpoint.transformer.project_captions(encoded.layers_for(checkpoint.transformer.depth))
    assert torch.equal(text, encoded.embeds)
    assert all(torch.equal(got[None], layer) for got, layer in zip(captions, expected, strict=True))
    assert texts.get("")[0].shape[1] == 1


def test_states_that_do_not_fit_in_memory_come_from_disk(checkpoint: Checkpoint, tmp_path: Path) -> None:
    inside = states(checkpoint, tmp_path / "unused")
    inside.add(PROMPT)
    room = sum(tensor.nbytes for tensor in inside.get(PROMPT))
    texts = states(checkpoint, tmp_path / "spilled", memory=room)
    for caption in (PROMPT, OTHER_PROMPT, OTHER_PROMPT):
        texts.add(caption)
    assert len([*(tmp_path / "spilled").iterdir()]) == 1
    inside.add(OTHER_PROMPT)
    for caption in (PROMPT, OTHER_PROMPT):
        assert all(torch.equal(a, b) for a, b in zip(texts.get(caption), inside.get(caption), strict=True))
    assert not (tmp_path / "unused").exists()


def test_states_that_have_no_room_are_refused_before_anything_is_written(
    checkpoint: Checkpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = states(checkpoint, tmp_path / "unused")
    captions = ["", PROMPT, OTHER_PROMPT]
    for caption in captions:
        whole.add(caption)
    room = sum(tensor.nbytes for caption in captions for tensor in whole.get(caption))
    disk = SimpleNamespace(free=room // 2)
    monkeypatch.setattr(training_data.shutil, "disk_usage", lambda path: disk)
    fits = states(checkpoint, tmp_path / "states", memory=room - disk.free)
    fits.check_room(captions)
    narrow = states(checkpoint, tmp_path / "states", memory=room - disk.free - 1)
    with pytest.raises(CaptionsTooLarge, match="GB of disk are free"):
        narrow.check_room([*captions, PROMPT])
    for caption in captions:
        fits.add(caption)
    disk.free = 0
    fits.check_room(captions)  # what is on the disk already takes no more of it


def test_a_padded_batch_answers_as_its_pictures_do_alone(checkpoint: Checkpoint, tmp_path: Path) -> None:
    texts = states(checkpoint, tmp_path)
    captions = [PROMPT, "", OTHER_PROMPT]
    for caption in captions:
        texts.add(caption)
    latents = torch.randn(3, 12, 6, generator=torch.Generator().manual_seed(0))
    times = torch.tensor([100.0, 500.0, 900.0])

    def run(picked: list[int]) -> torch.Tensor:
        batch = collate([latents[i] for i in picked], [texts.get(captions[i]) for i in picked], CPU)
        assert (batch.mask is None) == (len(picked) == 1)
        rotary = checkpoint.transformer.rotary(batch.text.shape[1], 3, 4)
        with torch.no_grad():
            out: torch.Tensor = checkpoint.transformer(
                batch.latents, times[picked], batch.text, batch.captions, rotary, mask=batch.mask
            )
        return out

    alone = torch.cat([run([index]) for index in range(3)])
    torch.testing.assert_close(run([0, 1, 2]), alone, rtol=1e-4, atol=1e-5)


def test_captions_of_one_length_need_no_mask(checkpoint: Checkpoint, tmp_path: Path) -> None:
    texts = states(checkpoint, tmp_path)
    texts.add(PROMPT)
    assert collate([torch.zeros(4, 6)] * 2, [texts.get(PROMPT)] * 2, CPU).mask is None


SIZES = [(4, 4)] * 5 + [(3, 5)] * 2 + [(5, 3)]


def test_every_picture_comes_equally_often_and_batches_are_of_one_size() -> None:
    order, generator = DataOrder(SIZES, 2), torch.Generator().manual_seed(0)
    batches = [order.next(generator) for _ in range(400)]
    assert all(len(batch) == 2 and len({SIZES[index] for index in batch}) == 1 for batch in batches)
    counts = [sum(batch.count(index) for batch in batches) for index in range(len(SIZES))]
    assert max(counts) - min(counts) <= 3
    assert len({tuple(batch) for batch in batches}) > 10


@pytest.mark.parametrize("after", [0, 1, 7])
def test_an_order_continues_from_its_state(after: int) -> None:
    import json

    order, generator = DataOrder(SIZES, 3), torch.Generator().manual_seed(0)
    for _ in range(after):
        order.next(generator)
    position, drawn = json.loads(json.dumps(order.state())), generator.get_state()
    rest = [order.next(generator) for _ in range(20)]
    other, generator = DataOrder(SIZES, 3), torch.Generator()
    other.restore(position)
    generator.set_state(drawn)
    assert [other.next(generator) for _ in range(20)] == rest


def test_more_pictures_a_batch_than_there_are() -> None:
    assert sorted(DataOrder([(4, 4)], 4).next(torch.Generator())) == [0, 0, 0, 0]
    assert math.prod(SIZES[0]) == 16
