"""What a training can fail by, as a client is told."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import structlog

from sartor.errors import SartorError, Unavailable, Unprocessable
from sartor.kit.storage import StorageAway, is_full

log = structlog.get_logger(__name__)


@contextmanager
def readable() -> Iterator[None]:
    """Turns what a training can fail by into errors that a client can read, and a volume without room into StorageAway:
    the step waits. Anything else passes."""
    import torch
    from safetensors import SafetensorError

    from sartor.fibo import CheckpointError, TrainingDiverged
    from sartor.fibo.errors import CaptionsTooLarge

    try:
        yield
    except TrainingDiverged as error:
        raise Unprocessable(f"The training diverged at step {error.step}: a lower learning_rate may help.") from error
    except torch.OutOfMemoryError as error:
        raise Unprocessable("The device's memory is too small for this training: a lower rank may help.") from error
    except CaptionsTooLarge as error:
        raise Unprocessable(f"The training has no room: {error}.") from error
    except CheckpointError as error:
        log.exception("the checkpoint could not be loaded")
        raise Unavailable("The base model could not be loaded; the log says why.") from error
    except (OSError, SafetensorError) as error:
        if is_full(error):
            raise StorageAway(str(error)) from error
        raise


def record_of(error: Exception, job: str) -> dict[str, Any]:
    """What the client is told; a bug is only logged."""
    if isinstance(error, SartorError):
        return error.record()
    log.error("training failed", job=job, exc_info=error)
    return SartorError("An unexpected error ended the training; the log says more.").record()
