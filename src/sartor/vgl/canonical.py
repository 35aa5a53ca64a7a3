"""One text for one meaning: the canonical JSON of a structured prompt, which is what the engine is given."""

from __future__ import annotations

import json

from sartor.vgl.schema import StructuredPrompt, plain


def canonical(vgl: StructuredPrompt) -> str:
    """Compact JSON in the public field order, unknown fields after the known ones and sorted, nothing empty.

    ``parse(canonical(vgl)) == vgl`` for every prompt that ``parse`` returned, and
    ``canonical(parse(canonical(vgl))) == canonical(vgl)`` for every prompt.
    Raises InvalidStructuredPrompt for a prompt that was built past the bounds of ``parse``.
    """
    return json.dumps(plain(vgl), ensure_ascii=False, separators=(",", ":"), allow_nan=False)
