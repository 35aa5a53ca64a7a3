"""What every training stage shares: a folder that can be resumed, a log file, a progress bar, a rate schedule."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from queue import Full, Queue
from typing import Any, TypeVar, cast

import torch
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from sartor.fibo.training_step import choose_precision

Item = TypeVar("Item")
EVERY = 20  # steps of which one's losses are shown and logged


def training_device() -> torch.device:
    """The first GPU where there is one, else the CPU. There PyTorch no longer takes cuDNN's attention by itself, whose
    backward pass is wrong where gradients of two layouts meet (decision 14)."""
    if not torch.cuda.is_available():
        return torch.device("cpu")
    torch.backends.cuda.enable_cudnn_sdp(False)
    return torch.device("cuda")


def training_dtype(device: torch.device) -> torch.dtype:
    """bfloat16 where matrix products in it are fast (a GPU, or a CPU with instructions for it), else float32.

    Measured on two cores: linear layers run 8 to 25 times faster in bfloat16 with AMX tiles, 2 to 3.5 times with
    AVX-512 BF16; without either they are slower than in float32.
    """
    dtype, _ = choose_precision(device, "auto")
    return dtype or torch.float32


@contextmanager
def autocast(device: torch.device) -> Iterator[None]:
    dtype = training_dtype(device)
    with torch.autocast(device.type, dtype, enabled=dtype != torch.float32):
        yield


def schedule(step: int, total: int, *, warm_up: int = 200, hold: float = 0.5) -> float:
    """Factor 0..1 of the learning rate: linear warm-up, constant, then linear to zero from `hold` of the way on."""
    if step < warm_up:
        return (step + 1) / warm_up
    start = hold * total
    return 1.0 if step < start else max(0.0, (total - step) / (total - start))


class Run:
    """A stage's folder: `log.jsonl`, and `last/` with tensors and a small JSON state, replaced atomically."""

    def __init__(self, folder: Path):
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def save(self, tensors: dict[str, torch.Tensor], state: dict[str, Any], name: str = "last") -> None:
        fresh = self.folder / f"{name}.new.safetensors"
        metadata = {"state": json.dumps(state)}
        save_file({k: v.detach().contiguous().cpu().clone() for k, v in tensors.items()}, fresh, metadata=metadata)
        fresh.replace(self.folder / f"{name}.safetensors")

    def load(self, name: str = "last") -> tuple[dict[str, torch.Tensor], dict[str, Any]] | None:
        path = self.folder / f"{name}.safetensors"
        return (load_file(path), self.state(name)) if path.exists() else None

    def state(self, name: str = "last") -> dict[str, Any]:
        """What `save` was given besides the tensors; empty where nothing was saved."""
        path = self.folder / f"{name}.safetensors"
        if not path.exists():
            return {}
        with safe_open(path, "pt") as file:
            state: dict[str, Any] = json.loads((file.metadata() or {}).get("state", "{}"))
        return state

    def log(self, **values: float | int | str) -> None:
        with (self.folder / "log.jsonl").open("a") as file:
            file.write(json.dumps({"time": round(time.time(), 1), **values}) + "\n")


def optimizer_tensors(optimizer: torch.optim.Optimizer) -> dict[str, torch.Tensor]:
    """AdamW's state as named tensors, fp32."""
    tensors = {}
    for index, values in optimizer.state_dict()["state"].items():
        for name, value in values.items():
            tensors[f"optimizer.{index}.{name}"] = value.float()
    return tensors


def restore_optimizer(optimizer: torch.optim.Optimizer, tensors: dict[str, torch.Tensor]) -> None:
    state = optimizer.state_dict()
    restored: dict[int, dict[str, torch.Tensor]] = {}
    for key, value in tensors.items():
        if key.startswith("optimizer."):
            _, index, name = key.split(".", 2)
            restored.setdefault(int(index), {})[name] = value
    state["state"] = restored
    optimizer.load_state_dict(state)


def progress_bar() -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}"),
        refresh_per_second=0.5,
    )


def ahead(items: Iterator[Item], count: int = 4) -> Iterator[Item]:
    """The same items, up to `count` of them made beforehand in a thread, so that a GPU need not wait for them."""
    made: Queue[tuple[Item | None, BaseException | None]] = Queue(count)
    stop = threading.Event()

    def offer(item: Item | None, error: BaseException | None) -> bool:
        while not stop.is_set():
            try:
                made.put((item, error), timeout=0.2)
                return True
            except Full:
                continue
        return False

    def make() -> None:
        try:
            for item in items:
                if not offer(item, None):
                    return
            offer(None, StopIteration())
        except BaseException as error:  # handed to whoever waits for the item
            offer(None, error)

    threading.Thread(target=make, daemon=True).start()
    try:
        while True:
            item, error = made.get()
            if isinstance(error, StopIteration):
                return
            if error is not None:
                raise error
            yield cast(Item, item)
    finally:
        stop.set()


class Clock:
    """Says when something is due: every `seconds`."""

    def __init__(self, seconds: float, now: Callable[[], float] = time.monotonic):
        self.seconds, self.now, self.last = seconds, now, now()

    def due(self) -> bool:
        if self.now() - self.last >= self.seconds:
            self.last = self.now()
            return True
        return False


def ema_decay(step: int, target: float = 0.9995) -> float:
    """Grows towards the target so that early weights are forgotten: min(target, (1 + step) / (10 + step))."""
    return min(target, (1 + step) / (10 + step))


def set_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """Sets the learning rate of every group of parameters, times the group's "scale" where it has one."""
    for group in optimizer.param_groups:
        group["lr"] = rate * group.get("scale", 1.0)


def prefixed(prefix: str, tensors: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The tensors with the prefix before their names, so that several networks' can be saved together."""
    return {prefix + name: tensor for name, tensor in tensors.items()}


def under(prefix: str, tensors: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Of saved tensors those that were so prefixed, by their own names."""
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}


class Steps:
    """The numbers of a stage's steps, one after the other; what is due between them happens between them.

    `save` gives the tensors that are stored every `save_seconds`, with `state` and how many steps are done. `show`
    draws a sheet to look at, into the file that it is given, every `show_seconds`. Both also after the last step.
    """

    def __init__(
        self,
        run: Run,
        name: str,
        start: int,
        stop: int,
        *,
        save: Callable[[], dict[str, torch.Tensor]],
        state: dict[str, Any] | None = None,
        save_seconds: float = 150,
        show: Callable[[Path], None] | None = None,
        show_seconds: float = 300,
    ):
        self.run, self.name, self.start, self.stop = run, name, start, stop
        self.save, self.state, self.save_clock = save, state or {}, Clock(save_seconds)
        self.show, self.show_clock = show, Clock(show_seconds)
        self.step = start
        self._update: Callable[[str], None] = lambda note: None

    def __iter__(self) -> Iterator[int]:
        with progress_bar() as bar:
            task = bar.add_task(self.name, total=self.stop, completed=self.start, note="")
            self._update = lambda note: bar.update(task, completed=self.step, note=note)
            for step in range(self.start, self.stop):
                self.step = step
                yield step
                last = step == self.stop - 1
                if self.save_clock.due() or last:
                    self.run.save(self.save(), {**self.state, "step": step + 1})
                if self.show is not None and (self.show_clock.due() or last):
                    self.show(self.run.folder / f"grid-{step:06d}.png")

    def tell(self, **losses: float | torch.Tensor) -> None:
        """This step's losses, for the bar and the log: every twentieth step's. Others are not even waited for."""
        if self.step % EVERY == 0:
            values = {name: torch.as_tensor(loss).detach().item() for name, loss in losses.items()}
            self._update(", ".join(f"{name} {value:.4f}" for name, value in values.items()))
            self.run.log(step=self.step, **values)
