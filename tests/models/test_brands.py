"""Brand folders: what is read, what is refused, what is written."""

import json
from pathlib import Path

import pytest

from sartor.models.brands import ADAPTER, bundled_folder, find_brands, read_brand, slug_of, write_brand
from sartor.vgl import VisualSchema
from tests.conftest import SCHEMA, write_test_brand


def test_a_whole_folder(tmp_path: Path) -> None:
    folder = write_test_brand(tmp_path)
    brand = read_brand(folder)
    assert (brand.slug, brand.name, brand.adapter) == ("paper-garden", "Paper Garden", folder / ADAPTER)
    assert brand.schema_values == SCHEMA


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{", '{"visual_schema": {"objects": 5}}', '{"training_parameters": [1]}', f'{{"name": "{"x" * 201}"}}'],
)
def test_a_description_that_is_none(tmp_path: Path, text: str) -> None:
    folder = write_test_brand(tmp_path)
    (folder / "model.json").write_text(text)
    with pytest.raises(ValueError):  # noqa: PT011
        read_brand(folder)


def test_bad_folders_are_left_out_and_the_others_found(tmp_path: Path) -> None:
    write_test_brand(tmp_path, "whole")
    (write_test_brand(tmp_path, "without-adapter") / ADAPTER).unlink()
    (write_test_brand(tmp_path, "damaged") / "model.json").write_text("{")
    (tmp_path / "brands" / "empty").mkdir()
    own = [brand.slug for brand in find_brands([tmp_path / "brands"]) if tmp_path in brand.folder.parents]
    assert own == ["whole"]


def test_no_folder_at_all_is_no_brand(tmp_path: Path) -> None:
    bundled = {brand.slug for brand in find_brands([])}
    assert {brand.slug for brand in find_brands([tmp_path / "nowhere"])} == bundled


def test_every_bundled_brand_can_be_read() -> None:
    folders = [folder for folder in bundled_folder().glob("*") if folder.is_dir() and folder.name != "__pycache__"]
    assert {slug_of(folder.name) for folder in folders} == {brand.slug for brand in find_brands([])}


def test_what_is_written_is_read(tmp_path: Path) -> None:
    folder = write_test_brand(tmp_path)
    schema = VisualSchema(style_medium="ink")
    write_brand(folder, name="Tinte", description="Ä", schema=schema, training={"rank": 8})
    brand = read_brand(folder)
    assert (brand.name, brand.description, brand.training_parameters) == ("Tinte", "Ä", {"rank": 8})
    assert brand.schema_values == {"style_medium": "ink"}
    assert "Ä" in (folder / "model.json").read_text("utf-8")


@pytest.mark.parametrize(
    ("name", "slug"), [("Paper & Scissors", "paper-scissors"), ("  A1 ", "a1"), ("x" * 99, "x" * 80)]
)
def test_slugs(name: str, slug: str) -> None:
    assert slug_of(name) == slug


@pytest.mark.parametrize("name", ["", "  ", "../..", "字"])
def test_names_without_a_slug(name: str) -> None:
    with pytest.raises(ValueError, match="no letter or digit"):
        slug_of(name)


def test_descriptions_are_json_objects(tmp_path: Path) -> None:
    assert json.loads((write_test_brand(tmp_path) / "model.json").read_text())["visual_schema"] == SCHEMA
