"""The shape of the picture ("16:9", "square format"): a request's ``aspect_ratio``, and nothing in the scene."""

from __future__ import annotations

import re

_NOUN = r"(?:format|orientation|aspect(?:[- ]ratio)?|ratio|crop|canvas|mode|layout|dimensions)"
_PICTURE = r"(?:image|picture|photo|version|post|frame|canvas|output|shape)"
_RATIO = r"(?:1[:x]1|2[:x]3|3[:x]2|3[:x]4|4[:x]3|4[:x]5|5[:x]4|9[:x]16|16[:x]9|21[:x]9)(?!\w|[:.]\d)"
_SHAPE = rf"(?:{_RATIO}|square|landscape|portrait|vertical|horizontal|widescreen|panoramic)"
_VERB = r"(?:please )?(?:make|turn|change|set|convert|crop|resize|render|use|have)"
_LEAD = r"(?:(?:in|into|as|to|with|at|for)\s+)?(?:(?:an?|the)\s+)?"
_WHOLE = rf"(?:it|this|(?:the|this) (?:whole )?{_PICTURE})"
_SAID = (
    rf"{_VERB} (?:the )?{_NOUN} (?:to |into |be )?(?:an? )?{_SHAPE}(?: {_NOUN})?",
    rf"{_VERB} (?:{_WHOLE} )?{_LEAD}{_SHAPE} {_NOUN}",
    rf"{_VERB} (?:{_WHOLE} )?{_LEAD}{_RATIO}(?: {_PICTURE})?",
    rf"--(?:ar|aspect) {_RATIO}",
    rf"{_LEAD}(?:aspect[- ]ratio(?: of|:)? )?{_RATIO}(?: (?:{_NOUN}|{_PICTURE}))?",
    rf"{_LEAD}(?:square|landscape|portrait|vertical|horizontal|widescreen) {_NOUN}",
)
_ANYWHERE = re.compile(rf"(?<![\w:])(?:{'|'.join(_SAID)})(?!\w)", re.IGNORECASE)
# "It" is a thing where another clause has named one.
_AT_FIRST = re.compile(
    rf"^{_VERB} {_WHOLE} (?:into )?(?:an? )?"
    rf"(?:(?:square|vertical|horizontal|widescreen|landscape)(?: {_PICTURE})?|portrait {_PICTURE})"
    r"(?=\s*(?:$|[.,;!]|and\b))",
    re.IGNORECASE,
)
_QUOTED = re.compile(r"[\"“”„«][^\"“”„«»]*[\"“”»]")
_NOTE = "the shape of the picture is the request's aspect_ratio, and no part of a structured prompt: "


def without_shape(text: str) -> tuple[str, list[str]]:
    """The text without words about the picture's shape, and a note of each. Quoted words stay."""
    quoted = [match.span() for match in _QUOTED.finditer(text)]
    found = [*_AT_FIRST.finditer(text)] or [*_ANYWHERE.finditer(text)]
    found = [match for match in found if not any(start <= match.start() < end for start, end in quoted)]
    if not found:
        return text, []
    notes, rest = [f'{_NOTE}"{match.group().strip().lower()}"' for match in found], text
    for match in reversed(found):
        rest = rest[: match.start()] + rest[match.end() :].lstrip()
    rest = re.sub(r"([,;])\s*(?=[,;.!?]|$)|\s+(?=[,;.!?])", "", rest)
    return re.sub(r"^[\s,;.!?]*(?:and\b|but\b|then\b)?\s*|[\s,;]*(?:\b(?:and|but|in|for))?[\s,;]*$", "", rest), notes
