"""What is drawn of a checkpoint to judge it by: things that it has seen and others, in the brand's look.

The score is how far the pictures of unseen things are from the brand's own in look (captioning/likeness.py): whether
the look was learned, and not only the pictures. The loss on held-out pictures would cost pictures, and says the
opposite of what one sees: docs/training.md has the figures.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image

from sartor.captioning.likeness import style_distance
from sartor.models.pictures import sample_sheet
from sartor.nano.concepts import CONCEPT_BY_NAME
from sartor.vgl import canonical, merge, parse, parse_visual_schema, plain

if TYPE_CHECKING:
    from sartor.fibo import Checkpoint

_MOST_STEPS = 20
# As many of the brand's own pictures show its look; more would only take memory.
_COMPARED = 48
# Distances in look between checkpoints of one training differ by up to three times this from draw to draw.
AS_GOOD = 0.001
_SEEN = 3
_UNSEEN = 5
# Everyday things that the embedded model knows too; the first that no caption speaks of are drawn.
CONCEPTS = (
    "butterfly", "sailboat", "pear", "penguin", "guitar", "bell", "cactus", "bus", "strawberry", "snowman", "crown",
    "dog", "rocket", "umbrella", "balloon", "house", "key", "lion", "robot", "mushroom",
)  # fmt: skip


@dataclass(frozen=True)
class Caption:
    """``text`` is canonical JSON; ``label`` says for people what it shows."""

    label: str
    text: str
    seen: bool


@dataclass(frozen=True)
class Trial:
    """score: the distance in look, 0 and more, lower is better. sheet: a PNG of all samples."""

    score: float
    sheet: bytes


def sample_steps(of_images: int) -> int:
    """Of each sample: fewer where a deployment draws its images, of so many steps, in fewer."""
    return min(_MOST_STEPS, of_images)


def sample_captions(captions: Sequence[str], visual_schema: Mapping[str, Any]) -> list[Caption]:
    """Three of the captions, spread over them, then five things that none of them names."""
    count = min(_SEEN, len(captions))
    seen = [captions[index * len(captions) // count] for index in range(count)]
    words = set(re.findall("[a-z]+", " ".join(captions).lower()))
    schema = parse_visual_schema(visual_schema)
    unseen = [concept for concept in CONCEPTS if not {concept, CONCEPT_BY_NAME[concept].plural_name} & words]
    unseen = unseen or list(CONCEPTS)
    return [
        *(Caption(_label(text), text, seen=True) for text in seen),
        *(
            Caption(f"unseen: {concept}", canonical(merge(schema, parse(_scene(concept)))), seen=False)
            for concept in unseen[:_UNSEEN]
        ),
    ]


def try_adapter(
    checkpoint: Checkpoint,
    adapter: Path,
    captions: Sequence[Caption],
    pictures: Sequence[Image.Image],
    *,
    steps: int = _MOST_STEPS,
    guidance_scale: float = 5.0,
    between: Callable[[], None] = lambda: None,
) -> Trial:
    """Draws every caption with the adapter, each with its own fixed seed, and compares them with the brand's pictures.

    between: called before each forward; what it raises ends the trial. Raises as `merged` does.
    """
    from sartor.fibo.training_trial import draw_sample, merged

    with merged(checkpoint, adapter):
        drawn = [
            draw_sample(
                checkpoint, caption.text, seed=seed, steps=steps, guidance_scale=guidance_scale, between=between
            )
            for seed, caption in enumerate(captions)
        ]
    unseen = [image for image, caption in zip(drawn, captions, strict=True) if not caption.seen]
    labels = [caption.label for caption in captions]
    compared = pictures[:: -(-len(pictures) // _COMPARED)]
    return Trial(style_distance(unseen, compared), sample_sheet(list(zip(drawn, labels, strict=True))))


def best_step(scores: Mapping[int, float]) -> int:
    """Which checkpoint to keep, by step and score, the lower the better: the last of those that are as good as the best
    one, for training has done more for it than five pictures can show."""
    least = min(scores.values())
    return max(step for step, score in scores.items() if score <= least + AS_GOOD)


def _label(caption: str) -> str:
    return str(plain(parse(caption)).get("short_description") or "a training caption")


def _scene(concept: str) -> dict[str, Any]:
    return {
        "short_description": f"a {concept}",
        "objects": [{"description": f"a {concept}", "location": "center", "relative_size": "large"}],
    }
