"""What is sent to a language model beside the messages: bria-vgl's parameters, with as little thinking as it allows."""

from __future__ import annotations

import re
from typing import Any

from sartor.bridge.language_model.asking import Question

# Tokens that a reply may be longer by where the model thinks: its thoughts count as part of it.
THOUGHTS = 16_000
_LEAST_BUDGET_OF_PRO = 128  # gemini-2.5-pro cannot be kept from thinking
_VERSION = re.compile(r"gemini-(\d+)(?:\.(\d+))?")


def parameters(model: str, question: Question, *, limit_thinking: bool) -> dict[str, Any]:
    """The arguments of ``litellm.completion`` for a model by its litellm name; needs ``packages.load``."""
    from bria_vgl import gateway

    found: dict[str, Any] = gateway._params(
        model, question.temperature, 1.0, None, question.most_tokens, question.schema, {}
    )
    found.pop("metadata", None)
    if "extra_body" in found:  # Gemini's
        config = found["extra_body"]["generationConfig"]
        config.pop("thinkingConfig", None)
        least = least_thinking(model) if limit_thinking else {}
        if least:
            config["thinkingConfig"] = least
        if least != {"thinkingBudget": 0}:
            found["max_tokens"] += THOUGHTS
    elif "response_format" in found:
        found["response_format"] = _form(model, found["response_format"]["response_schema"])
    return found


def _form(model: str, schema: dict[str, Any]) -> dict[str, Any]:
    """OpenAI's ``response_format``, which litellm turns into other providers': bria-vgl's own is litellm's alone."""
    import litellm

    if not litellm.supports_response_schema(model=model):
        return {"type": "json_object"}
    return {"type": "json_schema", "json_schema": {"name": "structured_prompt", "schema": schema}}


def limits_thinking(given: dict[str, Any]) -> bool:
    """Whether the parameters say how much to think."""
    return "thinkingConfig" in given.get("extra_body", {}).get("generationConfig", {})


def least_thinking(model: str) -> dict[str, Any]:
    """Gemini's ``thinkingConfig`` for as little as the model is known to allow; empty for models that do not think.

    Sources: ai.google.dev/gemini-api/docs/thinking for budgets (2.5) and levels (3 and newer), and litellm's price list
    for who has no level "minimal". A name without a version, as in gemini-flash-latest, is taken for a new model.
    """
    import litellm

    name = model.rpartition("/")[2].lower()
    found = _VERSION.match(name)
    if not name.startswith("gemini") or (found and (int(found[1]), int(found[2] or 0)) < (2, 5)):
        return {}
    if found and int(found[1]) < 3:
        return {"thinkingBudget": _LEAST_BUDGET_OF_PRO if "-pro" in name else 0}
    listed = litellm.model_cost.get(model, {}).get("supports_minimal_reasoning_effort", "flash" in name)
    return {"thinkingLevel": "minimal" if found and listed else "low"}
