"""From words to structured prompts: one protocol, and a bridge that needs neither key nor network."""

from sartor.bridge.base import Bridge, BridgeError, BridgeUnavailable, Translation, UnusablePrompt
from sartor.bridge.offline import OfflineBridge

__all__ = ["Bridge", "BridgeError", "BridgeUnavailable", "OfflineBridge", "Translation", "UnusablePrompt"]
