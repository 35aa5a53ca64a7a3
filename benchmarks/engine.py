"""Our engine against the installed reference pipeline: same weights, same machine, turn by turn.

    python -m benchmarks.engine                          # random weights of the embedded model's size, 256x256
    python -m benchmarks.engine --checkpoint FOLDER      # a real checkpoint at its own size
    python -m benchmarks.engine --quick                  # half a minute, to see that it runs

Printed are ratios (reference time / our time) as median and range over the rounds, because the machine's mood cancels
out in them, and then our seconds per image at 20, 30 and 50 steps. Every image starts from its text: the cache of
encoded prompts is emptied. On a busy machine `--threads 1 --processor-time` still measures: neither waiting for other
threads nor for other processes counts then.
The reference pipeline is licensed CC BY-NC 4.0; it is installed with diffusers and only compared with here.
"""

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from diffusers import AutoencoderKLWan, BriaFiboPipeline, FlowMatchEulerDiscreteScheduler
from transformers import SmolLM3Config, SmolLM3ForCausalLM

from benchmarks.random_models import byte_tokenizer
from sartor.fibo import Engine, Spec
from sartor.fibo.checkpoint import Checkpoint, load_checkpoint
from sartor.fibo.transformer import FiboTransformer

REFERENCE_BOS = 128000
WIDTH, HEADS, DOUBLE, SINGLE = 256, 4, 4, 8
TEXT_WIDTH, TEXT_LAYERS, TEXT_TOKENS, LATENT = 256, 6, 150, 16


def random_checkpoint(folder: Path, side: int) -> None:
    """Writes the embedded model's shape with random weights, for pictures of side * side pixels."""
    torch.manual_seed(0)
    head = WIDTH // HEADS
    byte_tokenizer().save_pretrained(folder / "tokenizer")
    AutoencoderKLWan(
        base_dim=24,
        decoder_base_dim=32,
        z_dim=LATENT,
        dim_mult=[1, 2, 4, 4],
        num_res_blocks=1,
        temperal_downsample=[False, True, True],
        is_residual=True,
        patch_size=2,
        in_channels=12,
        out_channels=12,
        scale_factor_spatial=16,
    ).save_pretrained(folder / "vae")
    FiboTransformer.from_config(
        {
            "in_channels": LATENT,
            "num_layers": DOUBLE,
            "num_single_layers": SINGLE,
            "attention_head_dim": head,
            "num_attention_heads": HEADS,
            "joint_attention_dim": 2 * TEXT_WIDTH,
            "text_encoder_dim": TEXT_WIDTH,
            "axes_dims_rope": [head // 4, head * 3 // 8, head * 3 // 8],
        }
    ).save(folder / "transformer")
    SmolLM3ForCausalLM(
        SmolLM3Config(
            vocab_size=8192,
            hidden_size=TEXT_WIDTH,
            intermediate_size=4 * TEXT_WIDTH,
            num_hidden_layers=TEXT_LAYERS,
            num_attention_heads=4,
            num_key_value_heads=4,
            bos_token_id=0,
            eos_token_id=0,
            pad_token_id=0,
        )
    ).save_pretrained(folder / "text_encoder")
    FlowMatchEulerDiscreteScheduler(use_dynamic_shifting=True).save_pretrained(folder / "scheduler")
    index = {
        "_class_name": "BriaFiboPipeline",
        "transformer": ["diffusers", "BriaFiboTransformer2DModel"],
        "vae": ["diffusers", "AutoencoderKLWan"],
        "text_encoder": ["transformers", "SmolLM3ForCausalLM"],
        "tokenizer": ["transformers", "PreTrainedTokenizerFast"],
        "scheduler": ["diffusers", "FlowMatchEulerDiscreteScheduler"],
        "sartor": {"training_area": side * side},
    }
    (folder / "model_index.json").write_text(json.dumps(index))


def reference_pipeline(checkpoint: Checkpoint) -> BriaFiboPipeline:
    """The installed pipeline over the same files, with its fixed token for the empty prompt made the tokenizer's."""
    transformer = checkpoint.transformer
    pipeline = BriaFiboPipeline.from_pretrained(checkpoint.folder, torch_dtype=transformer.dtype)
    pipeline.to(transformer.device)
    pipeline.set_progress_bar_config(disable=True)
    forward, own = pipeline.text_encoder.forward, checkpoint.tokenizer.bos_token_id
    if own is not None and own != REFERENCE_BOS:

        def with_own_bos(input_ids: torch.Tensor, **rest: Any) -> Any:
            return forward(torch.where(input_ids == REFERENCE_BOS, own, input_ids), **rest)

        pipeline.text_encoder.forward = with_own_bos
    return pipeline


def seconds(draw: Callable[[], object], clock: Callable[[], float]) -> float:
    """How long `draw` takes by this clock, with the device's queue empty before and after."""
    synchronise = torch.cuda.synchronize if torch.cuda.is_available() else lambda: None
    synchronise()
    start = clock()
    draw()
    synchronise()
    return clock() - start


def described(values: list[float], unit: str) -> str:
    return f"{statistics.median(values):7.3f}{unit}   ({min(values):.3f} to {max(values):.3f}, {len(values)} rounds)"


def prompt_of(tokenizer: Any, tokens: int) -> str:
    """A text in the manner of a structured prompt, as long as fits into `tokens` tokens."""
    text = '{"short_description":"a red apple on green grass","objects":[' + '{"description":"a pear"},' * tokens
    low, high = 1, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        fits = len(tokenizer(text[:middle])["input_ids"]) <= tokens
        low, high = (middle, high) if fits else (low, middle - 1)
    return text[:low]


def compare(checkpoint: Checkpoint, steps: int, rounds: int, tokens: int, clock: Callable[[], float]) -> None:
    """Draws one picture with each, turn by turn, and prints the times and their ratios."""
    engine = Engine(replace(checkpoint, extras={}))  # without the upscaler, which the reference has not
    pipeline = reference_pipeline(checkpoint)
    width, height = engine.size("1:1")
    prompt = prompt_of(checkpoint.tokenizer, tokens)
    length = len(checkpoint.tokenizer(prompt)["input_ids"])
    print(f"{width}x{height}, {length} text tokens, {engine.fingerprint.threads} threads, {engine.fingerprint.device}")

    def ours(guidance: float) -> Any:
        engine.forget()
        return engine.generate(Spec(prompt=prompt, seed=0, steps=steps, guidance_scale=guidance)).image

    def reference(guidance: float) -> Any:
        return pipeline(
            prompt,
            height=height,
            width=width,
            num_inference_steps=steps,
            guidance_scale=guidance,
            generator=torch.Generator().manual_seed(0),
        ).images[0]

    for guidance, name in ((5.0, "guided"), (1.0, "unguided")):
        ours(guidance), reference(guidance)  # first calls set things up
        times = [
            (seconds(partial(reference, guidance), clock), seconds(partial(ours, guidance), clock))
            for _ in range(rounds)
        ]
        print(f"{steps} {name} steps")
        print(f"  reference  {described([theirs for theirs, _ in times], ' s')}")
        print(f"  sartor     {described([mine for _, mine in times], ' s')}")
        print(f"  ratio      {described([theirs / mine for theirs, mine in times], ' x')}")


def measure(checkpoint: Checkpoint, rounds: int, tokens: int, clock: Callable[[], float]) -> None:
    """Prints our seconds per image, guided to the end, and per step of it."""
    engine = Engine(checkpoint)
    prompt = prompt_of(checkpoint.tokenizer, tokens)
    engine.generate(Spec(prompt=prompt, seed=0, steps=2))
    for steps in (20, 30, 50):
        times = []
        for seed in range(rounds):
            engine.forget()
            spec = Spec(prompt=prompt, seed=seed, steps=steps, guidance_until=0.0)
            times.append(seconds(partial(engine.generate, spec), clock))
        print(f"  {steps} steps   {described(times, ' s')}   {statistics.median(times) / steps:.4f} s a step")


def run(checkpoint: Checkpoint, options: argparse.Namespace) -> None:
    """The comparison and, unless in a hurry, the table of seconds."""
    steps, rounds = (6, 2) if options.quick else (options.steps, options.rounds)
    clock = time.process_time if options.processor_time else time.perf_counter
    compare(checkpoint, steps, rounds, options.tokens, clock)
    if not options.quick:
        print("seconds per guided image, ours")
        measure(checkpoint, rounds, options.tokens, clock)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", help="folder or hub id; random weights without it")
    parser.add_argument("--side", type=int, default=256, help="pixels, for random weights (256)")
    parser.add_argument("--tokens", type=int, default=TEXT_TOKENS, help="text tokens (150)")
    parser.add_argument("--steps", type=int, default=30, help="steps of the comparison (30)")
    parser.add_argument("--rounds", type=int, default=5, help="rounds of each measurement (5)")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--processor-time", action="store_true", help="count processor seconds, not the clock's")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--quick", action="store_true", help="few steps, two rounds, no table of seconds")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    with tempfile.TemporaryDirectory() as folder:
        if not options.checkpoint:
            random_checkpoint(Path(folder), options.side)
        checkpoint = load_checkpoint(options.checkpoint or folder, device=options.device)
        run(checkpoint, options)


if __name__ == "__main__":
    main()
