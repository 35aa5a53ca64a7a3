"""Templates to pages: everything that is put into them is escaped, and browsers are told to run nothing."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from typing import Any

from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader, StrictUndefined

from sartor.console.session import PATH

SEE_OTHER = 303

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


# Pictures may come from an object store's own address; nothing else comes from elsewhere.
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; img-src 'self' https: http:; style-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
    # Without one a browser sends "null" as a form's origin, and nobody could tell whose form it is.
    "Referrer-Policy": "same-origin",
}


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
        self._environment.globals |= {"stages": _STAGES, "kinds_in_words": _KINDS}
        templates = files("sartor.console") / "templates"
        self.style = (templates / "style.css").read_text("utf-8")
        self.icon = (templates / "icon.svg").read_text("utf-8")

    def answer(
        self, template: str, status: int = 200, headers: Mapping[str, str] | None = None, **values: Any
    ) -> HTMLResponse:
        """A template as a page, with the headers that every page has."""
        page = self._environment.get_template(template).render(values)
        return HTMLResponse(page, status, headers={**HEADERS, **(headers or {})})
