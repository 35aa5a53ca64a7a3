"""Named colours: measuring which a sprite shows, painting a sprite in another, and CIELAB distances."""

from __future__ import annotations

from typing import Any

import numpy as np

from sartor.nano.vocabulary import COLORS

Array = np.ndarray[Any, np.dtype[Any]]


def to_lab(rgb: Array) -> Array:
    """sRGB values 0..255 [..., 3] to CIELAB (D65), the CIE 1976 formulas."""
    linear = np.asarray(rgb, np.float64) / 255.0
    linear = np.where(linear <= 0.04045, linear / 12.92, ((linear + 0.055) / 1.055) ** 2.4)
    to_xyz = np.array(
        [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
    )
    xyz = linear @ to_xyz.T / np.array([0.95047, 1.0, 1.08883])
    f = np.where(xyz > 216 / 24389, np.cbrt(xyz), (24389 / 27 * xyz + 16) / 116)
    return np.stack([116 * f[..., 1] - 16, 500 * (f[..., 0] - f[..., 1]), 200 * (f[..., 1] - f[..., 2])], axis=-1)


_NAMES = list(COLORS)
_LAB = to_lab(np.array([COLORS[name] for name in _NAMES]))


def name_colors(sprite: Array, *, share: float = 0.18) -> tuple[str, ...]:
    """The named colours that cover at least `share` of an RGBA sprite's opaque pixels, largest first, at most two."""
    rgb = sprite[..., :3][sprite[..., 3] > 128].astype(np.float64)
    if not len(rgb):
        return ()
    rgb = rgb[:: max(1, len(rgb) // 2000)]
    lab = to_lab(rgb)
    nearest = np.argmin(((lab[:, None] - _LAB[None]) ** 2 * np.array([0.35, 1.0, 1.0])).sum(-1), axis=1)
    counts = np.bincount(nearest, minlength=len(_NAMES)) / len(nearest)
    order = [int(i) for i in np.argsort(-counts) if counts[i] >= share]
    return tuple(_NAMES[i] for i in order[:2]) or (_NAMES[int(np.argmax(counts))],)


def _hsv(rgb: Array) -> tuple[Array, Array, Array]:
    """Hue 0..1, saturation and value 0..1 of sRGB values 0..255 [..., 3]."""
    scaled = rgb / 255.0
    high, low = scaled.max(-1), scaled.min(-1)
    span = high - low
    safe = np.where(span == 0, 1, span)
    r, g, b = scaled[..., 0], scaled[..., 1], scaled[..., 2]
    hue = np.where(high == r, (g - b) / safe % 6, np.where(high == g, (b - r) / safe + 2, (r - g) / safe + 4)) / 6
    return np.where(span == 0, 0, hue), np.where(high == 0, 0, span / np.where(high == 0, 1, high)), high


def _rgb(hue: Array, saturation: Array, value: Array) -> Array:
    """Inverse of `_hsv`; returns 0..255."""
    k = (np.array([5.0, 3.0, 1.0]) + hue[..., None] * 6) % 6
    fall = np.clip(np.minimum(k, 4 - k), 0, 1)
    rgb: Array = 255 * (value[..., None] - value[..., None] * saturation[..., None] * fall)
    return rgb


def painted(sprite: Array, color: tuple[int, int, int]) -> Array:
    """The RGBA sprite in one colour, sRGB 0..255; its alpha stays."""
    return np.concatenate([np.broadcast_to(np.array(color, np.uint8), sprite[..., :3].shape), sprite[..., 3:]], axis=-1)


def recolor(sprite: Array, name: str) -> Array:
    """The RGBA sprite with its dominant colour painted in the named one; other hues, lights and shades stay.

    The dominant hue is the mode of the saturated pixels' hues; where a sprite has next to none (a ghost, a panda), its
    light pixels are tinted instead.
    """
    opaque = sprite[..., 3] > 100
    hue, saturation, value = _hsv(sprite[..., :3].astype(np.float64))
    target_hue, target_saturation, target_value = (x.item() for x in _hsv(np.array([COLORS[name]], np.float64)))
    vivid = opaque & (saturation > 0.25) & (value > 0.2)
    if vivid.sum() > 0.15 * opaque.sum():
        weights, edges = np.histogram(hue[vivid], bins=36, range=(0, 1), weights=saturation[vivid])
        weights = weights + 0.7 * (np.roll(weights, 1) + np.roll(weights, -1))
        dominant = (edges[int(np.argmax(weights))] + 1 / 72) % 1
        distance = np.abs((hue - dominant + 0.5) % 1 - 0.5)
        amount = np.clip((0.16 - distance) / 0.05, 0, 1) * np.clip((saturation - 0.08) / 0.15, 0, 1)
        chosen = opaque & (amount > 0.5)
        mean_saturation = float(saturation[chosen].mean()) if chosen.any() else 0.6
        mean_value = float(value[chosen].mean()) if chosen.any() else 0.8
    else:
        amount = np.clip((value - 0.45) / 0.2, 0, 1) * np.clip((0.4 - saturation) / 0.15, 0, 1)
        chosen = opaque & (amount > 0.5)
        mean_saturation, mean_value = 0.0, float(value[chosen].mean()) if chosen.any() else 0.9
    if mean_saturation > 0.1:
        new_saturation = np.clip(saturation / mean_saturation * target_saturation, 0, 1)
    else:
        new_saturation = np.full_like(saturation, target_saturation)
    new_value = np.clip(value * (target_value / max(mean_value, 0.05)) ** 0.85, 0, 1)
    painted = _rgb(np.full_like(hue, target_hue), new_saturation, new_value)
    mixed = sprite[..., :3] * (1 - amount[..., None]) + painted * amount[..., None]
    return np.concatenate([np.clip(mixed, 0, 255).astype(np.uint8), sprite[..., 3:]], axis=-1)
