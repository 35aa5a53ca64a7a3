"""Stages 1b and 2 in one timed run on a GPU, from a stream of scenes that many processes draw meanwhile.

    python -m sartor.nano.joint --work DIR --dial gpu --seconds 1200

The first seconds go to the text encoder alone, as in `text.py`, while the first scenes are drawn; then both networks
learn to draw, as in `base.py`, and the text encoder goes on learning the sketch. The rate follows the clock instead of
a number of steps, so a run of any length ends with a trained average. It starts from the base in DIR where there is
one, a smaller one too: blocks that it lacks begin as blocks that change nothing. Ends with work/base, which `export`
reads; what is to travel in small pieces is written beside it in half precision (`--carry FOLDER`).
"""

from __future__ import annotations

import argparse
import json
import random
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import nn

from sartor.nano import masked_attention
from sartor.nano.base import EMPTY_CAPTIONS, Base, apart, noise_levels
from sartor.nano.dial import DIALS, Dial
from sartor.nano.latents import load_encoder
from sartor.nano.optimizers import Optimizers
from sartor.nano.run import Clock, Run, autocast, ema_decay, prefixed, set_rate, under
from sartor.nano.stream import SHARD, WIDTHS, Pool, Stream, Told, sketch_places
from sartor.nano.text import DRAWING_CODE, THING_CODE, Codes, hidden_states, parts, unexplained
from sartor.nano.tokenizer import PARTS, load_tokenizer

GROUP = 8  # batches whose captions are sorted together; those of long captions have a quarter of the size
SKETCHED = 0.2  # weight of the text encoder's own losses while both networks learn
FIRST_SCENES = 1000  # before anything is learned
PIECE = 16_500_000  # bytes of a file to carry


@dataclass
class Words:
    """What the text encoder is to know by itself, and the heads that say it."""

    concepts: torch.Tensor  # [things, 48]
    drawings: torch.Tensor  # [things, styles + 1, 96]; the last style is any
    heads: nn.ModuleDict

    @classmethod
    def of(cls, pool: Pool, drawn: dict[tuple[str, str], Any], dial: Dial) -> Words:
        """Codes of the single things' latents."""
        keys = list(drawn)
        raw = pool.encoded(torch.stack([torch.from_numpy(drawn[key]) for key in keys]).numpy()).cpu()
        codes = Codes(raw, dict(zip(keys, raw, strict=True)))
        names, styles = sorted({name for name, _ in keys}), sorted({style for _, style in keys})
        any_style = torch.stack([codes.drawing[name, ""] for name in names])
        by_style = [
            torch.stack([codes.drawing.get((n, style), any_style[i]) for i, n in enumerate(names)]) for style in styles
        ]
        concepts = torch.stack([codes.concept[name] for name in names])
        heads = nn.ModuleDict(
            {
                "thing": nn.Linear(dial.text_width, min(THING_CODE, concepts.shape[1])),
                "drawing": nn.Linear(dial.text_width, min(DRAWING_CODE, any_style.shape[1])),
                "sketch": nn.Linear(dial.text_width, dial.channels * (dial.side // 16 // PARTS) ** 2),
            }
        )
        drawings = torch.stack([*by_style, any_style], dim=1)
        return cls(concepts.to(pool.device), drawings.to(pool.device), heads.to(pool.device))

    def losses(self, pool: Pool, told: Told, last: torch.Tensor) -> dict[str, torch.Tensor]:
        """How much of each is not yet said, as a share: from the encoder's last layer [B, T, d]."""
        every = torch.arange(len(last), device=last.device)
        sketch = self.heads["sketch"](last[every[:, None], sketch_places(told.lengths)]).float()
        drawing = self.heads["drawing"](last[every, told.lengths - 1]).float()
        shown = pool.things[told.scenes]
        here = shown >= 0
        wanted = self.drawings[shown.clamp(min=0), pool.styles[told.scenes][:, None]]
        wanted = (wanted * here[..., None]).sum(1) / here.sum(1, keepdim=True)
        named = (told.names > 0) & here
        rows, places = named.nonzero(as_tuple=True)
        things = self.heads["thing"](last[rows, told.names[rows, places]]).float()
        return {
            "sketch": unexplained(sketch, parts(pool.latents[told.scenes].float())),
            "drawing": unexplained(drawing, wanted),
            "thing": unexplained(things, self.concepts[shown[rows, places]]),
        }


def total(losses: dict[str, torch.Tensor]) -> torch.Tensor:
    return 2 * losses["sketch"] + losses["drawing"] + losses["thing"]


def groups(pool: Pool, size: int, long: int) -> list[Told]:
    """GROUP batches in random order, `long` of them of long captions, a quarter as many in each."""
    found = pool.group(size, GROUP - long, long=False)
    if long:
        fewer = max(1, size // 4 // pool.together) * pool.together
        found += pool.group(fewer, long, long=True)
    return random.sample(found, len(found))


def rate(done: float, steps: int, hold: float, warm_up: int = 150) -> float:
    """Factor of the learning rate when a share `done` of the time is over."""
    warm = min(1.0, (steps + 1) / warm_up)
    return warm * (1.0 if done < hold else max(0.0, (1 - done) / (1 - hold)))


def begin(base: Base, work: Path) -> tuple[int, float]:
    """Loads the average of an earlier base, as far as it goes; returns its steps and the seconds that it was trained by
    the clock. Else stage 1b's encoder, where there is one, and zeros."""
    saved = Run(work / "base").load()
    if saved is None:
        text = Run(work / "text").load()
        if text is not None:
            base.encoder.model.load_state_dict(under("model.", text[0]))
        return 0, 0.0
    with torch.no_grad():
        for name, parameter in base.parameters().items():
            if (own := saved[0].get(f"average.{name}")) is not None:
                parameter.copy_(own)
    return int(saved[1]["step"]), float(saved[1].get("seconds", 0))


class Joint:
    """The networks, what they learn from, and how they are saved."""

    def __init__(
        self,
        work: Path,
        dial: Dial,
        stream: Stream,
        *,
        scenes: int,
        longhand: int = 0,
        carry: Path | None = None,
        compile_: bool = True,
        attention: str = "auto",
    ):
        """See the command's options. The stream's processes draw while the blocks are compiled."""
        self.work, self.dial, self.stream = work, dial, stream
        self.carry, self.longhand = carry, longhand
        tokenizer = load_tokenizer(work, dial)
        trial = masked_attention.start() if attention == "auto" else None
        self.base = Base(dial, tokenizer)
        self.device = self.base.device
        self.start, self.spent = begin(self.base, work)
        vae, mean, std = load_encoder(work, dial, self.device)
        self.pool = Pool(
            vae, dial, self.device, scenes, tokenizer.pad_token_id, long=longhand > 0, together=stream.together
        )
        self.pool.mean, self.pool.std = mean, std
        self.run = Run(work / "base")
        self.log = (carry or self.run.folder) / "joint.jsonl"
        self.base.transformer.attention = masked_attention.chosen(trial) if attention == "auto" else attention
        print(f"attention: {self.base.transformer.attention}", flush=True)
        if compile_:
            self.compile()
        self.words = Words.of(self.pool, self.stream.drawings(), dial)

    def take(self, least: int = 0) -> None:
        for shard in self.stream.ready(least):
            if not self.pool.add(shard):
                return

    def note(self, **values: float | torch.Tensor) -> None:
        rounded = {name: round(torch.as_tensor(value).detach().item(), 5) for name, value in values.items()}
        with self.log.open("a") as file:
            file.write(json.dumps(rounded) + "\n")
        print(" ".join(f"{name} {value:g}" for name, value in rounded.items()), flush=True)

    def save(self, steps: int, seconds: float) -> None:
        """The average as work/base or, in half precision and small files, into the folder to carry."""
        average = prefixed("average.", self.base.average)
        state: dict[str, Any] = {"step": self.start + steps, "seconds": self.spent + seconds}
        state |= {"mean": self.pool.mean.tolist(), "std": self.pool.std.tolist()}
        if self.carry is None:
            self.run.save(prefixed("model.", self.base.parameters()) | average, state)
            none = torch.zeros(0, self.dial.channels, self.dial.side // 16, self.dial.side // 16)
            statistics = {"mean": self.pool.mean.cpu(), "std": self.pool.std.cpu()}
            save_file({"latents": none, **statistics}, self.work / "latents.safetensors")
            return
        pieces: list[dict[str, torch.Tensor]] = [{}]
        for name, tensor in average.items():
            half = tensor.detach().half().cpu().contiguous()
            if sum(t.nbytes for t in pieces[-1].values()) + half.nbytes > PIECE:
                pieces.append({})
            pieces[-1][name] = half
        for number, piece in enumerate(pieces):
            save_file(piece, self.carry / f"average-{number}.safetensors", {"state": json.dumps(state)})

    def learn_words(self, seconds: float, learning_rate: float = 1.5e-3) -> None:
        """Stage 1b: the text encoder alone; twice as many long captions as later, where there are any."""
        encoder = self.base.encoder.model
        parameters = [*encoder.parameters(), *self.words.heads.parameters()]
        optimizer = torch.optim.AdamW(parameters, lr=learning_rate, betas=(0.9, 0.98), weight_decay=0.01)
        begun, steps, clock = time.monotonic(), 0, Clock(5)
        while (done := (time.monotonic() - begun) / seconds) < 1:
            self.take()
            for told in groups(self.pool, 2 * self.dial.batch, min(GROUP, 2 * self.longhand)):
                set_rate(optimizer, learning_rate * rate(done, steps, 0.4))
                with autocast(self.device):
                    losses = self.words.losses(self.pool, told, hidden_states(self.base.encoder, told.ids)[-1])
                total(losses).backward()  # type: ignore[no-untyped-call]
                nn.utils.clip_grad_norm_(parameters, 1.0)
                optimizer.step()
                optimizer.zero_grad(set_to_none=True)
                steps += 1
            if clock.due():
                self.note(words=steps, at=time.monotonic() - begun, scenes=self.pool.count, **losses)

    def compile(self) -> None:
        """Compiles the blocks for each shape that there is, by steps on random numbers; where that fails, nothing is.

        Not for open lengths: on an H200 PyTorch 2.11's code for the backward pass of blocks that join or part two
        lengths was wrong (a slice that ends at a sum of both lacked its brackets).
        """
        base, begun = self.base, time.monotonic()
        transformer = base.transformer
        blocks = [*transformer.transformer_blocks, *transformer.single_transformer_blocks]
        for block in blocks:
            block.compile(dynamic=False)
        *short, long = WIDTHS
        shapes = [(self.dial.batch, width) for width in short]
        if self.longhand:
            shapes.append((max(1, self.dial.batch // 4), long))
        try:
            for size, length in shapes:
                ids = torch.randint(len(base.tokenizer), (size, length), device=self.device)
                lengths = torch.randint(length // 2, length, (size,), device=self.device)
                x = torch.randn(size, (self.dial.side // 16) ** 2, self.dial.channels, device=self.device)
                with autocast(self.device):
                    guess = base.guess(x, x.new_ones(size), hidden_states(base.encoder, ids), lengths)
                guess.float().square().mean().backward()  # type: ignore[no-untyped-call]
        except Exception as error:
            print(f"not compiled: {type(error).__name__}: {str(error).splitlines()[0][:200]}", flush=True)
            for block in blocks:
                block._compiled_call_impl = None
        transformer.zero_grad(set_to_none=True)
        base.encoder.zero_grad(set_to_none=True)
        self.note(compiled=time.monotonic() - begun)

    def learn_pictures(self, seconds: float, hold: float, *, muon: float | None = None, pairs: float = 0.0) -> None:
        """Stage 2 with the text encoder at half the rate.

        muon: Muon's rate, for the transformer's matrices; None is AdamW alone. pairs: the weight of what tells the
        errors of a pair apart, for a stream of pairs.
        """
        base, pool, device = self.base, self.pool, self.device
        named = base.parameters()
        base.average = {name: value.detach().clone() for name, value in named.items()}
        averages, current = list(base.average.values()), list(named.values())
        drawing = {name: p for name, p in named.items() if name.startswith("transformer.")}
        telling = {name: p for name, p in named.items() if name.startswith("encoder.")}
        telling |= {f"heads.{name}": p for name, p in self.words.heads.named_parameters()}
        parts = [(drawing, 1.0), (telling, 0.5)]
        optimizer = Optimizers(parts, self.dial.learning_rate, muon=muon, fused=device.type == "cuda")
        together = pool.together
        begun, steps, seen, clock, saves = time.monotonic(), 0, 0, Clock(5), Clock(90)
        smooth, chance = torch.zeros(2, device=device), torch.Generator(device).manual_seed(self.start)
        while (done := (time.monotonic() - begun) / seconds) < 1:
            self.take()
            for told in groups(pool, self.dial.batch, self.longhand):
                x = pool.latents[told.scenes].float()
                noise = torch.randn_like(x[::together]).repeat_interleave(together, 0)
                levels = noise_levels(len(x) // together, chance).repeat_interleave(together)
                silent = torch.rand(len(levels) // together, device=device) < EMPTY_CAPTIONS
                silent = silent.repeat_interleave(together)
                lengths = torch.where(silent, torch.ones_like(told.lengths), told.lengths)
                with autocast(device):
                    layers = hidden_states(base.encoder, told.ids)
                    guess = base.guess(torch.lerp(x, noise, levels[:, None, None]), levels, layers, lengths)
                    losses = self.words.losses(pool, told, layers[-1])
                error = guess.float() - (noise - x)
                loss = error.square().mean()
                if pairs:
                    losses["apart"] = apart(error, lengths)
                whole = loss + SKETCHED * total(losses) + pairs * losses.get("apart", 0.0)
                whole.backward()  # type: ignore[no-untyped-call]
                nn.utils.clip_grad_norm_(current, 1.0)
                optimizer.step(rate(done, steps, hold))
                torch._foreach_lerp_(averages, [p.detach() for p in current], 1 - ema_decay(steps, 0.999))
                which = int(told.ids.shape[1] > 256)
                smooth[which] = torch.where(
                    smooth[which] == 0, loss.detach(), torch.lerp(smooth[which], loss.detach(), 0.05)
                )
                steps, seen = steps + 1, seen + len(x)
            if clock.due() or time.monotonic() - begun >= seconds:
                at = time.monotonic() - begun
                self.note(step=steps, at=at, seen=seen, scenes=pool.count, short=smooth[0], long=smooth[1], **losses)
                if not torch.isfinite(smooth).all():
                    raise FloatingPointError(f"the loss at step {steps} is {smooth.tolist()}")
            if saves.due():
                self.save(steps, time.monotonic() - begun)
        self.save(steps, time.monotonic() - begun)


def main() -> None:
    parser = argparse.ArgumentParser(description="Trains the text encoder and the base by the clock, on a GPU")
    parser.add_argument("--work", type=Path, default=Path("var/nano"))
    parser.add_argument("--dial", choices=list(DIALS), default="gpu")
    parser.add_argument("--seconds", type=float, default=1200, help="of the base's training")
    parser.add_argument("--text-seconds", type=float, default=60, help="of the text encoder's before it; 0 to go on")
    parser.add_argument("--hold", type=float, default=0.5, help="share of the base's time at full rate")
    parser.add_argument("--processes", type=int, default=12, help="that draw scenes")
    parser.add_argument("--scenes", type=int, default=240_000, help="at most")
    parser.add_argument("--longhand", type=int, default=0, help=f"of {GROUP} batches hold long captions, few of them")
    parser.add_argument("--rate", type=float, help="the highest learning rate; the dial's by default")
    parser.add_argument("--muon", type=float, help="train the transformer's matrices by Muon, at this rate at most")
    parser.add_argument(
        "--pairs", type=float, default=0.0, help="weight of the difference between the errors of a scene on two grounds"
    )
    parser.add_argument("--no-compile", action="store_true")
    parser.add_argument("--attention", default="auto", help="auto, torch, efficient or math")
    parser.add_argument("--carry", type=Path, help="write the average here, in half precision and pieces of 16 MB")
    a = parser.parse_args()
    begun = time.monotonic()
    dial = DIALS[a.dial]
    dial = replace(dial, learning_rate=a.rate or dial.learning_rate)
    load_tokenizer(a.work, dial)  # which the stream's processes read
    with Stream(
        a.work, dial, a.processes, a.scenes // SHARD, long=a.longhand > 0, together=2 if a.pairs else 1
    ) as stream:
        joint = Joint(
            a.work,
            dial,
            stream,
            scenes=a.scenes,
            longhand=a.longhand,
            carry=a.carry,
            compile_=not a.no_compile,
            attention=a.attention,
        )
        joint.take(least=min(FIRST_SCENES, a.scenes) // SHARD)
        joint.note(ready=time.monotonic() - begun, scenes=joint.pool.count)
        if a.text_seconds > 0:
            joint.learn_words(a.text_seconds)
        joint.learn_pictures(a.seconds, a.hold, muon=a.muon, pairs=a.pairs)


if __name__ == "__main__":
    main()
