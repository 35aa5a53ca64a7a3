"""bria-vgl and litellm, imported late (they take 5 s and more) and made quiet first.

Left alone litellm fetches a price list from the internet when it is imported, reads a .env file of the folder that the
process happens to be in, prints, and writes whole requests into its log at DEBUG.
"""

from __future__ import annotations

import importlib
import importlib.util
import logging
import os

_NAMES = ("bria_vgl", "litellm")
_MODULES = ("bria_vgl.dialects.thales", "litellm.llms.custom_httpx.http_handler")
_LOUD = ("LiteLLM", "LiteLLM Router", "LiteLLM Proxy")


def installed() -> bool:
    """Whether the packages of the extra `gemini` are there; nothing is imported."""
    return all(importlib.util.find_spec(name) for name in _NAMES)


def load() -> None:
    """Imports them, once; every import of theirs comes after a call of this."""
    load_litellm()
    for name in _MODULES:
        importlib.import_module(name)


def load_litellm() -> None:
    """Imports litellm alone."""
    os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")
    os.environ.setdefault("LITELLM_MODE", "PRODUCTION")
    for name in _LOUD:
        logging.getLogger(name).setLevel(logging.CRITICAL)
    import litellm

    for name in _LOUD:  # once more: LITELLM_LOG in the environment sets them as it is imported
        logging.getLogger(name).setLevel(logging.CRITICAL)
    litellm.telemetry = False
    litellm.suppress_debug_info = True
    litellm.turn_off_message_logging = True
