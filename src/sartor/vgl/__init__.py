"""Structured prompts ("VGL"): their schema, their canonical JSON, what differs between two, and what a brand fixes."""

from sartor.vgl.canonical import canonical
from sartor.vgl.diff import Change, apply, diff
from sartor.vgl.schema import (
    Aesthetics,
    InvalidStructuredPrompt,
    Lighting,
    PhotographicCharacteristics,
    SartorVglError,
    SceneObject,
    StructuredPrompt,
    TextRender,
    parse,
    plain,
)
from sartor.vgl.texts import said, texts
from sartor.vgl.visual_schema import VisualSchema, complete, merge, parse_visual_schema

__all__ = [
    "Aesthetics",
    "Change",
    "InvalidStructuredPrompt",
    "Lighting",
    "PhotographicCharacteristics",
    "SartorVglError",
    "SceneObject",
    "StructuredPrompt",
    "TextRender",
    "VisualSchema",
    "apply",
    "canonical",
    "complete",
    "diff",
    "merge",
    "parse",
    "parse_visual_schema",
    "plain",
    "said",
    "texts",
]
