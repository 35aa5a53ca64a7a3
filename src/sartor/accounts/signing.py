"""The key that a token's webhooks are signed with, kept so that this service can sign and a stolen database cannot.

Whoever has the token derives the same key: HMAC-SHA256 with the token as its key, over a fixed text. The token itself
is not kept, so the derived key is, encrypted with AES-256-GCM under a key derived from ``SARTOR_SECRET_KEY``.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

# Fixed by the public service: its clients derive with it too.
_DERIVATION = b"bria-webhook-signing-v1"
_MARK_BYTES, _NONCE_BYTES = 8, 12


def signing_key(token: str) -> bytes:
    """32 bytes."""
    return hmac.digest(token.encode("utf-8", "surrogateescape"), _DERIVATION, "sha256")


class Seal:
    """Closes secrets for the database: a mark of the key that closed it, a nonce, and the encrypted secret."""

    def __init__(self, key: bytes) -> None:
        own = hmac.digest(key, b"sartor webhook signing keys v1", "sha256")
        self._cipher = AESGCM(own)
        self._mark = hashlib.sha256(own).digest()[:_MARK_BYTES]

    def close(self, secret: bytes, owner: str) -> bytes:
        """``owner`` is whose secret it is: moved to another row it does not open."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return self._mark + nonce + self._cipher.encrypt(nonce, secret, owner.encode())

    def fits(self, closed: bytes | None) -> bool:
        """Whether ``closed`` is there and was closed under this key."""
        return closed is not None and closed.startswith(self._mark)

    def open(self, closed: bytes | None, owner: str) -> bytes | None:
        """The secret; None where there is none, or where it was closed under another key or for another owner."""
        if closed is None or not self.fits(closed):
            return None
        nonce, text = closed[_MARK_BYTES:][:_NONCE_BYTES], closed[_MARK_BYTES + _NONCE_BYTES :]
        try:
            return self._cipher.decrypt(nonce, text, owner.encode())
        except InvalidTag:
            return None
