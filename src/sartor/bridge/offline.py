"""English to structured prompts with no key and no network: a lexicon, a small grammar, and the captions' wording.

Deterministic: the same words, schema and prompt give the same answer. Once loaded
a prompt takes about 5 ms, a refinement 15.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from typing import Any

from sartor.bridge.base import Translation, UnusablePrompt, check_prompt, check_things
from sartor.bridge.english.attachment import attach
from sartor.bridge.english.draft import Draft, Piece
from sartor.bridge.english.grammar import analyse
from sartor.bridge.english.scene import realise
from sartor.bridge.english.shape import without_shape
from sartor.bridge.english.tagging import Tagger
from sartor.bridge.refining.clauses import VERBS
from sartor.bridge.refining.named_fields import change_named_fields
from sartor.bridge.refining.reading import read
from sartor.bridge.refining.refinement import Director
from sartor.bridge.refining.restating import restate
from sartor.bridge.refining.retelling import retell
from sartor.vgl import InvalidStructuredPrompt, StructuredPrompt, VisualSchema, complete, parse, plain

_READ = 400  # characters of a short description that are looked at
_SAID = frozenset({"short_description", "context", "text_render"})  # what a prompt of one sentence has
_GRAMMAR = "DoPQWUXE_p"  # codes of words that say nothing by themselves
_log = logging.getLogger(__name__)


class OfflineBridge:
    """A Bridge. One may serve many threads; the language data load on first use or by ``load``."""

    name = "offline"

    def __init__(self) -> None:
        self._tagger = Tagger(VERBS)

    def load(self) -> None:
        """Loads the language data now (about 3 s). Raises BridgeUnavailable where they are not installed."""
        self._tagger.load()
        self._tagger.tag("a cat")  # the first sentence takes longer

    def translate(self, prompt: str, *, visual_schema: VisualSchema | None = None) -> Translation:
        shapeless, shape = without_shape(check_prompt(prompt))
        prompt = shapeless or prompt
        spelled, slips = self._tagger.corrected(prompt)
        items = self._tagger.tag(spelled)
        draft = attach(analyse(items))
        draft.notes[:0] = [*(shape if shapeless else []), *slips]
        if _not_understood(draft, sum(len(item.text) for item in items if item.code not in _GRAMMAR)):
            draft.pieces = [Piece(re.sub(r"^(an?|the) ", "", " ".join(prompt.split()), flags=re.IGNORECASE))]
            draft.loose.clear()
        check_things(len(draft.pieces))
        with _held():
            vgl = realise(draft, visual_schema)
        return _translation(vgl, draft.notes)

    def refine(
        self, structured_prompt: StructuredPrompt, instruction: str, *, visual_schema: VisualSchema | None = None
    ) -> Translation:
        values = plain(structured_prompt)
        rest, notes = without_shape(check_prompt(instruction))
        rest, missed = change_named_fields(values, rest)
        notes += missed
        if rest:
            rest, slips = self._tagger.corrected(rest, " ".join(_texts(values)))
            notes += slips
            values, followed = self._follow(values, rest, visual_schema)
            notes += followed
        with _held():
            refined = parse(values)
            completed = complete(refined, visual_schema)
        if refined == structured_prompt:
            notes.append("nothing changed")
        return _translation(completed, notes)

    def _follow(
        self, values: dict[str, Any], instruction: str, visual_schema: VisualSchema | None
    ) -> tuple[dict[str, Any], list[str]]:
        """A prompt's fields after an instruction, and what was not understood of it."""
        text = values.get("short_description", "")
        told = analyse(self._tagger.tag(text[:_READ]))
        with _held():
            drawn = _described(values, attach(told))
        values |= deepcopy(drawn)
        stage = read(values, self._tagger, visual_schema.background_setting if visual_schema else None)
        setting = stage.setting
        director = Director(stage, values, instruction)
        director.follow(analyse(self._tagger.tag(instruction), instruction=True))
        restate(values, stage, director.asked)
        if values.get("objects") == drawn.get("objects"):  # nothing was asked of what only the sentence names
            values = {name: value for name, value in values.items() if value != drawn.get(name)}
        if text:
            values["short_description"] = retell(text, told, stage, setting)
        return values, director.notes


@contextmanager
def _held() -> Iterator[None]:
    """What says more than a structured prompt can hold (hundreds of texts to be drawn) is the prompt's fault."""
    try:
        yield
    except InvalidStructuredPrompt as error:
        raise UnusablePrompt(f"the prompt says more than a structured prompt can hold: {error}") from error


def _not_understood(draft: Draft, letters: int) -> bool:
    """Nothing is known and most words would be lost, as in another language: the prompt itself has to describe.

    letters: of all words but those that are grammar alone."""
    known = (
        draft.ground is not None
        or bool(draft.without or draft.style or draft.medium or draft.light or draft.free_light)
        or any(piece.concept or piece.details or piece.colors or piece.count > 1 for piece in draft.pieces)
    )
    said = [piece.phrase for piece in draft.pieces] + draft.loose
    return not known and sum(map(len, said)) < 0.6 * letters


def _described(values: dict[str, Any], draft: Draft) -> dict[str, Any]:
    """The objects and the background of a prompt that says them in its ``short_description`` alone."""
    if not values.keys() <= _SAID or not any(piece.concept for piece in draft.pieces):
        return {}
    scene = plain(realise(draft, None))
    return {name: scene[name] for name in ("objects", "background_setting") if name == "objects" or draft.ground}


def _texts(value: Any) -> Iterator[str]:
    """Every text in JSON values."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for part in value.values() if isinstance(value, dict) else value:
            yield from _texts(part)


def _translation(vgl: StructuredPrompt, notes: list[str]) -> Translation:
    for note in notes:
        _log.debug("%s", note)  # notes repeat the prompt's words
    return Translation(vgl, tuple(notes))
