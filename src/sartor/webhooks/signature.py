"""The headers by which a receiver knows that a webhook is ours and whole."""

from __future__ import annotations

import base64
import hmac


def headers(webhook_id: str, timestamp: int, body: bytes, key: bytes) -> dict[str, str]:
    """``timestamp`` is in epoch seconds. The signature is HMAC-SHA256 with ``key`` over ``{id}.{timestamp}.{body}``,
    in base64 behind its version, as the public service's clients verify it."""
    message = f"{webhook_id}.{timestamp}.".encode() + body
    signature = base64.b64encode(hmac.digest(key, message, "sha256")).decode()
    return {
        "Content-Type": "application/json",
        "Bria-Webhook-Id": webhook_id,
        "Bria-Webhook-Timestamp": str(timestamp),
        "Bria-Webhook-Signature": f"v1={signature}",
    }
