"""The package as it is shipped: the embedded model and its brand, through ``sartor demo``, from an empty home."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from sartor.assembly.factories import checkpoint_folder
from sartor.fibo import read_recipe
from sartor.models.brands import find_brands
from sartor.settings import Settings
from tests.e2e.conftest import environment

SHIPPED = Path(checkpoint_folder(Settings()))

pytestmark = pytest.mark.skipif(not SHIPPED.exists(), reason="this checkout has no embedded checkpoint yet")


def sartor(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "sartor.cli", *arguments],
        env=environment(home, CHECKPOINT="embedded"),
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )


def test_demo_then_the_same_picture_without_a_server(tmp_path: Path) -> None:
    shown = sartor(tmp_path, "demo")
    assert shown.returncode == 0, shown.stderr
    picture = Path(shown.stdout.split("picture")[1].strip())
    with Image.open(picture) as image:
        assert image.format == "PNG"
        assert min(image.size) >= 512
    recipe = read_recipe(picture.read_bytes())
    brand = find_brands([])[0]
    assert recipe.model == brand.slug
    scene = json.loads(recipe.prompt)
    assert [thing["description"] for thing in scene["objects"]] == ["snowman"]
    assert scene["style_medium"] == brand.visual_schema.style_medium

    again = tmp_path / "again.png"
    drawn = sartor(
        tmp_path, "generate", "--model", brand.slug, "--seed", str(recipe.seed), "-o", str(again), recipe.prompt
    )
    assert drawn.returncode == 0, drawn.stderr
    assert again.read_bytes() == picture.read_bytes()


def test_doctor_is_content(tmp_path: Path) -> None:
    examined = sartor(tmp_path, "doctor")
    assert examined.returncode == 0, examined.stdout
