"""Our transformer against the installed reference class: same weights, same numbers, forward and backward."""

import pytest
import torch
from diffusers import BriaFiboTransformer2DModel

from sartor.fibo.transformer import FiboTransformer

SHAPES = {
    "both kinds": {"num_layers": 2, "num_single_layers": 3, "attention_head_dim": 16, "num_attention_heads": 3},
    "double only": {"num_layers": 2, "num_single_layers": 0, "attention_head_dim": 32, "num_attention_heads": 2},
    "single only": {"num_layers": 0, "num_single_layers": 2, "attention_head_dim": 16, "num_attention_heads": 1},
    "other thetas": {
        "num_layers": 1,
        "num_single_layers": 1,
        "attention_head_dim": 16,
        "num_attention_heads": 4,
        "rope_theta": 500,
        "time_theta": 2000,
    },
}
HEIGHT, WIDTH, TEXT = 3, 4, 7


def configuration(name: str) -> dict[str, object]:
    shape = SHAPES[name]
    head = shape["attention_head_dim"]
    return {
        "patch_size": 1,
        "in_channels": 6,
        "joint_attention_dim": 20,
        "text_encoder_dim": 10,
        "axes_dims_rope": [head - 2 * (head // 8) * 3, (head // 8) * 3, (head // 8) * 3],
        **shape,
    }


def pair(name: str) -> tuple[BriaFiboTransformer2DModel, FiboTransformer]:
    torch.manual_seed(len(name))
    theirs = BriaFiboTransformer2DModel(**configuration(name))
    for parameter in theirs.parameters():  # no weight stays at an innocent 0 or 1
        torch.nn.init.normal_(parameter, std=0.2)
    ours = FiboTransformer.from_config(configuration(name))
    ours.load_state_dict(theirs.state_dict(), strict=True)
    return theirs, ours


def inputs(name: str, batch: int = 2) -> dict[str, torch.Tensor]:
    torch.manual_seed(1)
    config = configuration(name)
    depth = config["num_layers"] + config["num_single_layers"]
    return {
        "latents": torch.randn(batch, HEIGHT * WIDTH, 6),
        "timestep": torch.linspace(37.5, 981.25, batch),
        "text": torch.randn(batch, TEXT, 20),
        "layers": torch.randn(depth, batch, TEXT, 10),
    }


def ids() -> tuple[torch.Tensor, torch.Tensor]:
    image = torch.zeros(HEIGHT, WIDTH, 3)
    image[..., 1] += torch.arange(HEIGHT)[:, None]
    image[..., 2] += torch.arange(WIDTH)[None]
    return torch.zeros(TEXT, 3), image.reshape(-1, 3)


def key_mask(batch: int) -> torch.Tensor:
    mask = torch.ones(batch, 1, 1, TEXT + HEIGHT * WIDTH, dtype=torch.bool)
    mask[0, ..., 4:TEXT] = False
    return mask


def run_theirs(model, given, mask):
    text_ids, image_ids = ids()
    return model(
        hidden_states=given["latents"],
        timestep=given["timestep"],
        encoder_hidden_states=given["text"],
        text_encoder_layers=list(given["layers"]),
        txt_ids=text_ids,
        img_ids=image_ids,
        joint_attention_kwargs=None if mask is None else {"attention_mask": mask},
        return_dict=False,
    )[0]


def run_ours(model, given, mask):
    captions = model.project_captions(list(given["layers"]))
    rotary = model.rotary(TEXT, HEIGHT, WIDTH)
    return model(given["latents"], given["timestep"], given["text"], captions, rotary, mask=mask)


def relative(a: torch.Tensor, b: torch.Tensor) -> float:
    return ((a - b).norm() / b.norm().clamp_min(1e-12)).item()


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("name", SHAPES)
def test_forward_and_gradients_equal_the_reference(name: str, masked: bool) -> None:
    theirs, ours = pair(name)
    mask = key_mask(2) if masked else None
    given, twin = inputs(name), inputs(name)
    for side in (given, twin):
        side["latents"].requires_grad_()
        side["layers"].requires_grad_()
    reference, velocity = run_theirs(theirs, given, mask), run_ours(ours, twin, mask)
    assert relative(velocity, reference) < 1e-5

    direction = torch.randn_like(reference)
    (reference * direction).sum().backward()
    (velocity * direction).sum().backward()
    assert relative(twin["latents"].grad, given["latents"].grad) < 1e-5
    assert relative(twin["layers"].grad, given["layers"].grad) < 1e-5
    expected = {key: value.grad for key, value in theirs.named_parameters()}
    scale = torch.cat([grad.flatten() for grad in expected.values() if grad is not None]).norm()
    for key, value in ours.named_parameters():
        if expected[key] is None:
            assert value.grad is None, key
        else:
            # A bias before a softmax has a gradient of pure rounding: such are held to the scale of them all.
            assert (value.grad - expected[key]).norm() < 1e-5 * expected[key].norm() + 1e-6 * scale, key


@pytest.mark.parametrize("name", SHAPES)
def test_drawing_without_gradients_equals_the_reference(name: str) -> None:
    theirs, ours = pair(name)
    with torch.no_grad():
        assert relative(run_ours(ours, inputs(name), None), run_theirs(theirs, inputs(name), None)) < 1e-5


def test_what_stands_in_for_a_linear_is_called() -> None:
    _, ours = pair("both kinds")

    class Louder(torch.nn.Module):
        def __init__(self, linear: torch.nn.Module) -> None:
            super().__init__()
            self.linear = linear

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return 2 * self.linear(x)

    with torch.no_grad():
        plain = run_ours(ours, inputs("both kinds"), None)
        block = ours.single_transformer_blocks[0]
        block.proj_mlp = Louder(block.proj_mlp)
        louder = run_ours(ours, inputs("both kinds"), None)
    with_gradients = run_ours(ours, inputs("both kinds"), None)
    assert relative(louder, plain) > 1e-3
    assert relative(louder, with_gradients) < 1e-5


def test_a_padded_text_changes_nothing_when_masked() -> None:
    _, ours = pair("both kinds")
    given = inputs("both kinds", batch=1)
    whole = run_ours(ours, given, key_mask(1))
    short = {**given, "text": given["text"][:, :4], "layers": given["layers"][:, :, :4]}
    captions = ours.project_captions(list(short["layers"]))
    cut = ours(short["latents"], short["timestep"], short["text"], captions, ours.rotary(4, HEIGHT, WIDTH))
    assert relative(cut, whole) < 1e-5


def test_half_precision_weights_follow_the_reference() -> None:
    theirs, ours = pair("both kinds")
    theirs, ours = theirs.to(torch.bfloat16), ours.to(torch.bfloat16)
    given = {name: value.to(torch.bfloat16) for name, value in inputs("both kinds").items()}
    assert relative(run_ours(ours, given, None).float(), run_theirs(theirs, given, None).float()) < 0.02


def test_autocast_keeps_the_residual_stream_and_stays_close() -> None:
    _, ours = pair("both kinds")
    given = inputs("both kinds")
    plain = run_ours(ours, given, None)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        mixed = run_ours(ours, given, None)
    assert relative(mixed.float(), plain) < 0.05
    mixed.float().square().mean().backward()
    assert all(torch.isfinite(p.grad).all() for p in ours.parameters() if p.grad is not None)


@pytest.mark.parametrize("attention", ["torch", "math"])
def test_checkpointing_gives_the_same_gradients(attention: str) -> None:
    _, ours = pair("both kinds")
    ours.attention = attention  # another kernel in the second forward would save other tensors, and raise
    gradients = []
    for on in (False, True):
        ours.zero_grad()
        ours.checkpointed_blocks = ours.depth if on else 0
        run_ours(ours, inputs("both kinds"), None).square().mean().backward()
        gradients.append(ours.x_embedder.weight.grad.clone())
    assert torch.equal(*gradients)


def test_compilers_take_it_whole() -> None:
    _, ours = pair("both kinds")
    with torch.no_grad():
        plain = run_ours(ours, inputs("both kinds"), None)
        compiled = torch.compile(ours, backend="eager", fullgraph=True)  # traces all of it, and generates no code
        given = inputs("both kinds")
        captions = ours.project_captions(list(given["layers"]))
        traced = compiled(
            given["latents"], given["timestep"], given["text"], captions, ours.rotary(TEXT, HEIGHT, WIDTH)
        )
    assert relative(traced, plain) < 1e-5


def test_rotary_is_remembered_and_bounded() -> None:
    _, ours = pair("single only")
    first = ours.rotary(5, 2, 2)
    assert ours.rotary(5, 2, 2) is first
    for length in range(40):
        ours.rotary(length, 2, 2)
    assert len(ours._tables) <= 16
    assert first[0].shape == (9, 8)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"guidance_embeds": True}, "guidance_embeds"),
        ({"axes_dims_rope": [2, 2, 2]}, "axes_dims_rope"),
    ],
)
def test_a_config_that_is_not_fibo_is_refused(change: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        FiboTransformer.from_config({**configuration("both kinds"), **change})


def test_unknown_keys_of_a_config_are_passed_over_aloud(caplog: pytest.LogCaptureFixture) -> None:
    FiboTransformer.from_config({**configuration("both kinds"), "brushes": 3, "_diffusers_version": "0.42.1"})
    assert "unknown keys: brushes" in caplog.text


def test_wrong_number_of_layers_is_refused() -> None:
    _, ours = pair("both kinds")
    with pytest.raises(ValueError, match="5 blocks"):
        ours.project_captions([torch.randn(1, 2, 10)])


def test_folders_go_both_ways(tmp_path) -> None:
    theirs, ours = pair("other thetas")
    theirs.save_pretrained(tmp_path / "theirs", max_shard_size="20KB")  # several shards
    assert (tmp_path / "theirs" / "diffusion_pytorch_model.safetensors.index.json").exists()
    loaded = FiboTransformer.load(tmp_path / "theirs")
    given = inputs("other thetas")
    assert torch.equal(run_ours(loaded, given, None), run_ours(ours, given, None))

    ours.save(tmp_path / "ours")
    back = BriaFiboTransformer2DModel.from_pretrained(tmp_path / "ours")
    assert all(torch.equal(value, back.state_dict()[name]) for name, value in ours.state_dict().items())
    assert FiboTransformer.load(tmp_path / "ours", dtype=torch.bfloat16).dtype == torch.bfloat16
