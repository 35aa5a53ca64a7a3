"""``sartor doctor``: looks at everything that a request will need, and says what is wrong with it."""

from __future__ import annotations

import os
import platform
import shutil
from collections.abc import Callable
from importlib.metadata import version
from urllib.parse import urlsplit

from rich.console import Console
from rich.table import Table

from sartor.assembly.factories import bridge_factory, checkpoint_folder, device_name, engine_factory
from sartor.kit.database import Database
from sartor.kit.rates import DatabaseCounter, counter_for
from sartor.kit.storage import Storage
from sartor.models.brands import find_brands
from sartor.moderation.hosted import HostedModerator
from sartor.moderation.image import OpenNsfw
from sartor.settings import Settings

_PACKAGES = ("sartor", "torch", "transformers", "dbos", "sqlalchemy")
_LEAST_FREE_GIB = 1.0


def examine(settings: Settings) -> bool:
    """Prints a table of checks; whether all of them passed."""
    checks: dict[str, Callable[[], str]] = {
        "environment": _environment,
        "home": lambda: _home(settings),
        "database": lambda: _database(settings),
        "rates": lambda: _rates(settings),
        "storage": lambda: _storage(settings),
        "memory": lambda: _memory(settings),  # before anything is loaded: it looks at what is free
        "checkpoint": lambda: _checkpoint(settings),
        "brands": lambda: _brands(settings),
        "bridge": lambda: bridge_factory(settings)().name,
        "moderation": lambda: _moderation(settings),
    }
    table = Table("check", "", "what was found", box=None, pad_edge=False)
    errors = Console(stderr=True)
    passed = True
    for name, check in checks.items():
        try:
            with errors.status(f"{name} ..."):
                found, mark = check(), "[green]ok[/]"
        except Exception as error:  # whatever is wrong is what was asked for
            found, mark, passed = f"{type(error).__name__}: {error}", "[red]failed[/]", False
        table.add_row(name, mark, found.replace("[", "\\["))
    Console(highlight=False, soft_wrap=True).print(table)
    return passed


def _environment() -> str:
    packages = ", ".join(f"{name} {version(name)}" for name in _PACKAGES)
    return f"Python {platform.python_version()}, {platform.machine()}, {os.cpu_count()} cores; {packages}"


def _home(settings: Settings) -> str:
    settings.home.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(settings.home).free / 2**30
    if free < _LEAST_FREE_GIB:
        raise OSError(f"{settings.home} has only {free:.1f} GiB free")
    mode = (settings.home / "secret.key").stat().st_mode & 0o777 if settings.key and _has_own_key(settings) else 0o600
    if mode != 0o600:
        raise PermissionError(f"secret.key can be read by others: its mode is {mode:o}, not 600")
    return f"{settings.home}, {free:.0f} GiB free"


def _has_own_key(settings: Settings) -> bool:
    return not settings.secret_key.get_secret_value()


def _database(settings: Settings) -> str:
    database = Database(settings.database)
    try:
        database.migrate()
        found, _ = database.revision()
        return f"{database.engine.dialect.name}, schema {found}"
    finally:
        database.close()


def _rates(settings: Settings) -> str:
    database = Database(settings.database)
    try:
        counter = counter_for(settings.rate_limit_storage, database)
        if not counter.check():
            raise ConnectionError("what SARTOR_RATE_LIMIT_STORAGE names does not answer")
    finally:
        database.close()
    if isinstance(counter, DatabaseCounter):
        return "requests are counted in the database"
    return f"requests are counted in {urlsplit(settings.rate_limit_storage).scheme or 'memory'}"  # may hold a password


def _storage(settings: Settings) -> str:
    Storage(settings.storage, key=settings.key).check()
    return f"{settings.storage.split('?')[0]}, written and read back"


def _checkpoint(settings: Settings) -> str:
    engine = engine_factory(settings)()
    engine.warm_up()  # raises where the golden hash is another one
    place = checkpoint_folder(settings)
    from sartor.fibo import Engine

    if not isinstance(engine, Engine):
        return f"{place}"
    fingerprint = engine.fingerprint
    second = f" and {settings.second_device}" if settings.second_device else ""
    return (
        f"{place}, sha256 {fingerprint.checkpoint[:16]}, on {fingerprint.device}{second}, "
        f"{fingerprint.threads} threads, memory {engine.memory.name}, blocks {fingerprint.mode}, "
        f"attention {fingerprint.attention}, linears {fingerprint.linears}, by default {settings.steps_num} steps, "
        f"guidance {settings.guidance_scale}, caching {settings.caching}, "
        f"guided {_guided(engine.guidance_until if settings.guidance_until is None else settings.guidance_until)}, "
        "the warm-up picture has the hash that it should"
    )


def _guided(until: float) -> str:
    return f"until a noise level of {until:g}" if until else "to the end"


def _memory(settings: Settings) -> str:
    """What each memory mode needs, computed from the numbers of parameters: nothing of it is measured."""
    if settings.checkpoint == "plain":
        return "the plain engine needs none"
    from sartor.fibo.checkpoint import PARTS, serving_dtype
    from sartor.fibo.hub import locate
    from sartor.fibo.memory import choose_mode, fibo_sizes, plans, sizes_of

    device, folder = device_name(settings), locate(checkpoint_folder(settings), list(PARTS))
    itemsize, fp8 = serving_dtype(device).itemsize, settings.linears == "fp8"
    needs = ", ".join(map(str, plans(sizes_of(folder, itemsize, fp8=fp8))))
    if settings.memory == "auto":
        chosen = choose_mode(folder, device, itemsize, fp8=fp8).name
    else:
        chosen = f"{settings.memory}, as SARTOR_MEMORY says,"
    found = f"{chosen} on {device}; computed, not measured: {needs}"
    if settings.checkpoint == "embedded":
        found += f". FIBO on a GPU would need {', '.join(map(str, plans(fibo_sizes())))}"
    return found


def _brands(settings: Settings) -> str:
    brands = find_brands(settings.brand_folders, bundled=settings.bundled_brands)
    if not brands and settings.bundled_brands:
        raise LookupError("none is installed, and none was trained")
    if not brands:
        return "none in a folder: models come from trainings and imports"
    return ", ".join(f"{brand.slug} ({brand.name})" for brand in brands)


def _moderation(settings: Settings) -> str:
    moderator = OpenNsfw()
    moderator.warm_up()
    if not settings.text_moderation_model:
        return "phrase lists; open_nsfw"
    HostedModerator(settings.text_moderation_model)  # raises where its packages are missing
    return f"phrase lists, then {settings.text_moderation_model}, which was not asked; open_nsfw"
