"""A visual schema or a caption, changed as somebody's words ask."""

from __future__ import annotations

import structlog

from sartor.bridge.base import Bridge, BridgeUnavailable, ContentRefused, UnusablePrompt
from sartor.errors import BadRequest, Moderated, Unavailable
from sartor.vgl import canonical, parse

log = structlog.get_logger(__name__)


def refine(bridge: Bridge, structured_prompt: str, instruction: str) -> str:
    """Canonical JSON. Raises BadRequest, Moderated, Unavailable."""
    try:
        refined = bridge.refine(parse(structured_prompt), instruction)
    except UnusablePrompt as error:
        raise BadRequest(f"instruction: {error}") from None
    except ContentRefused:
        raise Moderated("instruction", "refused by the language model's provider") from None
    except BridgeUnavailable as error:
        log.warning("bridge unavailable", reason=str(error))
        raise Unavailable(str(error)) from None
    return canonical(refined.structured_prompt)
