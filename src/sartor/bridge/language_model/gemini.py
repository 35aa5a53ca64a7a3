"""Words in any language to structured prompts, by Gemini or another model that litellm reaches, asked as bria-vgl asks.

The model proposes, the code here decides: a reply counts for the fields that were asked for, the brand's look is put in
by ``sartor.vgl``, and of a refinement only the changes that the instruction accounts for are made.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from sartor.bridge.base import Translation, UnusablePrompt, check_prompt
from sartor.bridge.language_model.asking import CHANGED, about_refinement, about_scene
from sartor.bridge.language_model.completion import DEFAULT_MODEL, LanguageModel, Patience
from sartor.bridge.language_model.replying import read_partial, read_reply, read_scene
from sartor.bridge.language_model.touched import keep_touched, read_claims
from sartor.vgl import InvalidStructuredPrompt, StructuredPrompt, VisualSchema, complete, diff, merge, plain, texts

_log = logging.getLogger(__name__)


class GeminiBridge:
    """A Bridge. One may serve many threads. What it is given leaves this machine, for the model's provider."""

    name = "gemini"

    def __init__(
        self,
        model: str = DEFAULT_MODEL,
        *,
        key: str = "",
        address: str | None = None,
        patience: Patience | None = None,
    ) -> None:
        """``model`` is a litellm name; ``address`` a server of the same protocol instead of the provider's own.

        Raises BridgeUnavailable where the extra `gemini` is not installed, or a Gemini model has no key.
        """
        self._model = LanguageModel(model, key=key, address=address, patience=patience or Patience())

    def load(self) -> None:
        """Imports the libraries now (5 s and more)."""
        self._model.load()

    def translate(self, prompt: str, *, visual_schema: VisualSchema | None = None) -> Translation:
        """Also raises ContentRefused where the provider's rules forbid the content."""
        question = about_scene(check_prompt(prompt), visual_schema)
        scene = self._model.ask(question, lambda reply, _: read_scene(read_reply(reply, question.schema)))
        with _held():
            merged = merge(visual_schema, scene)
        overruled = (change for change in diff(scene, merged) if change.before is not None)
        return _translation(
            merged,
            [f'the visual schema decides {one.path}: "{one.after}", not "{one.before}"' for one in overruled],
        )

    def refine(
        self, structured_prompt: StructuredPrompt, instruction: str, *, visual_schema: VisualSchema | None = None
    ) -> Translation:
        """Also raises ContentRefused where the provider's rules forbid the content."""
        instruction = check_prompt(instruction)
        question = about_refinement(structured_prompt, instruction, visual_schema)
        given = frozenset(texts(plain(structured_prompt)))

        def changed(reply: str, first: bool) -> tuple[StructuredPrompt, list[str]]:
            values = read_reply(reply, question.schema, given=given)
            claims = read_claims(values.pop(CHANGED, None), instruction, strict=first)
            with _held():
                return keep_touched(structured_prompt, read_partial(values), claims, question.schema)

        refined, notes = self._model.ask(question, changed)
        with _held():
            completed = complete(refined, visual_schema)
        if refined == structured_prompt:
            notes.append("nothing changed")
        return _translation(completed, notes)


@contextmanager
def _held() -> Iterator[None]:
    """What says more than a structured prompt can hold is the fault of what was given."""
    try:
        yield
    except InvalidStructuredPrompt as error:
        raise UnusablePrompt(f"it makes more than a structured prompt can hold: {error}") from error


def _translation(vgl: StructuredPrompt, notes: list[str]) -> Translation:
    for note in notes:
        _log.debug("%s", note)  # notes repeat the prompt's words
    return Translation(vgl, tuple(notes))
