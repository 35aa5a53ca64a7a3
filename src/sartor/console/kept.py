"""What was written into a form that came without a valid token: it waits on the sign-in page, and comes back to be read
and sent. Nothing is done with it before that."""

from __future__ import annotations

from collections.abc import Mapping

from fastapi import Request
from starlette.exceptions import HTTPException

from sartor.console.forms import texts
from sartor.console.session import PATH

# The fields that people write into, and what is written as JSON; all others are chosen, or were on the page already.
WRITTEN = (
    "prompt",
    "structured_prompt",
    "negative_prompt",
    "instruction",
    "visual_schema",
    "caption",
    "name",
    "dataset_name",
    "project_name",
    "project_description",
    "description",
    "ip_name",
    "ip_description",
)
# Bytes of a form as it is sent: signing in sends it once more, in a body that may not be larger than any other.
_LARGEST = 500_000
_URLENCODED, _FILES = "application/x-www-form-urlencoded", "multipart/form-data"
# Apart from the fields of the sign-in itself.
_PREFIX = "kept."


async def keep(request: Request) -> tuple[dict[str, str], str]:
    """The fields of a form that is not let in, where somebody wrote into one of them, and what to tell its sender."""
    told = "You were no longer signed in when this form was sent. Nothing has been done."
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    size = request.headers.get("content-length", "")
    if kind == _FILES:
        return {}, f"{told} Its files have to be chosen again."
    if kind != _URLENCODED or not size.isdigit():
        return {}, told
    if len(size) > len(str(_LARGEST)) or int(size) > _LARGEST:
        return {}, f"{told} What you wrote is too long to be kept here: go back in your browser, and copy it first."
    try:
        given = texts(await request.form())
    except HTTPException:  # more fields than any form has
        return {}, told
    if not any(given.get(name, "").strip() for name in WRITTEN):
        return {}, told
    return given, f"{told} What you wrote is shown again after signing in."


def hidden(kept: Mapping[str, str]) -> dict[str, str]:
    """The fields as the sign-in page carries them."""
    return {_PREFIX + name: value for name, value in kept.items()}


def carried(given: Mapping[str, str]) -> dict[str, str]:
    """The fields that the sign-in page carried."""
    return {name.removeprefix(_PREFIX): value for name, value in given.items() if name.startswith(_PREFIX)}


def form_of_console(address: str) -> str:
    """Where a form that was kept goes: the address where it is one of the console's, else none."""
    return address if address.startswith(f"{PATH}/") and not address.startswith(f"{PATH}/sign-") else ""
