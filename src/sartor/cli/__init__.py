"""``sartor``: the service and its engine from a terminal.

Answers go to standard output, everything else to standard error. What takes seconds to import is imported by the
command that needs it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

if TYPE_CHECKING:
    from sartor.accounts.service import Accounts
    from sartor.settings import Settings

app = typer.Typer(
    name="sartor",
    help="Tailored image generation: your style as a LoRA over FIBO, structured prompts, exact replay.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
tokens = typer.Typer(help="API tokens.", no_args_is_help=True)
app.add_typer(tokens, name="token")
organizations = typer.Typer(help="Organisations, to whom everything belongs.", no_args_is_help=True)
app.add_typer(organizations, name="organization")
moves = typer.Typer(help="From one database or storage to another.", no_args_is_help=True)
app.add_typer(moves, name="move")

Influence = Annotated[float, typer.Option(min=0.0, max=1.5, help="How strongly the brand acts; 0 is the base model.")]
Steps = Annotated[int | None, typer.Option(min=1, max=1000, help="Denoising steps.")]
Guidance = Annotated[float | None, typer.Option(min=0.0, max=100.0, help="How closely to follow the prompt.")]
Ratio = Annotated[str, typer.Option("--aspect-ratio", help="Width to height, as in 16:9.")]


@app.command()
def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on; SARTOR_HOST by default.")] = None,
    port: Annotated[int | None, typer.Option(help="TCP port, 0 takes a free one; SARTOR_PORT by default.")] = None,
) -> None:
    """Run the service."""
    settings = _settings(host=host, port=port)
    from sartor.cli.serving import serve as run

    with _naming_what_is_missing():
        run(settings)


@app.command()
def worker() -> None:
    """Work on jobs without answering HTTP: one of several beside `serve` with SARTOR_WORK=false."""
    settings = _settings(work=True)
    from sartor.cli.serving import DeviceFailed, work

    try:
        with _naming_what_is_missing():
            work(settings)
    except DeviceFailed as error:
        _fail(str(error))


@contextmanager
def _naming_what_is_missing() -> Iterator[None]:
    """Ends the command where a setting asks for what is not there: a model's packages or key, a place to count in, a
    database that answers."""
    from sartor.bridge import BridgeUnavailable
    from sartor.kit.database import AWAY
    from sartor.kit.rates import CounterUnavailable
    from sartor.moderation.base import ModeratorUnavailable

    try:
        yield
    except BridgeUnavailable as error:
        _fail(f"SARTOR_BRIDGE: {error}")
    except ModeratorUnavailable as error:
        _fail(f"SARTOR_TEXT_MODERATION_MODEL: {error}")
    except CounterUnavailable as error:
        _fail(f"SARTOR_RATE_LIMIT_STORAGE: {error}")
    except AWAY as error:
        _fail(f"The database does not answer: {_in_one_line(error)}")


@app.command()
def demo(
    prompt: Annotated[str, typer.Option(help="What to draw.")] = "a snowman",
    seed: Annotated[int, typer.Option(min=0, max=2**31 - 1, help="The same seed draws the same picture.")] = 2,
) -> None:
    """Start the service on a free port, ask it for one picture of a bundled brand, and stop it."""
    settings = _settings()
    from sartor.cli.demo import DemoFailed, run

    try:
        with _naming_what_is_missing():
            run(settings, prompt=prompt, seed=seed)
    except DemoFailed as error:
        _fail(str(error))


@tokens.command("create")
def create_token(organization: Annotated[str, typer.Option(help="Its name; made where there is none yet.")]) -> None:
    """Make a token and print it. It is shown this once: only its hash is kept."""
    with _accounts() as accounts:
        try:
            typer.echo(accounts.create_token(organization))
        except ValueError as error:
            _fail(str(error))


@tokens.command("list")
def list_tokens() -> None:
    """All tokens, a line each: number, organisation, when it was made, when it was revoked."""
    with _accounts() as accounts:
        for one in accounts.tokens():
            revoked = f"revoked {one.revoked_at:%Y-%m-%d %H:%M}" if one.revoked_at else ""
            typer.echo(f"{one.id}\t{one.organisation}\t{one.created_at:%Y-%m-%d %H:%M}\t{revoked}".rstrip())


@tokens.command("revoke")
def revoke_token(
    which: Annotated[str, typer.Argument(help="Its number in `sartor token list`; `-` reads the token from input.")],
) -> None:
    """Refuse a token from now on, everywhere at once."""
    if which != "-" and not which.isdecimal():
        _fail("Give the token's number, or - and the token on standard input, where no history keeps it.")
    token = typer.get_text_stream("stdin").readline().strip() if which == "-" else int(which)
    from sartor.errors import NotFound

    with _accounts() as accounts:
        try:
            typer.echo(f"Token {accounts.revoke(token)} is revoked.")
        except NotFound as error:
            _fail(error.details)


@organizations.command("list")
def list_organizations() -> None:
    """All organisations, a line each: name, since when, how many tokens are good, whether it is being deleted."""
    with _accounts() as accounts:
        for one in accounts.organisations():
            tokens = f"{one.tokens} token{'s' if one.tokens != 1 else ''}"
            deleted = "being deleted" if one.deleted else ""
            typer.echo(f"{one.name}\t{one.created_at:%Y-%m-%d %H:%M}\t{tokens}\t{deleted}".rstrip())


@organizations.command("delete")
def delete_organization(
    name: Annotated[str, typer.Argument(help="Its name in `sartor organization list`.")],
    yes: Annotated[bool, typer.Option("--yes", help="Ask nothing.")] = False,
) -> None:
    """Delete an organisation with all that is its own, beside running servers or without. Run again it goes on."""
    settings = _settings()
    from sartor.cli.organizations import DeletionFailed, delete
    from sartor.kit.logs import configure_logging
    from sartor.kit.storage import StorageAway

    configure_logging("warning")

    def confirm(what: str) -> bool:
        typer.echo(what, err=True)
        return yes or typer.confirm("Delete all of it for good?", err=True)

    try:
        with _naming_what_is_missing():
            delete(settings, name, confirm=confirm)
    except (DeletionFailed, StorageAway) as error:
        _fail(_in_one_line(error))


@moves.command("database")
def move_database(
    source: Annotated[
        str, typer.Option("--from", help="Address of the old one; by default the file in the home.")
    ] = "",
) -> None:
    """Copy all rows into the database that SARTOR_DATABASE_URL names, which is empty. Stop the service first."""
    settings, old = _settings(), _settings(database_url=source)
    from sqlalchemy.exc import SQLAlchemyError

    from sartor.cli.moving_database import MoveFailed
    from sartor.cli.moving_database import move_database as move

    try:
        with _naming_what_is_missing():
            move(old.database, settings)
    except (MoveFailed, SQLAlchemyError) as error:
        _fail(_in_one_line(error))


@moves.command("storage")
def move_storage(
    source: Annotated[
        str, typer.Option("--from", help="Address of the old one; by default the folder in the home.")
    ] = "",
) -> None:
    """Copy all objects into the storage that SARTOR_STORAGE_URL names. Stop the service first; run again it goes on."""
    settings, old = _settings(), _settings(storage_url=source)
    from obstore.exceptions import BaseError

    from sartor.cli.moving_storage import MoveFailed
    from sartor.cli.moving_storage import move_storage as move
    from sartor.kit.storage import StorageAway

    try:
        move(old.storage, settings)
    except (MoveFailed, StorageAway, BaseError, OSError) as error:
        _fail(_in_one_line(error))


@app.command()
def generate(
    prompt: Annotated[str, typer.Argument(help="What to draw, in words, or a structured prompt as JSON.")],
    model: Annotated[str, typer.Option(help="A brand's name or slug; `base` for none.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="The PNG to write.")],
    seed: Annotated[int | None, typer.Option(min=0, max=2**31 - 1, help="Drawn and told where absent.")] = None,
    steps: Steps = None,
    guidance: Guidance = None,
    aspect_ratio: Ratio = "1:1",
    influence: Influence = 1.0,
    negative: Annotated[str, typer.Option(help="What to keep out.")] = "",
    shift: Annotated[float | None, typer.Option(min=0, max=5, help="1 with --steps 12: as good, and faster.")] = None,
) -> None:
    """Draw one picture in this process, without a server; prints the structured prompt."""
    settings = _settings()
    from sartor.cli.studio import StudioError, draw

    try:
        draw(
            settings,
            prompt,
            model=model,
            output=output,
            seed=seed,
            steps=settings.steps_num if steps is None else steps,
            guidance_scale=float(settings.guidance_scale) if guidance is None else guidance,
            aspect_ratio=aspect_ratio,
            influence=influence,
            negative_prompt=negative,
            shift=shift,
        )
    except StudioError as error:
        _fail(str(error))


@app.command()
def train(
    images: Annotated[Path, typer.Option(exists=True, file_okay=False, help="Folder of pictures.")],
    name: Annotated[str, typer.Option(help="The brand's name.")],
    ip_type: Annotated[str, typer.Option(help="What the pictures are: icons, defined_character ...")] = "other",
    medium: Annotated[str, typer.Option(help="illustration or photography.")] = "illustration",
    steps: Annotated[int | None, typer.Option(min=1, help="Optimiser steps; the recipe's by default.")] = None,
    rank: Annotated[
        int | None, typer.Option(min=1, max=256, help="The adapter's rank; the recipe's by default.")
    ] = None,
    learning_rate: Annotated[
        float | None, typer.Option(min=1e-7, max=1.0, help="The highest learning rate; the recipe's by default.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="For the data's order, the noise and the first weights.")] = 0,
) -> None:
    """Learn a brand from a folder of pictures, captioned or not. Stopped and started again, it goes on where it was."""
    settings = _settings()
    from sartor.cli.studio import StudioError
    from sartor.cli.training import Choices
    from sartor.cli.training import train as learn

    try:
        choices = Choices(ip_type, medium, steps, rank, learning_rate, seed)
        learn(settings, images, name=name, choices=choices)
    except StudioError as error:
        _fail(str(error))


@app.command()
def diff(
    a: Annotated[str, typer.Argument(metavar="A", help="A JSON file, a PNG with its recipe inside, or JSON text.")],
    b: Annotated[str, typer.Argument(metavar="B", help="Likewise.")],
) -> None:
    """Say what differs between two structured prompts, a line a field; exits with 1 where anything does."""
    from sartor.cli.compare import NotAStructuredPrompt, compare

    try:
        changes = compare(a, b)
    except NotAStructuredPrompt as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from None
    for change in changes:
        typer.echo(str(change))
    raise typer.Exit(1 if changes else 0)


@app.command()
def doctor() -> None:
    """Check the environment, the checkpoint, its golden hash, the database and the storage."""
    settings = _settings()
    from sartor.cli.doctor import examine

    raise typer.Exit(0 if examine(settings) else 1)


@contextmanager
def _accounts() -> Iterator[Accounts]:
    """The accounts of the database that the settings name, brought up to date."""
    settings = _settings()
    from sartor.accounts.service import Accounts
    from sartor.kit.database import AWAY, Database

    database = Database(settings.database)
    try:
        database.migrate()
        yield Accounts(database, key=settings.key)
    except AWAY as error:
        _fail(f"The database does not answer: {_in_one_line(error)}")
    finally:
        database.close()


def _settings(**given: object) -> Settings:
    """The settings, with what the command line gives instead of the environment's."""
    from pydantic import ValidationError

    from sartor.settings import Settings

    try:
        return Settings(**{name: value for name, value in given.items() if value is not None})  # type: ignore[arg-type]
    except ValidationError as error:
        reasons = (f"SARTOR_{'_'.join(map(str, one['loc'])).upper()}: {one['msg']}" for one in error.errors())
        _fail("\n".join(reasons))


def _in_one_line(error: Exception) -> str:
    from sartor.errors import in_one_line

    return in_one_line(error)


def _fail(reason: str) -> NoReturn:
    typer.echo(reason, err=True)
    raise typer.Exit(1)


def main() -> None:
    """The console script."""
    app()


if __name__ == "__main__":
    main()
