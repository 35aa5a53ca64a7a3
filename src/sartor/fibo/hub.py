"""Where a checkpoint is: a local folder, or the hub, whose refusals are turned into what to do about them."""

import re
from collections.abc import Sequence
from pathlib import Path

from sartor.fibo.errors import CheckpointError

HUB_ID = re.compile(r"[\w.-]+/[\w.-]+")
LOGIN = "log in with `hf auth login`"


def locate(checkpoint: str | Path, parts: Sequence[str]) -> Path:
    """The folder of a checkpoint; where there is none of that name, the hub's `owner/name`, with these parts.

    Raises CheckpointError: with what to do, where the hub wants a licence accepted or a login.
    """
    folder = Path(checkpoint).expanduser()
    if folder.is_dir():
        return folder
    if not HUB_ID.fullmatch(str(checkpoint)):
        raise CheckpointError(f"there is no checkpoint folder {checkpoint}")
    from huggingface_hub import snapshot_download

    patterns = ["model_index.json", *(f"{part}/*" for part in parts)]
    try:
        return Path(snapshot_download(str(checkpoint), allow_patterns=patterns, ignore_patterns=["*.bin", "*.pt"]))
    except Exception as error:
        raise CheckpointError(explain(str(checkpoint), error)) from error


def explain(name: str, error: Exception) -> str:
    """What a user can do about an error of the hub's client for the repository `owner/name`."""
    from huggingface_hub import errors

    if isinstance(error, errors.LocalEntryNotFoundError) and isinstance(error.__cause__, errors.HfHubHTTPError):
        error = error.__cause__  # an answer that the client takes for none
    page = f"https://huggingface.co/{name}"
    status = error.response.status_code if isinstance(error, errors.HfHubHTTPError) else None
    if isinstance(error, errors.GatedRepoError):
        return f"{name} is gated: accept the licence on the model's page, {page}, and {LOGIN}"
    if status == 401 and not isinstance(error, errors.RepositoryNotFoundError):
        return f"the hub wants a login that it knows (401): {LOGIN}, and accept the licence on the model's page, {page}"
    if isinstance(error, errors.RepositoryNotFoundError):
        return (
            f"{name} is neither a local folder nor a repository that the hub shows to you. If the name is right, "
            f"accept the licence on the model's page, {page}, and {LOGIN}"
        )
    if status == 403:
        return f"the hub refuses {name} to your login (403): accept the licence on the model's page, {page}"
    if isinstance(error, errors.LocalEntryNotFoundError):
        return f"{name} is not on this machine in full, and the hub could not be reached: {error}"
    return f"{name} is neither a local folder nor could it be fetched from the hub: {error}"
