"""``sartor demo``: the whole service once, over HTTP, and the picture that came back."""

from __future__ import annotations

import io
import json
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx
from PIL import Image
from rich.console import Console

from sartor.accounts.service import Accounts
from sartor.cli.launch import NotStarted, running_server
from sartor.kit.database import Database
from sartor.settings import Settings

# An image on a slow machine takes its time.
_IMAGE_SECONDS = 900


class DemoFailed(Exception):
    """The message says at which step, and where to look."""


def run(settings: Settings, *, prompt: str, seed: int) -> None:
    """Prints the structured prompt, the image's address and its path. Raises DemoFailed unless a PNG came back."""
    console = Console(stderr=True, highlight=False)
    settings.home.mkdir(parents=True, exist_ok=True)
    with _server(settings, console) as base:
        token = _token(settings)
        with _client(base, {"api_token": token}) as client:
            models = _json(client.get("/v1/tailored-gen/models"))
            if not models:
                raise DemoFailed("No brand is installed: this package came without one, and none was trained yet.")
            model = min(models, key=lambda one: int(one["id"]))  # the oldest: a bundled one, where there is any
            console.print(f"Asking the brand [bold]{model['name']}[/] for: {prompt}")
            began = time.monotonic()
            with console.status("Drawing ..."):
                result = _generate(client, {"tailored_model_id": str(model["id"]), "prompt": prompt, "seed": seed})
            console.print(f"Drawn in {time.monotonic() - began:.1f} s.\n")
            path = _save(base, result["image_url"], settings.home / "demo" / f"{result['request_id']}.png")
    out = Console(highlight=False, soft_wrap=True)
    out.print_json(result["structured_prompt"])
    out.print(f"\naddress  {result['image_url']}")
    out.print(f"picture  {path}", markup=False)
    console.print(
        "\nThe address worked while this service ran; the picture stays. [bold]make serve[/] starts one that goes on."
    )


@contextmanager
def _server(settings: Settings, console: Console) -> Iterator[str]:
    """The address of a server process that runs as long as the block."""
    log = settings.home / "demo.log"
    log.unlink(missing_ok=True)
    environment = {"SARTOR_HOME": str(settings.home), "SARTOR_PUBLIC_URL": ""}
    with ExitStack() as stack:
        try:
            with console.status("Starting the service ...") as status:
                running = running_server(environment, log, tell=lambda reason: status.update(f"{reason} ..."))
                base = stack.enter_context(running).base
        except NotStarted as error:
            raise DemoFailed(str(error)) from None
        console.print(f"The service is ready on {base}.")
        yield base


def _client(base: str, headers: dict[str, str]) -> httpx.Client:
    """For this machine's own service: a proxy of the environment has no way to it."""
    return httpx.Client(base_url=base, headers=headers, timeout=120, trust_env=False)


def _token(settings: Settings) -> str:
    database = Database(settings.database)
    try:
        return Accounts(database, key=settings.key).create_token("demo")
    finally:
        database.close()


def _generate(client: httpx.Client, body: dict[str, Any]) -> dict[str, Any]:
    """The flat result of one synchronous request, waited for through the status where it outlasts the wait limit."""
    answer = client.post("/v2/image/generate/tailored", json=body | {"sync": True})
    accepted = _json(answer)
    if answer.status_code == 200:
        return dict(accepted)
    deadline = time.monotonic() + _IMAGE_SECONDS
    while time.monotonic() < deadline:
        status = _json(client.get(accepted["status_url"]))
        if status["status"] == "COMPLETED":
            return {**status["result"], "request_id": status["request_id"]}
        if status["status"] != "IN_PROGRESS":
            raise DemoFailed(f"The request ended as {status['status']}: {json.dumps(status.get('error'))}")
        time.sleep(0.5)
    raise DemoFailed(f"No image after {_IMAGE_SECONDS} s.")


def _save(base: str, address: str, path: Path) -> Path:
    """Without the token: an address is enough, and an object store's is somebody else's."""
    answer = httpx.get(address, timeout=120, trust_env=not address.startswith(base))
    if answer.status_code != 200:
        raise DemoFailed(f"The image's address answered {answer.status_code}.")
    try:
        with Image.open(io.BytesIO(answer.content), formats=["PNG"]) as image:
            image.load()
    except (OSError, SyntaxError) as error:
        raise DemoFailed(f"What came back is not a PNG: {error}") from error
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(answer.content)
    return path


def _json(answer: httpx.Response) -> Any:
    if not answer.is_success:
        raise DemoFailed(f"{answer.request.method} {answer.request.url} answered {answer.status_code}: {answer.text}")
    return answer.json()
