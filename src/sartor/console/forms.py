"""Forms in, bodies of the API out: what the API refuses is refused here in the same words."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from starlette.datastructures import FormData

from sartor.errors import Unprocessable, sentences
from sartor.generation.schemas import ImageBody

Body = TypeVar("Body", bound=BaseModel)

# Forms know only text.
_NUMBERS: Mapping[str, Callable[[str], int | float]] = {
    "seed": int,
    "steps_num": int,
    "guidance_scale": int,
    "tailored_model_influence": float,
    "guidance_until": float,
}


def texts(form: FormData) -> dict[str, str]:
    """The form's fields that are text; browsers send line ends as CR LF."""
    return {name: value.replace("\r\n", "\n") for name, value in form.items() if isinstance(value, str)}


def body_of(kind: type[Body], given: Mapping[str, Any], *, blank: bool = False) -> Body:
    """One of the API's bodies, of what a form says; blank is as if it were not there, unless ``blank`` says that it is
    meant: of what is changed. Raises Unprocessable."""
    values = {name: value for name, value in given.items() if blank or not isinstance(value, str) or value.strip()}
    try:
        return kind.model_validate(values)
    except ValidationError as error:
        raise Unprocessable(sentences(error.errors(include_input=False, include_url=False))) from None


def image_body(given: Mapping[str, str]) -> ImageBody:
    """The image that a form asks for; what is left blank is as if it were not there. Raises Unprocessable."""
    values: dict[str, Any] = {name: text.strip() for name, text in given.items() if text.strip()}
    for name, number in _NUMBERS.items():
        if name in values:
            try:
                values[name] = number(values[name])
            except ValueError:
                continue  # the body says what is wrong with it
    return body_of(ImageBody, values)


def sayable(options: Mapping[str, Any]) -> dict[str, Any]:
    """Of the options that a request was drawn with those that a body may name. A default which an operator set outside
    of the API's ranges may not be named: such a request says it again by not saying it."""
    try:
        ImageBody.model_validate({"tailored_model_id": 1, "prompt": "a", **options})
    except ValidationError as error:
        refused = {part["loc"][0] for part in error.errors(include_input=False, include_url=False)}
        return {name: value for name, value in options.items() if name not in refused}
    return dict(options)


def idempotency_key(given: Mapping[str, str]) -> str | None:
    """One for each form that was shown and what is in it: sent twice it is one request, changed it is another."""
    if not given.get("form"):
        return None
    content = "\n".join(f"{name}={text}" for name, text in sorted(given.items()))
    return "console " + hashlib.sha256(content.encode("utf-8", "surrogatepass")).hexdigest()
