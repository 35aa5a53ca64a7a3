"""Signatures, judged by the public client."""

from dataclasses import replace

from sartor.accounts.signing import signing_key
from sartor.webhooks.signature import headers
from tests.webhooks.receiver import Message

BODY = '{"status":"COMPLETED","prompt":"ein Bär, 🐻"}'.encode()


def message(token: str = "sartor_token") -> Message:
    made = headers("the-id", 1_700_000_000, BODY, signing_key(token))
    return Message({name.lower(): value for name, value in made.items()}, BODY)


def test_a_signature_is_accepted() -> None:
    assert message().is_signed_for("sartor_token")
    assert message().headers["bria-webhook-timestamp"] == "1700000000"
    assert message().headers["content-type"] == "application/json"


def test_nothing_of_it_can_be_changed() -> None:
    signed = message()
    assert not signed.is_signed_for("sartor_another")
    assert not replace(signed, raw=BODY + b" ").is_signed_for("sartor_token")
    for name, value in (("bria-webhook-id", "other-id"), ("bria-webhook-timestamp", "1700000001")):
        assert not replace(signed, headers=signed.headers | {name: value}).is_signed_for("sartor_token")
