"""Every value that an operator may set: the environment variable ``SARTOR_<NAME>``, its unit and its reason.

docs/settings.md holds the same table for readers; a test keeps the two together.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal

import limits
from pydantic import Field, SecretStr, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict
from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from sartor.kit.networks import IPNetwork, networks

Positive = Annotated[timedelta, Field(gt=timedelta(0))]
_LONGEST_PRESIGNED = timedelta(days=7)
_LEAST_KEY = 16  # characters
_DEVICE = re.compile(r"cpu|cuda(:\d+)?")
_DATABASE = re.compile(r"sqlite(\+\w+)?:///(?!:memory:).+|postgres(ql)?(\+psycopg)?://.+")
_STORAGE = re.compile(r"file:///.+|(s3|gs|az)://.+")


class Settings(BaseSettings):
    """Settings of one Sartor process. Durations are seconds (``90``) or ISO 8601 (``PT90S``, ``P30D``)."""

    model_config = SettingsConfigDict(
        env_prefix="SARTOR_", env_file=None, extra="ignore", frozen=True, hide_input_in_errors=True
    )

    home: Path = Field(
        default_factory=lambda: Path.home() / ".sartor",
        description="Folder for everything that Sartor keeps: database, images, secret key, trained brands.",
    )
    database_url: str = Field(
        default="",
        description="SQLAlchemy address of the database; empty is a SQLite file in `SARTOR_HOME`. "
        "PostgreSQL (`postgresql://...`) is for more than one machine.",
    )
    storage_url: str = Field(
        default="",
        description="Where images are kept: `file:///folder`, `s3://bucket/prefix`, `gs://` or `az://`; "
        "empty is a folder in `SARTOR_HOME`.",
    )
    checkpoint: str = Field(
        default="embedded",
        description="The model that draws: `embedded`, a local folder in diffusers' format, a hub id "
        "such as FIBO's, or `plain`, which fills the picture with one colour and is for load tests.",
    )
    device: str = Field(
        default="auto",
        description="Where the model runs: `cpu`, `cuda`, `cuda:1`; `auto` takes a GPU if PyTorch sees one, and "
        "otherwise the CPU, without a word.",
    )
    threads: Annotated[int, Field(ge=1, le=256)] | None = Field(
        default=None,
        description="CPU threads of the engine; empty leaves it to the engine. Part of every image's "
        "fingerprint: another count gives other bytes.",
    )
    memory: Literal["auto", "resident", "parts-on-host", "pristine-on-host", "lean"] = Field(
        default="auto",
        description="What the engine keeps on its GPU, by the name of a mode in performance.md; `auto` takes the "
        "fastest that fits. `sartor doctor` says what each needs. It never changes a picture.",
    )
    compile: Literal["auto", "on", "off"] = Field(
        default="auto",
        description="Whether the transformer's blocks are compiled, which makes the start longer and changes the last "
        "bits of an image; `auto` compiles on a GPU.",
    )
    linears: Literal["full", "fp8"] = Field(
        default="full",
        description="`fp8` rounds weights and activations of the blocks to 8 bits, for GPUs that multiply them (from "
        "Ada on); it gives other pictures.",
    )
    base_weights: Literal["full", "fp8", "nf4"] = Field(
        default="full",
        description="What a training keeps the frozen base in: `fp8` or `nf4`, 8 or 4 bits a weight, where a GPU's "
        "memory is short; brands come out a little different.",
    )
    second_device: str = Field(
        default="",
        description="A second GPU, as in `cuda:1`, that draws the negative prompt's half of guided steps at the same "
        "time; empty draws both on `SARTOR_DEVICE`.",
    )
    steps_num: int = Field(
        default=50,
        ge=1,
        le=50,
        description="A whole number, 1 to 50: used for requests without `steps_num`, which itself stays 20 to 50, and "
        'by `sartor generate`. A distilled checkpoint needs fewer: operations.md, "Distilled checkpoints".',
    )
    guidance_scale: int = Field(
        default=5,
        ge=1,
        le=5,
        description="A whole number, 1 to 5: used for requests without `guidance_scale`, which itself stays 3 to 5, "
        "and by `sartor generate`. At 1 the negative prompt is not asked at all, for which distilled checkpoints are "
        "made.",
    )
    caching: Literal["exact", "cached-1.5", "cached-2", "cached-3"] = Field(
        default="exact",
        description="Used for requests without `caching`: `exact` computes every step; the others reuse earlier "
        "steps, faster, with different pictures.",
    )
    guidance_until: float | None = Field(
        default=None,
        ge=0,
        le=1,
        description="Used for requests without `guidance_until`: the noise level, 0 to 1, below which steps are not "
        "guided, for less work and different pictures. 0 guides to the end, empty is the checkpoint's own.",
    )
    bridge: Literal["auto", "offline", "gemini"] = Field(
        default="auto",
        description="What turns words into structured prompts: `offline` needs no key and no network; `gemini` asks "
        "a language model and sends it the words; `auto` is `gemini` where there is a key for it, else `offline`. The "
        "same choice holds for who writes the captions and visual schemas of datasets: `gemini` is sent their "
        "pictures.",
    )
    bridge_model: str = Field(
        default="gemini/gemini-2.5-flash",
        min_length=1,
        description="The language model that `gemini` asks, by its litellm name: another provider's will do too. Once "
        "the default one is retired, `gemini/gemini-3.5-flash-lite` is asked instead, with a warning.",
    )
    bridge_key: SecretStr = Field(
        default=SecretStr(""),
        validate_default=True,
        description="API key of that model's provider; empty takes `GEMINI_API_KEY` or `GOOGLE_API_KEY` for a "
        "`gemini/` model.",
    )
    bridge_time_limit: Positive = Field(
        default=timedelta(seconds=45),
        description="How long `gemini` may take over one prompt, with everything that it tries again. A reply takes 3 "
        "to 10 s; where the provider is silent, a sync request becomes a 202 first (`SARTOR_SYNC_WAIT`), and the job "
        "asks twice.",
    )
    text_moderation_model: str = Field(
        default="",
        description="A moderation model that is sent the words in which the phrase lists found nothing, by its litellm "
        "name, as in `openai/omni-moderation-latest`; empty is the lists alone.",
    )
    host: str = Field(default="127.0.0.1", description="Address to listen on; loopback until an operator decides.")
    port: int = Field(default=8000, ge=0, le=65535, description="TCP port to listen on; 0 takes a free one.")
    public_url: str = Field(
        default="",
        description="The address that clients use, as in `https://images.example.com`: every link in an "
        "answer begins with it; empty takes the address of the request.",
    )
    secret_key: SecretStr = Field(
        default=SecretStr(""),
        description="Key that signs image addresses and encrypts the keys of webhooks, 16 characters or more; empty "
        "generates one into `SARTOR_HOME/secret.key`, readable by its owner only. All processes of one service need "
        "the same.",
    )
    sync_wait: Positive = Field(
        default=timedelta(seconds=28),
        description="How long a `sync=true` request is held before it becomes a 202: just under the 30 s after which "
        "the public client gives up, and then has no `request_id` to ask with; most proxies give up after 60 s.",
    )
    link_lifetime: Positive = Field(
        default=timedelta(hours=24),
        description="How long an image's address works; asking for the status again gives a fresh one. An object "
        "store signs its own, anew for each answer; S3 and Google's store accept 7 days at most.",
    )
    retention: Positive = Field(
        default=timedelta(days=30),
        description="How long finished requests and their images are kept before both are deleted.",
    )
    work: bool = Field(
        default=True,
        description="Whether `sartor serve` also does the jobs. Off where `sartor worker` processes do them.",
    )
    poll_interval: Positive = Field(
        default=timedelta(seconds=0.05),
        description="How often a worker looks for a new job: 0.05 s suits one machine, 0.25 to 0.5 s a cluster.",
    )
    lease: Positive = Field(
        default=timedelta(seconds=6),
        description="How long a worker may be silent and still count as alive. After that, and at most a third of "
        "this time later, another worker or the restarted process takes over its jobs.",
    )
    outstanding_limit: int = Field(
        default=1000,
        ge=1,
        description="Requests that one organisation may have in progress; more are answered with 429.",
    )
    rate_limit: str = Field(
        default="600/minute",
        description="How often one organisation may ask for work (POST, PUT, DELETE): a number per `second`, `minute`, "
        "`hour` or `day`. More is answered with 429.",
    )
    read_rate_limit: str = Field(
        default="6000/minute",
        description="How often one organisation may look (GET): clients ask for a status every second or so.",
    )
    rate_limit_storage: str = Field(
        default="",
        description="Where those requests are counted: `redis://host:6379` (needs `pip install redis`, which no extra "
        "brings) or `memory://`; empty counts in memory beside SQLite and in the database on PostgreSQL, so that "
        "several processes count together.",
    )
    fetch_allow: str = Field(
        default="",
        description="Private networks that webhooks and downloads may reach, as in `10.1.0.0/16, fd00:7::/64`; empty "
        "is the public internet only. Every user of this service can then reach them through it.",
    )
    body_limit: int = Field(
        default=1_000_000,
        ge=1_000,
        description="Largest request body in bytes; a structured prompt is a few thousand. Bodies that bring pictures "
        "have limits of their own.",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="Least severe log line written; prompts appear at `debug` only."
    )

    @field_validator(
        "sync_wait", "link_lifetime", "retention", "poll_interval", "lease", "bridge_time_limit", mode="before"
    )
    @classmethod
    def _seconds(cls, value: object) -> object:
        """A bare number in the environment is a count of seconds."""
        if isinstance(value, str):
            with contextlib.suppress(ValueError):
                return timedelta(seconds=float(value))
        return value

    @field_validator("threads", "guidance_until", mode="before")
    @classmethod
    def _empty_is_none(cls, value: object) -> object:
        return None if value == "" else value

    @field_validator("database_url")
    @classmethod
    def _known_database(cls, value: str) -> str:
        if value and not _DATABASE.fullmatch(value):
            raise ValueError("must be empty, sqlite:/// and a file's path, or begin with postgresql://")
        try:
            make_url(value or "sqlite://")
        except (ArgumentError, ValueError):  # its words may be the password's, where that is not percent-encoded
            raise ValueError("is no address: user, password, host or port cannot be told apart in it") from None
        return value

    @field_validator("secret_key")
    @classmethod
    def _long_key(cls, value: SecretStr) -> SecretStr:
        if 0 < len(value.get_secret_value()) < _LEAST_KEY:
            raise ValueError(f"must be empty, or {_LEAST_KEY} characters that nobody guesses")
        return value

    @field_validator("storage_url")
    @classmethod
    def _known_storage(cls, value: str) -> str:
        if value and not _STORAGE.fullmatch(value):
            raise ValueError("must be empty, file:// and an absolute path, or begin with s3://, gs:// or az://")
        return value

    @field_validator("device")
    @classmethod
    def _first_device(cls, value: str) -> str:
        if value != "auto" and not _DEVICE.fullmatch(value):
            raise ValueError("must be auto, cpu, cuda, or one GPU of several, as in cuda:1")
        return value

    @field_validator("second_device")
    @classmethod
    def _device(cls, value: str) -> str:
        if value and not _DEVICE.fullmatch(value):
            raise ValueError("must be empty, cpu, cuda, or one GPU of several, as in cuda:1")
        return value

    @field_validator("bridge_key")
    @classmethod
    def _provider_key(cls, value: SecretStr, info: ValidationInfo) -> SecretStr:
        """The provider's own variables where ours is empty."""
        if value.get_secret_value() or not info.data.get("bridge_model", "").startswith("gemini/"):
            return value
        found = os.environ.get("GEMINI_API_KEY") or os.environ.get("GOOGLE_API_KEY") or ""
        if not found and info.data.get("bridge") == "gemini":
            raise ValueError("SARTOR_BRIDGE=gemini needs a key here, in GEMINI_API_KEY or in GOOGLE_API_KEY")
        return SecretStr(found)

    @field_validator("rate_limit", "read_rate_limit")
    @classmethod
    def _rate(cls, value: str) -> str:
        limits.parse(value)
        return value

    @field_validator("fetch_allow")
    @classmethod
    def _networks(cls, value: str) -> str:
        networks(value)
        return value

    @field_validator("home")
    @classmethod
    def _absolute(cls, value: Path) -> Path:
        return value.expanduser().absolute()

    @field_validator("public_url")
    @classmethod
    def _without_slash(cls, value: str) -> str:
        if value and not value.startswith(("http://", "https://")):
            raise ValueError("must begin with http:// or https://")
        return value.rstrip("/")

    @field_validator("link_lifetime")
    @classmethod
    def _as_long_as_the_store_signs(cls, value: timedelta, info: ValidationInfo) -> timedelta:
        """S3 and Google's store sign addresses for a week at most, and refuse the others only when they are used."""
        if info.data.get("storage_url", "").startswith(("s3://", "gs://")) and value > _LONGEST_PRESIGNED:
            raise ValueError("addresses in this object store live for 7 days at most")
        return value

    @property
    def database(self) -> str:
        """The database's address, never empty."""
        return self.database_url or f"sqlite:///{self.home / 'sartor.db'}"

    @property
    def storage(self) -> str:
        """The storage's address, never empty."""
        return self.storage_url or (self.home / "storage").as_uri()

    @property
    def hashes(self) -> Path:
        """The file that remembers what large weights hash to, so that a start need not read them all again."""
        return self.home / "hashes.json"

    @property
    def fetch_networks(self) -> tuple[IPNetwork, ...]:
        return networks(self.fetch_allow)

    @property
    def brand_folders(self) -> tuple[Path, ...]:
        """Folders of brands that the operator trained; the bundled ones come in addition where they fit."""
        return (self.home / "brands",)

    @property
    def bundled_brands(self) -> bool:
        """Whether the bundled brands can be drawn: their adapters fit the embedded model; `plain` ignores them."""
        return self.checkpoint in {"embedded", "plain"}

    @cached_property
    def key(self) -> bytes:
        """The secret key, generated on first use where none is set."""
        if given := self.secret_key.get_secret_value():
            return given.encode()
        return _own_key(self.home / "secret.key")


def _own_key(path: Path) -> bytes:
    """The key in ``path``; written there first, for its owner's eyes only, where there is none."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # Written whole under another name and linked into place, so that of two first starts both read one key.
    draft = path.with_name(f"{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    with contextlib.suppress(FileExistsError):
        if not path.exists():
            descriptor = os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
            with os.fdopen(descriptor, "w") as file:
                file.write(secrets.token_urlsafe(48))
            os.link(draft, path)
    draft.unlink(missing_ok=True)
    return path.read_bytes().strip()
