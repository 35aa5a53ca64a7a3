"""Drafts of the base, and the decoder that learns from them."""

import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from sartor.nano import base, base_samples, decoder, drafts
from sartor.nano.autoencoder import to_tensor
from sartor.nano.bank import Bank
from sartor.nano.dial import DIALS
from sartor.nano.latents import encode_all
from sartor.nano.run import Run
from sartor.nano.sources import SpriteBank
from tests.nano.conftest import SIDE

DIAL = DIALS["test"]
TOKENS = (SIDE // 16) ** 2


@pytest.fixture(scope="module")
def drafted(autoencoded: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As far as a base of one step, and six drafts."""
    folder = tmp_path_factory.mktemp("drafted") / "work"
    shutil.copytree(autoencoded, folder)
    encode_all(folder, DIAL)
    base.train(folder, DIAL, 1, compile_=False)
    drafts.draw_all(folder, DIAL, 6, batch=4)
    return folder


@pytest.fixture
def copy(drafted: Path, tmp_path: Path) -> Path:
    shutil.copytree(drafted, tmp_path / "work")
    return tmp_path / "work"


def test_a_draft_for_each_of_the_first_scenes(drafted: Path) -> None:
    assert drafts.load_drafts(drafted).shape == (6, DIAL.channels, SIDE // 16, SIDE // 16)
    assert drafts.drawn(drafted) == 6
    assert (drafted / "drafts.png").exists()


def test_more_drafts_go_on_with_those_that_are_there(copy: Path) -> None:
    before = drafts.load_drafts(copy)
    drafts.draw_all(copy, DIAL, 9, batch=4)
    after = drafts.load_drafts(copy)
    assert len(after) == 9
    assert after[:6].equal(before)
    drafts.draw_all(copy, DIAL, 4)
    assert drafts.drawn(copy) == 9, "fewer than there are take nothing away"


def test_no_drafts_is_said(tmp_path: Path) -> None:
    assert drafts.drawn(tmp_path) == 0
    with pytest.raises(FileNotFoundError, match="no drafts"):
        drafts.load_drafts(tmp_path)


class Exact:
    """A base whose guesses are right, and say so whether or not there is a caption."""

    device = torch.device("cpu")
    transformer = None
    tokenizer = SimpleNamespace(pad_token_id=0, bos_token_id=1)

    def __init__(self, latents: torch.Tensor):
        self.latents = latents

    def velocity(self, _: Any, noisy: torch.Tensor, levels: torch.Tensor, *__: Any) -> torch.Tensor:
        return (noisy - self.latents) / levels[:, None, None]


def test_a_base_that_is_right_walks_back_to_the_scene() -> None:
    latents = torch.randn(3, TOKENS, DIAL.channels)
    levels = torch.tensor([0.3, 0.5, 0.85])
    noisy = torch.lerp(latents, torch.randn(latents.shape), levels[:, None, None])
    stops = torch.linspace(1, 0, drafts.STEPS + 1)[:, None] * levels
    walked = base_samples.walk(Exact(latents), noisy, stops, [[2]] * 3, drafts.GUIDANCE)  # type: ignore[arg-type]
    torch.testing.assert_close(walked, latents, atol=1e-5, rtol=1e-5)


def test_a_draft_strays_from_its_scene_no_further_than_noise_would(drafted: Path) -> None:
    """The bank's latents and the drafts' are of the same scenes in the same order."""
    bank = load_file(drafted / "latents.safetensors")["latents"][:6].float()
    drawn = drafts.load_drafts(drafted).float()
    own = (bank - drawn).square().mean()
    others = (bank.roll(1, 0) - drawn).square().mean()
    assert 0 < own < others


def test_only_the_decoder_changes(copy: Path) -> None:
    decoder.train(copy, DIAL, 2, batch=4, compile_=False)
    before, after = Run(copy / "autoencoder").load(), Run(copy / "decoder").load()
    assert before is not None
    assert after is not None
    names = [name for name in before[0] if name.startswith("model.")]
    changed = [name for name in names if not after[0][name].equal(before[0][name])]
    assert any(name.startswith("model.decoder.") for name in changed)
    assert not any(name.startswith(("model.encoder.", "model.quant_conv.")) for name in changed)
    shipped = base_samples.load_decoder(copy, DIAL).state_dict()
    assert all(shipped[name.removeprefix("model.")].equal(after[0][name]) for name in changed)
    assert (copy / "decoder" / "grid-000001.png").exists()


def test_it_goes_on_to_the_bit(copy: Path, tmp_path: Path) -> None:
    decoder.train(copy, DIAL, 3, batch=4, compile_=False)
    other = tmp_path / "other"
    shutil.copytree(copy, other)
    shutil.rmtree(other / "decoder")
    decoder.train(other, DIAL, 1, batch=4, compile_=False)
    decoder.train(other, DIAL, 3, batch=4, compile_=False)
    once, twice = (load_file(folder / "decoder" / "last.safetensors") for folder in (copy, other))
    assert once.keys() == twice.keys()
    assert all(once[name].equal(twice[name]) for name in once)


def test_a_step_sees_the_same_again(drafted: Path) -> None:
    vae, _, _ = decoder.load_refined(drafted, DIAL)
    lessons = decoder.Lessons(drafted, vae, DIAL)
    first, again, other = (lessons.batch(step, 8) for step in (5, 5, 6))
    quarter = lessons.batch(5, 8, whole=False)
    assert quarter.latents.shape == (8, DIAL.channels, SIDE // 32, SIDE // 32)
    assert all(contains(whole, part) for whole, part in zip(first.pictures[:4], quarter.pictures[:4], strict=True))
    assert all(contains(whole, part, 1) for whole, part in zip(first.latents[:4], quarter.latents[:4], strict=True))
    assert first.latents.shape == (8, DIAL.channels, SIDE // 16, SIDE // 16)
    assert first.pictures.shape == (8, 3, SIDE, SIDE)
    assert first.latents.equal(again.latents)
    assert first.pictures.equal(again.pictures)
    assert not first.pictures.equal(other.pictures)
    assert first.pictures.abs().max() <= 1
    shown = to_tensor(Bank(drafted).pictures(list(range(6))))
    assert all(any(picture.equal(scene) for scene in shown) for picture in first.pictures[:4]), "drafts come first"


def contains(whole: torch.Tensor, part: torch.Tensor, stride: int = 16) -> bool:
    """Whether a square of a picture [C, H, W], at a multiple of `stride`, is the part."""
    size = part.shape[-1]
    places = range(0, whole.shape[-1] - size + 1, stride)
    return any(whole[:, y : y + size, x : x + size].equal(part) for y in places for x in places)


def test_single_drawings_keep_inside_their_picture(sprites: SpriteBank) -> None:
    torch.manual_seed(0)
    wide = next(iter(sprites.pixels.values()))[:20]
    pictures = decoder.treated_pictures([wide, *list(sprites.pixels.values())[:9]], SIDE)
    assert pictures.shape == (10, 3, SIDE, SIDE)
    assert torch.isfinite(pictures).all()
    assert pictures.abs().max() <= 1
    corners = pictures[:, :, 0, 0]
    assert all(
        (picture - corner[:, None, None]).abs().amax() > 0.3 for picture, corner in zip(pictures, corners, strict=True)
    )


def test_the_critic_pulls_as_hard_as_the_distance() -> None:
    torch.manual_seed(0)
    critic = decoder.Critic(8)
    wanted = torch.rand(2, 3, 64, 64) * 2 - 1
    towards, displeased, distance = decoder.pull(critic, wanted * 0.8, wanted, 1)
    assert displeased.norm() == pytest.approx(towards.norm().item(), rel=1e-4)
    assert distance > 0
    assert (wanted * 0.8 - wanted).flatten().dot(towards.flatten()) > 0, "downhill is towards what is wanted"
    verdict, features = critic(wanted)
    assert verdict.shape == (2, 1, 8, 8)
    assert [f.shape[-1] for f in features] == [32, 16, 8]


def test_a_drafts_edge_may_lie_elsewhere() -> None:
    """A sharp edge one pixel off is nearer than a soft one where it should be."""
    wanted = torch.ones(1, 3, 64, 64)
    wanted[..., 30:] = -1
    moved = wanted.roll(1, -1)
    moved[..., 0] = 1
    soft = torch.nn.functional.avg_pool2d(torch.nn.functional.pad(wanted, (4, 4, 0, 0), mode="replicate"), (1, 9), 1)
    sharp, blurred = (
        decoder.distance_of(torch.cat([one, wanted]), torch.cat([wanted, wanted]), 1) for one in (moved, soft)
    )
    assert sharp < blurred


def test_the_critic_learns_to_tell_them_apart() -> None:
    torch.manual_seed(0)
    critic = decoder.Critic(8)
    optimizer = torch.optim.Adam(critic.parameters(), 3e-3)
    true = torch.randn(4, 3, 32, 32).sign()
    blurred = torch.nn.functional.avg_pool2d(true, 3, 1, 1)
    before = decoder.hinge(critic, blurred, true).item()
    for _ in range(60):
        optimizer.zero_grad()
        decoder.hinge(critic, blurred, true).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    assert decoder.hinge(critic, blurred, true).item() < 0.5 * before
