"""A training's checkpoints on disk."""

from pathlib import Path

import torch

from sartor.fibo.training_state import checkpoints, load_checkpoint_state, save_checkpoint


def test_two_processes_may_save_the_same_step_at_once(tmp_path: Path) -> None:
    """One that was frozen, and the one that took its training over, in a folder that both have."""

    def save(adapter: bytes, *, other: bool) -> None:
        def write(folder: Path) -> None:
            if other:
                save(b"the other's", other=False)
            (folder / "adapter").write_bytes(adapter)

        save_checkpoint(tmp_path, 20, {"weight": torch.ones(2)}, {"step": 20}, write, keep=2)

    save(b"one's", other=True)
    (saved,) = checkpoints(tmp_path)
    assert (saved / "adapter").read_bytes() == b"one's"
    assert load_checkpoint_state(saved)[1] == {"step": 20}
    assert list(tmp_path.iterdir()) == [saved]
