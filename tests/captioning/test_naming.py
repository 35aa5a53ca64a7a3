"""The network that names things: what ships, what it is shown, and what it says."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors import safe_open

from sartor.captioning.naming import OTHER, SIDE, WEIGHTS, AttributeNetwork, Namer, cut_out
from sartor.captioning.sight import look_at
from sartor.captioning.subject import Part
from sartor.nano.concepts import CONCEPTS
from sartor.nano.vocabulary import FIRST_STYLES
from tests.captioning.conftest import BRAND

MOST_BYTES = 3_000_000


@pytest.fixture(scope="module")
def namer() -> Namer:
    return Namer.load()


def test_what_ships_is_small_half_precision_and_knows_the_vocabulary(namer: Namer) -> None:
    assert WEIGHTS.stat().st_size < MOST_BYTES
    with safe_open(WEIGHTS, "pt") as file:
        assert {file.get_tensor(name).dtype for name in file.keys()} == {torch.float16}  # noqa: SIM118
    assert set(namer.things) == {concept.name for concept in CONCEPTS} | {OTHER}
    assert set(namer.styles) == {*FIRST_STYLES, OTHER}


def test_no_weights_says_what_to_run(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"sartor\.nano\.attributes"):
        Namer.load(tmp_path / "none.safetensors")


def test_the_background_falls_away() -> None:
    network = AttributeNetwork(3, 2, width=4).eval()
    seen: list[torch.Tensor] = []
    network.levels.register_forward_pre_hook(lambda module, given: seen.append(given[0]))
    plain = torch.rand(2, 3, 1, 1).expand(2, 3, SIDE, SIDE).clone()
    plain[:, :, 20:40, 20:40] = 0.5
    network(plain)
    assert seen[0].shape == (2, 6, SIDE, SIDE)
    assert seen[0][:, 3:, 0].abs().max() == 0


def test_shares_add_up_and_do_not_depend_on_the_batch(namer: Namer) -> None:
    pictures = np.random.default_rng(0).integers(0, 256, (5, SIDE, SIDE, 3), dtype=np.uint8)
    things, styles = namer.probabilities(pictures)
    torch.testing.assert_close(things.sum(1), torch.ones(5))
    torch.testing.assert_close(styles.sum(1), torch.ones(5))
    torch.testing.assert_close(namer.probabilities(pictures[2:3])[0][0], things[2], atol=1e-4, rtol=1e-3)


@pytest.mark.parametrize(
    "box", [(0.4, 0.4, 0.6, 0.6), (0.0, 0.3, 0.5, 1.0), (0.0, 0.0, 1.0, 1.0), (0.98, 0.0, 1.0, 0.02)]
)
@pytest.mark.parametrize("size", [(128, 128), (900, 300)])
def test_a_cut_out_is_the_thing_in_its_middle(box: tuple[float, ...], size: tuple[int, int]) -> None:
    values = np.full((size[1], size[0], 3), 200, np.uint8)
    left, top, right, bottom = (round(share * size[axis % 2]) for axis, share in enumerate(box))
    values[top:bottom, left:right] = (10, 200, 60)
    cut = cut_out(Image.fromarray(values), Part(np.ones((1, 1), bool), *box), 0.1)
    assert cut.shape == (SIDE, SIDE, 3)
    middle = cut[SIDE // 2 - 2 : SIDE // 2 + 2, SIDE // 2 - 2 : SIDE // 2 + 2].reshape(-1, 3).mean(0)
    assert abs(middle - (10, 200, 60)).max() < 3


def test_the_brands_pictures_are_named_though_none_was_in_the_training(namer: Namer) -> None:
    right = []
    for path in sorted(BRAND.glob("*.png")):
        picture = Image.open(path).convert("RGB")
        guess = namer.guess(picture, look_at(picture).parts[0])
        right.append(guess.thing[0] == path.stem)
        assert guess.style[0] == OTHER, path.stem
    assert len(right) == 15
    assert sum(right) >= 13
