"""What ``sartor train`` learns from: a folder's pictures, what they share, and a caption of each.

A language model never writes the same words twice. So they are kept beside the training's checkpoints as they come, and
a training that goes on goes on with them.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from PIL import Image
from rich.console import Console

from sartor.assembly.factories import captioner_factory
from sartor.captioning.base import CaptioningError, Subject
from sartor.cli.studio import StudioError, bridge_of, progress_bar, structured
from sartor.datasets.pictures import read_picture
from sartor.errors import SartorError
from sartor.fibo import TrainingMismatch
from sartor.fibo.training_state import checkpoints
from sartor.models.looks import common_look
from sartor.settings import Settings
from sartor.vgl import InvalidStructuredPrompt, StructuredPrompt, VisualSchema, parse, parse_visual_schema, plain

CAPTIONS, RECORD = "captions.json", "described.json"
_SUFFIXES = {".png", ".jpg", ".jpeg", ".webp"}
_SCHEMA_PICTURES = 10


def pictures_of(images: Path) -> dict[str, Image.Image]:
    """File name -> the picture as a captioner of the service would be shown it, of every one in the folder."""
    files = sorted(path for path in images.iterdir() if path.suffix.lower() in _SUFFIXES)
    if not files:
        raise StudioError(f"{images} holds no pictures ({', '.join(sorted(_SUFFIXES))}).")
    found = {}
    for file in files:
        try:
            found[file.name] = read_picture(file.read_bytes(), max_bytes=None)
        except (OSError, SartorError) as error:
            raise StudioError(f"{file} cannot be read as a picture: {error}") from error
    return found


def described(
    settings: Settings,
    images: Path,
    pictures: Mapping[str, Image.Image],
    subject: Subject,
    work: Path,
    console: Console,
) -> tuple[VisualSchema, dict[str, StructuredPrompt]]:
    """The visual schema and a caption for each picture: those of captions.json, else what the captioner sees.

    What was written for the same pictures and the same subject before is read from the folder ``work``. Raises
    StudioError, OSError, and TrainingMismatch where that folder has checkpoints of a training on others.
    """
    given = _given(images / CAPTIONS, list(pictures))
    asked = {
        "pictures": {file: _digest(picture) for file, picture in pictures.items()},
        "ip_type": subject.ip_type,
        "medium": subject.medium,
        CAPTIONS: given,
    }
    record = _opened(work, asked, console)
    if given is not None:
        captions = _translated(settings, images / CAPTIONS, given, record)
        return common_look(list(captions.values())), captions
    try:
        return _seen(settings, pictures, subject, record, console)
    except CaptioningError as error:
        raise StudioError(str(error)) from error


class _Record:
    """What has been written so far, in a file that grows with it."""

    def __init__(self, file: Path, asked: Mapping[str, Any], found: Mapping[str, Any]) -> None:
        self._file = file
        self._asked = asked
        self.schema = parse_visual_schema(found["visual_schema"]) if found.get("visual_schema") is not None else None
        self.captions = {name: parse(caption) for name, caption in found.get("captions", {}).items()}

    def keep(self) -> None:
        """Raises OSError."""
        kept = {
            "asked": self._asked,
            "visual_schema": None if self.schema is None else plain(self.schema),
            "captions": {name: plain(caption) for name, caption in self.captions.items()},
        }
        self._file.parent.mkdir(parents=True, exist_ok=True)
        draft = self._file.with_suffix(".tmp")
        draft.write_text(json.dumps(kept, indent=1, ensure_ascii=False) + "\n", "utf-8")
        draft.replace(self._file)


def _opened(work: Path, asked: Mapping[str, Any], console: Console) -> _Record:
    """The record in ``work``, empty where there is none for what is asked. Raises as ``described``."""
    file = work / RECORD
    if not file.is_file():
        return _Record(file, asked, {})
    try:
        found: Any = json.loads(file.read_text("utf-8"))
        record = _Record(file, asked, found)
    except (ValueError, TypeError, LookupError, AttributeError, InvalidStructuredPrompt):
        console.print(f"{file} is damaged: everything is described anew.", markup=False)
        return _Record(file, asked, {})
    others = [name for name, value in asked.items() if found.get("asked", {}).get(name) != value]
    if others and checkpoints(work):
        raise TrainingMismatch(work, others)
    if others:
        console.print(f"Not the same as at the last start: {', '.join(others)}. Everything is described anew.")
        return _Record(file, asked, {})
    console.print(f"What was written about the pictures is used again; to have it written anew, delete {work}.")
    return record


def _seen(
    settings: Settings, pictures: Mapping[str, Image.Image], subject: Subject, record: _Record, console: Console
) -> tuple[VisualSchema, dict[str, StructuredPrompt]]:
    """What the captioner sees, where it has not been asked before. Raises CaptioningError, OSError."""
    if record.schema is not None and record.captions.keys() == pictures.keys():
        return record.schema, record.captions
    with console.status("Looking at the pictures ..."):
        captioner = captioner_factory(settings)()
        captioner.load()
        if record.schema is None:
            seen = captioner.visual_schema(list(pictures.values())[:_SCHEMA_PICTURES], subject=subject)
            record.schema = seen.value
            record.keep()
            console.print("What they share:")
            for note in seen.notes:
                console.print(f"  {note}", markup=False)
    with progress_bar(console, "captions", len(pictures)) as advance:
        for done, (file, picture) in enumerate(pictures.items(), 1):
            if file not in record.captions:
                found = captioner.caption(picture, visual_schema=record.schema, subject=subject)
                record.captions[file] = found.value
                record.keep()
            advance(done, file)
    return record.schema, record.captions


def _given(source: Path, files: list[str]) -> dict[str, Any] | None:
    """File name -> words or a structured prompt, of the pictures alone; None without such a file."""
    if not source.is_file():
        return None
    try:
        given: Any = json.loads(source.read_text("utf-8"))
    except ValueError as error:
        raise StudioError(f"{source} is not JSON: {error}") from error
    missing = [name for name in files if not isinstance(given, dict) or name not in given]
    if missing:
        raise StudioError(f"{source} has no caption for {', '.join(missing[:5])}.")
    return {name: given[name] for name in files}


def _translated(
    settings: Settings, source: Path, given: Mapping[str, Any], record: _Record
) -> dict[str, StructuredPrompt]:
    """Words become structured prompts by the bridge."""
    bridge = bridge_of(settings)
    for name, value in given.items():
        if name in record.captions:
            continue
        try:
            text = value if isinstance(value, str) else json.dumps(value)
            record.captions[name] = parse(structured(bridge, text, None))
        except (StudioError, InvalidStructuredPrompt) as error:
            raise StudioError(f"{source}, {name}: {error}") from error
        record.keep()
    return record.captions


def _digest(picture: Image.Image) -> str:
    """SHA-256 of an RGB picture's size and pixels."""
    return hashlib.sha256(b"%d %d\0%s" % (*picture.size, picture.tobytes())).hexdigest()
