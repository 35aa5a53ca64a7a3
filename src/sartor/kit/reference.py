"""``/docs``: the API's reference as one page of plain HTML, made of its OpenAPI description.

No script and nothing from elsewhere: it reads the same on a machine without internet, and in a text browser.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

_STYLE = """
:root { color-scheme: light dark; --line: #8884; --quiet: #777; --code: #8881; }
body { font: 16px/1.55 system-ui, sans-serif; max-width: 56rem; margin: 2rem auto; padding: 0 1rem; }
h1 { margin-bottom: 0 } h2 { margin-top: 3rem; border-bottom: 1px solid var(--line); padding-bottom: .3rem }
h3 { margin-bottom: .2rem } h4 { margin: 1.2rem 0 .3rem }
code, pre { font: 13px/1.5 ui-monospace, monospace; background: var(--code); border-radius: 4px }
code { padding: .1rem .3rem } pre { padding: .7rem; overflow-x: auto }
table { border-collapse: collapse; width: 100% }
td { text-align: left; vertical-align: top; padding: .35rem .6rem .35rem 0; border-top: 1px solid var(--line) }
td:first-child { white-space: nowrap } .quiet { color: var(--quiet) }
.verb { font-weight: 600; margin-right: .4rem }
"""
_BOUNDS = {
    "minimum": "at least {}",
    "maximum": "at most {}",
    "minLength": "{} characters or more",
    "maxLength": "{} characters at most",
}

Json = Mapping[str, Any]


def reference_page(openapi: Json, *, icon: str) -> str:
    """The whole page. ``openapi`` is the description as FastAPI makes it, ``icon`` the address of an SVG."""
    info = openapi["info"]
    groups: dict[str, list[str]] = {}
    for path, verbs in openapi["paths"].items():
        for verb, operation in verbs.items():
            groups.setdefault((operation.get("tags") or ["Other"])[0], []).append(
                "".join(_operation(openapi, verb.upper(), path, operation))
            )
    body = "".join(f"<h2>{escape(name)}</h2>{''.join(parts)}" for name, parts in groups.items())
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(info['title'])} API</title><style>{_STYLE}</style>"
        f"<link rel='icon' href='{escape(icon)}' type='image/svg+xml'>"
        f"<h1>{escape(info['title'])}</h1><p class='quiet'>version {escape(info['version'])}, "
        f"<a href='openapi.json'>openapi.json</a></p>{_prose(info.get('description', ''))}{body}</html>"
    )


def _operation(openapi: Json, verb: str, path: str, operation: Json) -> Iterator[str]:
    yield f"<h3>{escape(operation.get('summary', path))}</h3>"
    yield f"<p><span class='verb'>{verb}</span><code>{escape(path)}</code></p>"
    yield _prose(operation.get("description", ""))
    if parameters := operation.get("parameters"):
        yield "<h4>Parameters</h4><table>"
        for parameter in parameters:
            yield _row(
                openapi,
                parameter["name"],
                parameter["schema"] | {"description": parameter.get("description", "")},
                required=parameter.get("required", False),
            )
        yield "</table>"
    if content := operation.get("requestBody", {}).get("content", {}).get("application/json"):
        schema = _resolve(openapi, content["schema"])
        yield "<h4>Body</h4>" + _fields(openapi, schema)
        for example in schema.get("examples", []):
            yield f"<pre>{escape(json.dumps(example, indent=2, ensure_ascii=False))}</pre>"
    yield "<h4>Answers</h4><table>"
    for code, answer in sorted(operation["responses"].items()):
        shape = answer.get("content", {}).get("application/json", {}).get("schema")
        meaning = escape(answer.get("description", "")) + _shape(openapi, code, shape)
        yield f"<tr><td><code>{code}</code></td><td>{meaning}</td></tr>"
    yield "</table>"


def _shape(openapi: Json, code: str, schema: Json | None) -> str:
    if schema is None or not code.startswith("2"):
        return ""
    schema = _resolve(openapi, schema)
    if "items" in schema:
        return "<br>a list of" + _fields(openapi, _resolve(openapi, schema["items"]))
    variants = schema.get("oneOf") or [schema]
    return "<br>or".join(_fields(openapi, _resolve(openapi, variant)) for variant in variants)


def _fields(openapi: Json, schema: Json) -> str:
    required = schema.get("required", [])
    rows = (
        _row(openapi, name, field, required=name in required) for name, field in schema.get("properties", {}).items()
    )
    return f"<table>{''.join(rows)}</table>"


def _row(openapi: Json, name: str, field: Json, *, required: bool) -> str:
    notes = [_type(openapi, field), "required" if required else ""]
    notes += [text.format(value) for key, text in _BOUNDS.items() if (value := _deep(field, key)) is not None]
    quiet = ", ".join(note for note in notes if note)
    description = field.get("description", "")
    return (
        f"<tr><td><code>{escape(name)}</code></td><td><span class='quiet'>{escape(quiet)}</span>"
        f"{'<br>' if description else ''}{_inline(description)}</td></tr>"
    )


def _type(openapi: Json, field: Json) -> str:
    field = _resolve(openapi, field)
    if "enum" in field:
        return " | ".join(json.dumps(value) for value in field["enum"])
    if "const" in field:
        return json.dumps(field["const"])
    if variants := field.get("anyOf") or field.get("oneOf"):
        names = [_type(openapi, variant) for variant in variants]
        return " or ".join(dict.fromkeys(name for name in names if name != "null"))
    if field.get("type") == "array":
        return "list of " + _type(openapi, field.get("items", {}))
    return str(field.get("format") or field.get("type") or "any")


def _deep(field: Json, key: str) -> Any:
    """A bound, also where the field may be null as well."""
    places = [field, *field.get("anyOf", [])]
    return next((place[key] for place in places if key in place), None)


def _resolve(openapi: Json, schema: Json) -> Json:
    while "$ref" in schema:
        found: Any = openapi
        for part in schema["$ref"].removeprefix("#/").split("/"):
            found = found[part]
        schema = found
    return schema


def _prose(text: str) -> str:
    return "".join(f"<p>{_inline(paragraph)}</p>" for paragraph in text.split("\n\n") if paragraph.strip())


def _inline(text: str) -> str:
    """Escaped text with `code` marked up."""
    pieces = escape(text, quote=False).split("`")
    return "".join(f"<code>{piece}</code>" if index % 2 else piece for index, piece in enumerate(pieces))
