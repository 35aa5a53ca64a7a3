"""The command line: quick to ask, exact in what it prints. Commands that draw and train are in tests/e2e."""

import io
import json
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from sartor.accounts.service import Accounts
from sartor.cli import app
from sartor.fibo import Fingerprint, Recipe
from sartor.fibo.recipe import write_png
from sartor.kit.database import Database


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SARTOR_HOME", str(tmp_path))
    return tmp_path


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        app(list(arguments))
    return int(ended.value.code or 0)


def test_help_imports_nothing_heavy() -> None:
    heavy = ("torch", "spacy", "diffusers", "fastapi", "sqlalchemy", "dbos", "pydantic")
    program = (
        "import sys\nfrom sartor.cli import app\n"
        "try:\n    app(['--help'])\nexcept SystemExit:\n    pass\n"
        f"print([name for name in {heavy} if name in sys.modules])"
    )
    asked = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    for command in ("serve", "worker", "demo", "token", "organization", "move", "generate", "train", "diff", "doctor"):
        assert command in asked.stdout
    assert asked.stdout.splitlines()[-1] == "[]"


def test_a_token_and_nothing_else(capsys: pytest.CaptureFixture[str], home: Path) -> None:
    assert run("token", "create", "--organization", "acme") == 0
    printed = capsys.readouterr().out
    assert printed.count("\n") == 1
    token = printed.strip()
    assert printed == token + "\n"
    database = Database(f"sqlite:///{home / 'sartor.db'}")
    assert Accounts(database, key=b"k").authenticate(token).organisation_id == 1
    database.close()


def test_tokens_are_listed_and_revoked(
    capsys: pytest.CaptureFixture[str], home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for organization in ("acme", "other", "acme"):
        assert run("token", "create", "--organization", organization) == 0
    first, _, last = capsys.readouterr().out.split()
    assert run("token", "revoke", "2") == 0
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{last}\n"))
    assert run("token", "revoke", "-") == 0
    assert capsys.readouterr().out == "Token 2 is revoked.\nToken 3 is revoked.\n"
    assert run("token", "list") == 0
    listed = capsys.readouterr().out
    assert [line.split("\t")[:2] for line in listed.splitlines()] == [["1", "acme"], ["2", "other"], ["3", "acme"]]
    assert ["revoked" in line for line in listed.splitlines()] == [False, True, True]
    assert first not in listed
    database = Database(f"sqlite:///{home / 'sartor.db'}")
    assert Accounts(database, key=b"k").authenticate(first).token_id == 1
    database.close()


@pytest.mark.parametrize(("which", "said"), [("7", "no such token"), ("sartor_abc", "on standard input")])
def test_what_cannot_be_revoked_is_said(capsys: pytest.CaptureFixture[str], which: str, said: str) -> None:
    assert run("token", "revoke", which) == 1
    told = capsys.readouterr()
    assert said in told.err
    assert not told.out


def test_a_nameless_organisation(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("token", "create", "--organization", " ") == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert "1 to 200 characters" in said.err


def test_an_organization_is_listed_and_deleted(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sartor.kit.logs.configure_logging", lambda level: None)
    monkeypatch.setenv("SARTOR_CHECKPOINT", "plain")
    for name in ("acme", "other", "acme"):
        assert run("token", "create", "--organization", name) == 0
    assert run("token", "revoke", "2") == 0
    capsys.readouterr()
    monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))
    assert run("organization", "delete", "acme") == 1
    told = capsys.readouterr()
    assert not told.out.strip()
    assert "  2 tokens" in told.err
    assert "Delete all of it for good?" in told.err
    assert told.err.endswith("Nothing was deleted.\n")
    assert run("organization", "delete", "acme", "--yes") == 0
    assert capsys.readouterr().out == "acme is deleted.\n"
    assert run("organization", "list") == 0
    assert [line.split("\t")[::2] for line in capsys.readouterr().out.splitlines()] == [["other", "0 tokens"]]
    assert run("organization", "delete", "acme", "--yes") == 1
    assert "There is no organisation 'acme'." in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("move database", "SARTOR_DATABASE_URL names the database to move from"),
        ("move database --from sqlite:////nowhere/sartor.db", "There is no database /nowhere/sartor.db."),
        ("move storage", "SARTOR_STORAGE_URL names the storage to move from"),
        ("move storage --from file:///nowhere", "There is no folder /nowhere."),
        ("move storage --from ftp://nowhere", "SARTOR_STORAGE_URL: "),
        (
            "move database --from postgresql://me:ses@me:sesame@host:port/x",
            "SARTOR_DATABASE_URL: Value error, is no address",
        ),
    ],
)
def test_what_cannot_be_moved_is_said(capsys: pytest.CaptureFixture[str], words: str, said: str) -> None:
    assert run(*words.split()) == 1
    told = capsys.readouterr()
    assert told.err.startswith(said)
    assert told.err.count("\n") == 1
    assert "sesame" not in told.err
    assert not told.out


def test_wrong_settings_are_named(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SARTOR_SYNC_WAIT", "soon")
    monkeypatch.setenv("SARTOR_PORT", "many")
    assert run("token", "create", "--organization", "acme") == 1
    said = capsys.readouterr().err
    assert "SARTOR_SYNC_WAIT" in said
    assert "SARTOR_PORT" in said
    assert "Traceback" not in said


@pytest.mark.parametrize("command", ["serve", "worker"])
def test_a_moderation_model_without_its_packages_is_named(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    monkeypatch.setattr("sartor.moderation.hosted._NAMES", ("no_such_package",))
    # Both are for a process of its own: a log that goes to this test's standard error, and signals.
    monkeypatch.setattr("sartor.cli.serving.configure_logging", lambda level: None)
    monkeypatch.setattr("sartor.cli.serving.signal.signal", lambda number, handler: None)
    monkeypatch.setenv("SARTOR_TEXT_MODERATION_MODEL", "openai:omni-moderation-latest")
    monkeypatch.setenv("SARTOR_CHECKPOINT", "plain")
    assert run(command) == 1
    said = capsys.readouterr().err
    assert "SARTOR_TEXT_MODERATION_MODEL" in said
    assert "docs/moderation.md" in said
    assert "Traceback" not in said


@pytest.mark.parametrize("url", ["nowhere://host", "async+memory://"])
def test_a_place_that_cannot_count_is_named(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setattr("sartor.cli.serving.configure_logging", lambda level: None)
    monkeypatch.setenv("SARTOR_RATE_LIMIT_STORAGE", url)
    monkeypatch.setenv("SARTOR_CHECKPOINT", "plain")
    assert run("serve") == 1
    said = capsys.readouterr().err
    assert said.startswith("SARTOR_RATE_LIMIT_STORAGE: ")
    assert "Traceback" not in said


@pytest.mark.parametrize("command", [["token", "list"], ["serve"], ["worker"]])
def test_a_database_that_is_away_is_a_sentence(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, command: list[str]
) -> None:
    monkeypatch.setattr("sartor.cli.serving.configure_logging", lambda level: None)
    monkeypatch.setattr("sartor.cli.serving.signal.signal", lambda number, handler: None)
    monkeypatch.setenv("SARTOR_DATABASE_URL", "postgresql://sartor@127.0.0.1:1/sartor")
    monkeypatch.setenv("SARTOR_CHECKPOINT", "plain")
    monkeypatch.setenv("SARTOR_PORT", "0")
    assert run(*command) == 1
    said = capsys.readouterr().err
    assert said.startswith("The database does not answer: ")
    assert "Connection refused" in said
    assert said.count("\n") == 1


def test_the_module_is_the_command() -> None:
    asked = subprocess.run([sys.executable, "-m", "sartor.cli", "--help"], capture_output=True, text=True, check=True)
    assert "sartor" in asked.stdout


RED = '{"objects":[{"description":"apple","shape_and_color":"red"}],"style_medium":"photograph"}'
GREEN = '{"style_medium":"photograph","objects":[{"description":"apple","shape_and_color":"green"}]}'


def test_diff_names_the_field(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "red.json").write_text(RED)
    (tmp_path / "answer.json").write_text(json.dumps({"request_id": "1", "result": {"structured_prompt": GREEN}}))
    assert run("diff", str(tmp_path / "red.json"), str(tmp_path / "answer.json")) == 1
    assert capsys.readouterr().out == 'objects[0].shape_and_color: "red" -> "green"\n'
    assert run("diff", RED, str(tmp_path / "red.json")) == 0
    assert capsys.readouterr().out == ""


def test_diff_reads_a_pictures_recipe(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    fingerprint = Fingerprint(checkpoint="c", device="cpu", dtype="float32", threads=1, mode="eager")
    recipe = Recipe("", GREEN, 1, 20, 5.0, "1:1", 1.0, "", fingerprint)
    (tmp_path / "green.png").write_bytes(write_png(Image.new("RGB", (8, 8)), recipe))
    assert run("diff", str(tmp_path / "green.png"), GREEN) == 0
    Image.new("RGB", (8, 8)).save(tmp_path / "bare.png")
    assert run("diff", str(tmp_path / "bare.png"), GREEN) == 2
    assert "no recipe" in capsys.readouterr().err


@pytest.mark.parametrize("given", ["missing.json", "{", '{"objects": 5}', "."])
def test_diff_of_what_is_none(capsys: pytest.CaptureFixture[str], given: str) -> None:
    assert run("diff", given, RED) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err
