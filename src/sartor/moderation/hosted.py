"""Words, checked by a hosted moderation model that litellm reaches, such as ``openai/omni-moderation-latest``.

It understands what phrase lists do not, in many languages, and knows neither underwear nor gestures nor games for
money: it is asked after the lists, not instead of them. The words leave this machine. Where it does not answer, the
check fails; nothing passes unchecked.

The key and the address come from the environment, under the names that litellm and the provider's client read
(``OPENAI_API_KEY``, ``OPENAI_BASE_URL``).
"""

from __future__ import annotations

import importlib.util
import logging
from collections.abc import Mapping
from typing import Any

from sartor.bridge.language_model.packages import load_litellm
from sartor.moderation.base import Finding, ModeratorUnavailable

_log = logging.getLogger(__name__)

# The categories of OpenAI's moderation endpoint, with _ for its / and -.
_OURS = {
    "sexual": "explicit",
    "sexual_minors": "explicit",
    "violence": "violence",
    "violence_graphic": "disturbing",
    "self_harm": "disturbing",
    "self_harm_intent": "disturbing",
    "self_harm_instructions": "disturbing",
    "hate": "hate",
    "hate_threatening": "hate",
    "harassment": "hate",
    "harassment_threatening": "hate",
    "illicit": "substances",
    "illicit_violent": "violence",
}
# Another server's category that we have no name for is refused under the widest of ours.
_OTHER = "disturbing"
_NAMES = ("litellm", "openai")


class HostedModerator:
    """Imports litellm on first use, or in ``warm_up``; safe to use from several threads."""

    def __init__(
        self,
        model: str,
        *,
        key: str | None = None,
        address: str | None = None,
        attempt: float = 10.0,
        attempts: int = 3,
    ) -> None:
        """``model`` is a litellm name. ``key`` and ``address`` stand in for those of the environment.

        A check ends after ``attempts`` attempts of ``attempt`` seconds each. Raises ModeratorUnavailable where the
        packages are missing.
        """
        if not all(importlib.util.find_spec(name) for name in _NAMES):
            raise ModeratorUnavailable('a moderation model needs the extra "hosted": docs/moderation.md has how')
        self._model = model
        self._key = key
        self._address = address
        self._attempt = attempt
        self._attempts = attempts

    def warm_up(self) -> None:
        """Imports litellm, which takes seconds."""
        load_litellm()

    def check(self, text: str) -> Finding | None:
        """The flagged category with the highest score. Raises ModeratorUnavailable for every failure."""
        self.warm_up()
        import litellm
        import openai

        try:
            model, _, key, address = litellm.get_llm_provider(self._model, api_base=self._address, api_key=self._key)
            # litellm.moderation takes the provider's prefix for part of the name, and waits ten minutes by itself.
            with openai.OpenAI(
                api_key=key, base_url=address, timeout=self._attempt, max_retries=self._attempts - 1
            ) as client:
                response = litellm.moderation(input=text, model=model, client=client)
            return _finding(response.model_dump(by_alias=True)["results"])
        except Exception as error:
            _log.warning("%s did not check: %s", self._model, type(error).__name__)
            raise ModeratorUnavailable(f"{self._model}: {type(error).__name__}") from error


def _finding(results: list[Mapping[str, Any]]) -> Finding | None:
    """Raises LookupError for an answer without a result: it says nothing, not that the text is innocent."""
    if len(results) != 1:
        raise LookupError(f"{len(results)} results for one text")
    result = results[0]
    if not result["flagged"]:
        return None
    scores = {name: score or 0.0 for name, score in (result.get("category_scores") or {}).items()}
    flagged = [name for name, is_flagged in (result.get("categories") or {}).items() if is_flagged]
    worst = max(flagged, key=lambda name: scores.get(name, 0.0), default="flagged")
    category = _OURS.get(worst.replace("/", "_").replace("-", "_"), _OTHER)
    return Finding(category, f"{worst} {scores.get(worst, 0.0):.2f}")
