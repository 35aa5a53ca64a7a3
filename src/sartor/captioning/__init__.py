"""From pictures to words: what each shows as a structured prompt, and the visual schema that several share."""

from sartor.captioning.base import (
    Captioner,
    CaptioningError,
    CaptioningUnavailable,
    Finding,
    NotDescribed,
    PictureRefused,
    Subject,
)
from sartor.captioning.measuring import MeasuringCaptioner

__all__ = [
    "Captioner",
    "CaptioningError",
    "CaptioningUnavailable",
    "Finding",
    "MeasuringCaptioner",
    "NotDescribed",
    "PictureRefused",
    "Subject",
]
