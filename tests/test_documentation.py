"""The documentation is held to the program: what it names exists, and what exists is named."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer.main
from typer.core import TyperCommand, TyperGroup, TyperOption

from sartor.app import create_app
from sartor.cli import app
from sartor.errors import SartorError
from sartor.generation.schemas import ImageBody
from sartor.settings import Settings

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
HISTORY = ROOT / "CHANGELOG.md"  # may name what is gone
BRANDS = ROOT / "src" / "sartor" / "nano" / "brands"
COMMANDS_PAGE = ROOT / "docs" / "command-line.md"
API_PAGE = ROOT / "docs" / "api.md"
SETTINGS_PAGE = ROOT / "docs" / "settings.md"

TARGETS = set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
VARIABLES = {f"SARTOR_{name.upper()}": field for name, field in Settings.model_fields.items()}


def code(page: Path) -> str:
    """The page's fenced blocks and `spans`: prose may say "make sure"."""
    text = page.read_text(encoding="utf-8")
    blocks = re.findall(r"^```.*?^```", text, flags=re.MULTILINE | re.DOTALL)
    prose = re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    return "\n".join([*blocks, *re.findall(r"`([^`]+)`", prose)])


def commands(group: TyperGroup, words: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], TyperCommand]]:
    """Every command that does something, with the words that call it."""
    for name, command in group.commands.items():
        if isinstance(command, TyperGroup):
            yield from commands(command, (*words, name))
        else:
            yield (*words, name), command


COMMANDS = dict(commands(typer.main.get_command(app)))


def named(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


current_pages = pytest.mark.parametrize("page", [page for page in PAGES if page != HISTORY], ids=named)


def prose(page: Path) -> str:
    return re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)


def anchors(page: Path, levels: str = "#+") -> list[str]:
    """What a link's fragment may be: headings in small letters, without punctuation, with hyphens for spaces."""
    headings = re.findall(rf"^{levels} (.*)$", prose(page), flags=re.MULTILINE)
    return [re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings]


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_links_lead_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\(([^)\s]+)\)", prose(page)) + re.findall(r'(?:src|href)="([^"]+)"', prose(page))
    for target in targets:
        if "://" not in target:
            file, _, fragment = target.partition("#")
            to = page.parent / file if file else page
            assert to.exists(), target
            assert not fragment or fragment in anchors(to), target


@pytest.mark.parametrize("page", sorted((ROOT / "docs").glob("*.md")), ids=named)
def test_a_long_page_begins_with_its_contents(page: Path) -> None:
    sections = anchors(page, "##")
    contents = re.search(r"^On this page:(.*?)\n\n", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    assert contents or len(sections) < 7
    assert contents is None or re.findall(r"\]\(#([^)]+)\)", contents[1]) == sections


@pytest.mark.parametrize("page", sorted((ROOT / "docs").rglob("*.md")), ids=named)
def test_the_map_leads_to_every_page(page: Path) -> None:
    contents = page.parent / ("README.md" if page.parent.name == "decisions" else "index.md")
    assert page == contents or f"]({page.name})" in contents.read_text(encoding="utf-8")


@current_pages
def test_make_targets_exist(page: Path) -> None:
    assert set(re.findall(r"\bmake (?:[A-Z]+=\S+ )?([a-z][a-z-]*)", code(page))) <= TARGETS


@current_pages
def test_commands_exist(page: Path) -> None:
    for line in re.findall(r"(?:^|[\s/])sartor ((?:[a-z][a-z-]* ?)+)", code(page), flags=re.MULTILINE):
        words = tuple(line.split())
        assert any(words[: len(command)] == command for command in COMMANDS), f"sartor {line}"


@current_pages
def test_brands_exist(page: Path) -> None:
    slugs = {file.parent.name for file in BRANDS.glob("*/model.json")} | {"base"}
    assert set(re.findall(r'(?:"tailored_model_id": "|--model )([a-z][a-z0-9-]*)', code(page))) <= slugs


@current_pages
def test_settings_exist(page: Path) -> None:
    assert set(re.findall(r"\bSARTOR_[A-Z][A-Z_]*[A-Z]\b", page.read_text(encoding="utf-8"))) <= set(VARIABLES)


def test_every_make_target_is_documented() -> None:
    everything = "\n".join(code(page) for page in PAGES)
    assert [target for target in sorted(TARGETS) if not re.search(rf"\bmake {target}\b", everything)] == []


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_every_command_and_option_is_documented(words: tuple[str, ...]) -> None:
    sections = re.split(r"^## ", COMMANDS_PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    section = next((s for s in sections if s.startswith(f"`sartor {' '.join(words)}`")), None)
    assert section, f"{named(COMMANDS_PAGE)} has no section `sartor {' '.join(words)}`"
    options = [max(p.opts, key=len) for p in COMMANDS[words].params if isinstance(p, TyperOption) and not p.hidden]
    assert [option for option in options if option != "--help" and f"`{option}" not in section] == []
    mentioned = set(re.findall(r"`(--[a-z-]+)", section))
    assert mentioned <= {opt for p in COMMANDS[words].params for opt in (*p.opts, *p.secondary_opts)}


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_every_option_says_what_it_is_for(words: tuple[str, ...]) -> None:
    """Without brackets: what stands between them is taken for markup, and not shown."""
    helps = {max(p.opts, key=len): p.help or "" for p in COMMANDS[words].params if isinstance(p, TyperOption)}
    assert [option for option, text in helps.items() if not text or "[" in text] == []


@pytest.mark.parametrize("variable", VARIABLES)
def test_every_setting_is_documented(variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """One row each, with the description of the field, and a default that is the default when it is set."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    untouched = Settings()
    rows = re.findall(
        rf"^\| `{variable}` \|(.*?)\|(.*)\|$", SETTINGS_PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE
    )
    assert len(rows) == 1, f"{named(SETTINGS_PAGE)} has one row for {variable}"
    default, meaning = (cell.strip() for cell in rows[0])
    assert meaning == VARIABLES[variable].description
    monkeypatch.setenv(variable, "" if default == "empty" else default.strip("`"))
    assert Settings() == untouched


def test_every_route_is_documented(tmp_path: Path) -> None:
    described = create_app(Settings(home=tmp_path, checkpoint="plain")).openapi()["paths"]
    routes = {f"{verb.upper()} {path}" for path, verbs in described.items() for verb in verbs}
    operations = {"GET /healthz", "GET /readyz", "GET /metrics"}
    written = set(re.findall(r"^\| `([A-Z]+ /[^`]*)` \|", API_PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE))
    assert written == routes | operations


def test_every_field_of_the_life_cycle_is_documented(tmp_path: Path) -> None:
    described = create_app(Settings(home=tmp_path, checkpoint="plain")).openapi()
    fields = {}
    for path, verbs in described["paths"].items():
        for verb, operation in verbs.items():
            if path.startswith("/v1") and "requestBody" in operation:
                schema = next(iter(operation["requestBody"]["content"].values()))["schema"]
                wanted = {part["$ref"] for part in [schema, *schema.get("anyOf", [])] if "$ref" in part}
                for reference in wanted:
                    schema = described["components"]["schemas"][reference.rpartition("/")[2]]
                fields[f"{verb.upper()} {path}"] = (set(schema["properties"]), set(schema.get("required", [])))
    section = API_PAGE.read_text(encoding="utf-8").split("\n### The bodies of the life cycle\n")[1].split("\n## ")[0]
    rows = re.findall(r"^\| `([A-Z]+ /[^`]*)` \| (.*) \|$", section, flags=re.MULTILINE)
    assert {call: set(re.findall(r"`([a-z_]{3,})`", row)) - {"expert"} for call, row in rows} == {
        call: names for call, (names, _) in fields.items()
    }
    assert {call: set(re.findall(r"\*\*`([a-z_]+)`\*\*", row)) for call, row in rows} == {
        call: required for call, (_, required) in fields.items()
    }


def test_every_field_of_an_image_is_documented() -> None:
    section = API_PAGE.read_text(encoding="utf-8").split("\n## An image\n")[1].split("\n## ")[0]
    assert set(re.findall(r"^\| `([a-z_]+)` \|", section, flags=re.MULTILINE)) == set(ImageBody.model_fields)


def errors(kind: type[SartorError]) -> Iterator[type[SartorError]]:
    yield kind
    for child in kind.__subclasses__():
        yield from errors(child)


def test_every_error_is_documented() -> None:
    rows = re.findall(r"^\| (\d{3}) \| ([^|]+) \|", API_PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    of_the_router = {("405", "Method Not Allowed")}
    assert set(rows) == {(str(kind.code), kind.message) for kind in errors(SartorError)} | of_the_router
