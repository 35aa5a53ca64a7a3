"""From words to structured prompts: one protocol, a bridge that needs neither key nor network, and one that asks a
language model."""

from sartor.bridge.base import (
    Bridge,
    BridgeError,
    BridgeUnavailable,
    ContentRefused,
    NoUsableReply,
    Translation,
    UnusablePrompt,
)
from sartor.bridge.language_model.gemini import GeminiBridge
from sartor.bridge.offline import OfflineBridge

__all__ = [
    "Bridge",
    "BridgeError",
    "BridgeUnavailable",
    "ContentRefused",
    "GeminiBridge",
    "NoUsableReply",
    "OfflineBridge",
    "Translation",
    "UnusablePrompt",
]
