"""Settings: what the environment means, and the key that nobody set."""

import os
import stat
from datetime import timedelta
from pathlib import Path
from typing import get_args

import pytest
from bria_client import BriaSyncClient
from pydantic import ValidationError

from sartor.generation.schemas import Caching
from sartor.settings import Settings


@pytest.mark.parametrize(("text", "seconds"), [("90", 90), ("0.05", 0.05), ("PT2M", 120), ("P1D", 86_400)])
def test_durations(monkeypatch: pytest.MonkeyPatch, text: str, seconds: float) -> None:
    monkeypatch.setenv("SARTOR_SYNC_WAIT", text)
    assert Settings().sync_wait == timedelta(seconds=seconds)


def test_a_waiting_request_is_answered_before_the_public_client_gives_up() -> None:
    with BriaSyncClient(base_url="http://127.0.0.1", api_token="any") as client:
        http = client.engine.client
        assert http is not None
        assert Settings().sync_wait + timedelta(seconds=1) < timedelta(seconds=http.request_timeout)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SYNC_WAIT", "0"),
        ("SYNC_WAIT", "-5"),
        ("SYNC_WAIT", "soon"),
        ("PORT", "70000"),
        ("THREADS", "0"),
        ("PUBLIC_URL", "images.example.com"),
        ("BRIDGE", "oracle"),
        ("MEMORY", "huge"),
        ("COMPILE", "yes"),
        ("LINEARS", "int4"),
        ("CACHING", "cached-4"),
        ("DATABASE_URL", "sartor.db"),
        ("DATABASE_URL", "sqlite://"),
        ("DATABASE_URL", "sqlite:///:memory:"),
        ("DATABASE_URL", "mysql://db/sartor"),
        ("STORAGE_URL", "/srv/images"),
        ("STORAGE_URL", "file://images"),
        ("STORAGE_URL", "ftp://host/images"),
        ("DEVICE", "gpu"),
        ("DEVICE", ""),
        ("SECOND_DEVICE", "gpu"),
        ("SECOND_DEVICE", "cuda:"),
        ("LOG_LEVEL", "loud"),
    ],
)
def test_what_cannot_be_is_refused(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(f"SARTOR_{name}", value)
    with pytest.raises(ValidationError, match=name.lower()):
        Settings()


@pytest.mark.parametrize(
    ("name", "allowed"),
    [
        ("MEMORY", ["auto", "resident", "parts-on-host", "pristine-on-host", "lean"]),
        ("COMPILE", ["auto", "on", "off"]),
        ("LINEARS", ["full", "fp8"]),
        ("CACHING", ["exact", "cached-1.5", "cached-2", "cached-3"]),
        ("DATABASE_URL", ["empty", "sqlite:///", "postgresql://"]),
        ("STORAGE_URL", ["empty", "file://", "s3://", "gs://", "az://"]),
        ("DEVICE", ["auto", "cpu", "cuda", "cuda:1"]),
        ("SECOND_DEVICE", ["empty", "cpu", "cuda", "cuda:1"]),
    ],
)
def test_a_refusal_names_what_is_allowed(monkeypatch: pytest.MonkeyPatch, name: str, allowed: list[str]) -> None:
    monkeypatch.setenv(f"SARTOR_{name}", "unheard-of")
    with pytest.raises(ValidationError) as refused:
        Settings()
    message = refused.value.errors()[0]["msg"]
    assert [choice for choice in allowed if choice not in message] == []


def test_everything_lives_in_home(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    assert settings.database == f"sqlite:///{tmp_path}/sartor.db"
    assert settings.storage == f"file://{tmp_path}/storage"
    assert Settings(home=tmp_path, database_url="postgresql://db/x").database == "postgresql://db/x"


def test_home_is_absolute(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    assert Settings(home=Path("data")).home == tmp_path / "data"


def test_a_generated_key_is_its_owners_and_stays(tmp_path: Path) -> None:
    home = tmp_path / "new"
    key = Settings(home=home).key
    assert len(key) >= 32
    assert Settings(home=home).key == key
    assert stat.S_IMODE(os.stat(home / "secret.key").st_mode) == 0o600
    assert [file.name for file in home.iterdir()] == ["secret.key"]
    assert Settings(home=tmp_path / "other").key != key


def test_a_given_key_is_used_and_never_shown(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, secret_key="s3cret-of-sixteen")
    assert settings.key == b"s3cret-of-sixteen"
    assert "s3cret" not in repr(settings)
    assert list(tmp_path.iterdir()) == []


def test_a_given_key_is_no_short_one(tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="16 characters") as refused:
        Settings(home=tmp_path, secret_key="s3cret-of-15-ch")
    assert "s3cret" not in str(refused.value)


def test_the_engines_options_are_all_there() -> None:
    """The settings name them without importing the engine, which takes seconds."""
    from sartor.fibo.caching import CACHINGS, EXACT
    from sartor.fibo.memory import MODES

    def choices(name: str) -> tuple[str, ...]:
        return get_args(Settings.model_fields[name].annotation)

    assert choices("memory") == ("auto", *(mode.name for mode in MODES))
    assert choices("caching") == (EXACT, *CACHINGS) == get_args(Caching)


def test_no_address_in_an_object_store_is_to_live_longer_than_it_can() -> None:
    week, longer = timedelta(days=7), timedelta(days=8)
    assert Settings(storage_url="s3://bucket/images", link_lifetime=week).link_lifetime == week
    assert Settings(link_lifetime=longer).link_lifetime == longer, "a folder's addresses are signed by the service"
    for store in ("s3://bucket/images", "gs://bucket"):
        with pytest.raises(ValidationError, match="7 days"):
            Settings(storage_url=store, link_lifetime=longer)
