"""Everything with the real engine and the real trainer, on a tiny checkpoint: a brand is trained at the command line,
served, recreated after a restart, and drawn without a server, always in the same bytes."""

import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi.testclient import TestClient
from PIL import Image

from sartor.app import create_app
from sartor.fibo import read_recipe
from tests.conftest import Service, make_settings, shared_bridge
from tests.e2e.conftest import Server, environment
from tests.fibo.conftest import build_checkpoint

CAPTION = {"style_medium": "ink drawing", "lighting": {"conditions": "flat"}}


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(build_checkpoint(tmp_path_factory.mktemp("checkpoint")))


def sartor(home: Path, checkpoint: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "sartor.cli", *arguments]
    settings = environment(home, CHECKPOINT=checkpoint)
    return subprocess.run(command, env=settings, capture_output=True, text=True, timeout=300, check=False)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, checkpoint: str) -> Path:
    """A home in which ``sartor train`` has made the brand Ink House."""
    home, pictures = tmp_path_factory.mktemp("home"), tmp_path_factory.mktemp("pictures")
    for number, colour in enumerate(("red", "green", "blue")):
        Image.new("RGB", (64, 64), colour).save(pictures / f"{number}.png")
    captions = {f"{number}.png": CAPTION | {"short_description": f"thing {number}"} for number in range(3)}
    (pictures / "captions.json").write_text(json.dumps(captions))
    learned = sartor(
        home, checkpoint, "train", "--images", str(pictures), "--name", "Ink House", "--steps", "3", "--rank", "2",
        "--learning-rate", "0.1",
    )  # fmt: skip
    assert learned.returncode == 0, learned.stderr
    assert learned.stdout == f"{home / 'brands' / 'ink-house'}\n"
    return home


def test_the_trained_brand_has_the_look_of_its_captions(home: Path) -> None:
    described = json.loads((home / "brands" / "ink-house" / "model.json").read_text())
    assert described["name"] == "Ink House"
    assert described["visual_schema"] == CAPTION
    assert described["training_parameters"]["total_training_steps"] == 3


def test_served_restarted_recreated_and_drawn_without_a_server(home: Path, checkpoint: str, tmp_path: Path) -> None:
    recipe: dict[str, Any] = {"tailored_model_id": "ink-house", "steps_num": 20, "sync": True}

    def draw(server: Server, body: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
        headers = {"api_token": server.token()}
        answer = httpx.post(
            f"{server.base}/v2/image/generate/tailored", json=recipe | body, headers=headers, timeout=60
        )
        assert answer.status_code == 200, answer.text
        return answer.json(), httpx.get(answer.json()["image_url"]).content

    server = Server(home, CHECKPOINT=checkpoint)
    try:
        said, image = draw(server, {"prompt": "a red apple", "seed": 7})
        _, without = draw(server, {"prompt": "a red apple", "seed": 7, "tailored_model_influence": 0})
    finally:
        server.kill()
    with Image.open(io.BytesIO(image)) as opened:
        opened.load()
        pixels = opened.tobytes()
    with Image.open(io.BytesIO(without)) as opened:
        assert opened.tobytes() != pixels, "the adapter acts"
    found = read_recipe(image)
    assert (found.prompt, found.seed, found.steps, found.model) == (said["structured_prompt"], 7, 20, "ink-house")
    assert json.loads(said["structured_prompt"])["style_medium"] == "ink drawing"

    server = Server(home, CHECKPOINT=checkpoint)
    try:
        _, again = draw(server, {"structured_prompt": said["structured_prompt"], "seed": 7})
    finally:
        server.kill()
    assert again == image

    output = tmp_path / "out" / "apple.png"
    drawn = sartor(
        home,
        checkpoint,
        "generate",
        "--model",
        "Ink House",
        "--seed",
        "7",
        "--steps",
        "20",
        "-o",
        str(output),
        "a red apple",
    )
    assert drawn.returncode == 0, drawn.stderr
    assert drawn.stdout == said["structured_prompt"] + "\n"
    assert output.read_bytes() == image


def test_an_adapter_for_another_checkpoint(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    other = str(build_checkpoint(tmp_path / "other", "shallow text"))
    arguments = ("--model", "ink-house", "-o", str(tmp_path / "x.png"), '{"short_description":"an apple"}')
    assert in_process(monkeypatch, home, other, "generate", *arguments) == 1
    assert "Traceback" not in capsys.readouterr().err

    app = create_app(make_settings(home, checkpoint=other, threads=1), bridge=shared_bridge)
    with TestClient(app) as client:
        tenant = Service(client, app.state.parts).tenant()
        body = {"tailored_model_id": "ink-house", "prompt": "an apple", "steps_num": 20, "sync": True}
        answer = tenant.post("/v2/image/generate/tailored", body)
    assert answer.status_code == 422
    assert "another checkpoint" in answer.json()["error"]["details"]


def test_demo(home: Path, checkpoint: str) -> None:
    shown = sartor(home, checkpoint, "demo", "--prompt", "a red apple", "--seed", "3")
    assert shown.returncode == 0, shown.stderr
    path = Path(shown.stdout.split("picture")[1].strip())
    assert path.is_relative_to(home / "demo")
    with Image.open(path) as image:
        assert image.format == "PNG"
    assert '"short_description"' in shown.stdout
    assert "/files/images/" in shown.stdout


def test_demo_with_a_checkpoint_that_is_none(home: Path, tmp_path: Path) -> None:
    shown = sartor(home, str(tmp_path), "demo")
    assert shown.returncode == 1
    assert "could not be loaded" in shown.stderr
    assert "model_index.json" in shown.stderr, "the reason from the log is shown"


def in_process(monkeypatch: pytest.MonkeyPatch, home: Path, checkpoint: str, *arguments: str) -> int:
    """The command within this process, for what ends before anything long begins; its exit code."""
    from sartor.cli import app

    for name, value in environment(home, CHECKPOINT=checkpoint).items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit) as ended:
        app(list(arguments))
    return int(ended.value.code or 0)


def test_doctor(
    home: Path, checkpoint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert in_process(monkeypatch, home, checkpoint, "doctor") == 0
    found = capsys.readouterr().out
    assert "ink-house" in found
    assert "failed" not in found
    assert in_process(monkeypatch, home, str(tmp_path), "doctor") == 1
    assert "failed" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("--model", "nobody", "an apple"), "no brand 'nobody'"),
        (("--model", "base", '{"objects": 5}'), "objects"),
        (("--model", "base", "--aspect-ratio", "7:1", '{"short_description": "an apple"}'), "7:1"),
    ],
)
def test_what_generate_cannot_do(
    home: Path,
    checkpoint: str,
    tmp_path: Path,
    arguments: tuple[str, ...],
    reason: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    output = tmp_path / "x.png"
    assert in_process(monkeypatch, home, checkpoint, "generate", "-o", str(output), *arguments) == 1
    said = capsys.readouterr()
    assert reason in said.err
    assert said.out == ""
    assert not output.exists()


@pytest.mark.parametrize(
    ("name", "reason"),
    [("Base", "base is taken"), ("x" * 201, "200 characters at most"), ("?", "no letter or digit")],
)
def test_names_that_no_brand_can_have(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str, reason: str
) -> None:
    assert in_process(monkeypatch, tmp_path, "plain", "train", "--images", str(tmp_path), "--name", name) == 1
    assert reason in " ".join(capsys.readouterr().err.split())


def test_a_picture_that_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    make_pictures(tmp_path, '{"a.png": {"short_description": "a thing"}}')
    (tmp_path / "a.png").write_bytes(b"no picture")
    assert in_process(monkeypatch, tmp_path, "plain", "train", "--images", str(tmp_path), "--name", "X") == 1
    assert "a.png cannot be read as a picture" in " ".join(capsys.readouterr().err.split())


def make_pictures(folder: Path, captions: str) -> None:
    Image.new("RGB", (64, 64), "red").save(folder / "a.png")
    (folder / "captions.json").write_text(captions)


@pytest.mark.parametrize(
    ("captions", "reason"),
    [
        ("{", "is not JSON"),
        ("{}", "no caption for a.png"),
        ("[]", "no caption for a.png"),
        ('{"a.png": {"objects": 5}}', "a.png: objects"),
    ],
)
def test_what_train_cannot_do(
    home: Path,
    checkpoint: str,
    tmp_path: Path,
    captions: str,
    reason: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    make_pictures(tmp_path, captions)
    assert in_process(monkeypatch, home, checkpoint, "train", "--images", str(tmp_path), "--name", "X") == 1
    assert reason in " ".join(capsys.readouterr().err.split())
