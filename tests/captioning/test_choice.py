"""Which captioner a service has: the bridge's rules."""

from pathlib import Path

import pytest

from sartor.assembly.factories import captioner_factory
from sartor.bridge.language_model import packages
from sartor.captioning import CaptioningUnavailable, MeasuringCaptioner
from sartor.captioning.gemini import GeminiCaptioner
from tests.bridge.language_model.gemini_replies import KEY
from tests.conftest import make_settings


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ({}, MeasuringCaptioner),
        ({"bridge_key": KEY}, GeminiCaptioner),
        ({"bridge_key": KEY, "bridge": "offline"}, MeasuringCaptioner),
        ({"bridge_key": KEY, "bridge": "gemini"}, GeminiCaptioner),
    ],
)
def test_the_captioner_that_is_chosen(tmp_path: Path, values: dict[str, str], kind: type) -> None:
    assert type(captioner_factory(make_settings(tmp_path, **values))()) is kind


def test_without_the_extra_a_key_alone_changes_nothing_and_a_forced_one_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packages, "_NAMES", ("no_such_package",))
    assert type(captioner_factory(make_settings(tmp_path, bridge_key=KEY))()) is MeasuringCaptioner
    with pytest.raises(CaptioningUnavailable, match="gemini"):
        captioner_factory(make_settings(tmp_path, bridge_key=KEY, bridge="gemini"))
