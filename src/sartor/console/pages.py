"""Templates to pages: everything that is put into them is escaped, and browsers are told to run nothing."""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib.resources import files
from typing import Annotated, Any

from fastapi import Query
from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader, StrictUndefined

from sartor.console.limits import LIMITS
from sartor.console.session import PATH
from sartor.projects.service import LARGEST_ID

SEE_OTHER = 303

# What a page of a list comes after, as `kit.paging` has it.
After = Annotated[int | None, Query(ge=-LARGEST_ID, le=LARGEST_ID)]

_STAGES = {
    "queued": "waiting for its turn",
    "moderating_text": "checking the words",
    "writing_prompt": "writing the structured prompt",
    "drawing": "drawing",
    "moderating_image": "checking the picture",
    "storing": "storing the picture",
}
ICON = f"{PATH}/icon.svg"
_KINDS = {
    "multi_object_set": "a set of objects",
    "object_variants": "variants of one object",
    "icons": "icons",
    "defined_character": "one character",
    "character_variants": "a family of characters",
    "stylized_scene": "scenes",
    "other": "something else",
}
_STATUSES = {
    "Created": "not trained yet",
    "InProgress": "in training",
    "Stopping": "stopping",
    "Stopped": "stopped before it was trained",
    "Completed": "ready",
    "Failed": "failed",
}
# What the pages call the fields of the API's bodies.
_LABELS = {
    "aspect_ratio": "Format",
    "caption": "Caption",
    "dataset_name": "Name",
    "description": "Description",
    "instruction": "What to change",
    "ip_description": "What sets it apart",
    "ip_medium": "Medium",
    "ip_name": "The character's name",
    "ip_type": "What is to be kept alike",
    "name": "Name",
    "negative_prompt": "What to keep out of the picture",
    "project_description": "Description",
    "project_name": "Name",
    "prompt": "What to draw",
    "seed": "Seed",
    "steps_num": "Steps",
    "structured_prompt": "Structured prompt",
    "tailored_model_id": "Model",
    "tailored_model_influence": "Influence",
    "visual_schema": "Visual schema",
}
# At the beginning of a sentence, which ends with "; " before the next; anywhere else where nothing else is written so.
_FIELD = re.compile(r"(?:^|(?<=; ))([a-z_]+)(?=[:.])|\b([a-z]+(?:_[a-z]+)+)\b")

# Pictures may come from an object store's own address; nothing else comes from elsewhere.
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; img-src 'self' https: http:; style-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
    # Without one a browser sends "null" as a form's origin, and nobody could tell whose form it is.
    "Referrer-Policy": "same-origin",
}


def in_words(details: str) -> str:
    """What was wrong with a form, in the words of its page: the API names the fields of its bodies."""

    def named(found: re.Match[str]) -> str:
        field = found[1] or found[2]
        if label := _LABELS.get(field):
            return f'"{label}"'
        return f'"{_KINDS[field]}"' if field in _KINDS and found[2] else found[0]

    return _FIELD.sub(named, details.removeprefix("body: "))


class Pages:
    """``style`` is the style sheet of all of them, ``icon`` what browsers show beside their title, an SVG."""

    def __init__(self) -> None:
        self._environment = Environment(
            loader=PackageLoader("sartor.console"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.filters["in_words"] = in_words
        self._environment.globals |= {"stages": _STAGES, "kinds_in_words": _KINDS, "statuses": _STATUSES}
        self._environment.globals |= {"labels": _LABELS, "limits": LIMITS}
        templates = files("sartor.console") / "templates"
        self.style = (templates / "style.css").read_text("utf-8")
        self.icon = (templates / "icon.svg").read_text("utf-8")

    def answer(
        self, template: str, status: int = 200, headers: Mapping[str, str] | None = None, **values: Any
    ) -> HTMLResponse:
        """A template as a page, with the headers that every page has."""
        page = self._environment.get_template(template).render(values)
        return HTMLResponse(page, status, headers={**HEADERS, **(headers or {})})
