"""The rules that keep the parts apart: who may import whom, what a page and a worker may load, size, documentation."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.rules import each

ROOT = Path(__file__).resolve().parents[1]
CORE = sorted((ROOT / "core").rglob("*.py"))
PAGES = [ROOT / "app.py", *sorted((ROOT / "pages").rglob("*.py"))]
SOURCES = CORE + PAGES + sorted((ROOT / "tests").rglob("*.py"))

EVERYWHERE = {"child", "errors", "registry", "words"}
# Part of core → the parts that it may import, besides itself and EVERYWHERE.
ARROWS = {
    "config": set(),
    "reports": {"config"},
    "modalities": set(),
    "data": {"modalities", "reports", "config"},
    "models": {"data", "modalities", "config"},
    "training": {"models", "data", "config"},
    "evaluation": {"data", "modalities", "reports", "config"},
    "lessons": {"training", "evaluation", "models", "data", "modalities", "config"},
    "plots": {"lessons", "data", "modalities", "reports", "config"},
    "latents": {"training", "evaluation", "models", "data", "modalities", "config"},
    "runs": {"latents", "training", "evaluation", "models", "data", "reports", "config"},
    "bench": {
        "modalities",
        "runs",
        "latents",
        "training",
        "evaluation",
        "plots",
        "models",
        "data",
        "reports",
        "config",
    },
    "commands": {"bench", "runs", "latents", "training", "evaluation", "plots", "models", "data", "reports", "config"},
    "cli": {"commands", "bench", "runs", "training", "evaluation", "plots", "models", "data", "config"},
    "__main__": {"cli"},
    "child": set(),
    "errors": set(),
    "registry": set(),
    "words": set(),
    "__init__": set(),
}
# Importing torch takes seconds and hundreds of megabytes: only these load it when they are imported.
TORCH_AT_IMPORT = {"models", "training", "runs/worker.py", "bench"}
# A worker starts on a GPU machine that has no browser, no file readers and no command line.
NOT_IN_A_WORKER = [
    "streamlit", "pandas", "altair", "plotly", "cyvcf2", "bed_reader", "h5py", "anndata", "allel", "sklearn",
    "hydra", "omegaconf", "msprime", "umap", "ot",
]  # fmt: skip


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def part(path: Path) -> str:
    """The part of core that a file belongs to: its folder, or its own name."""
    return path.relative_to(ROOT / "core").parts[0].removesuffix(".py")


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def module_name(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def module_file(name: str) -> Path | None:
    """The file of a module of this repository."""
    base = ROOT.joinpath(*name.split("."))
    return next((f for f in (base.with_suffix(".py"), base / "__init__.py") if f.is_file()), None)


def imported(node: ast.AST, path: Path) -> Iterator[str]:
    """The modules that an import statement names, with submodules that are imported by `from`."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        base = node.module or ""
        if node.level:
            package = module_name(path).split(".")
            package = package if path.name == "__init__.py" else package[:-1]
            base = ".".join([*package[: len(package) - node.level + 1], *([base] if base else [])])
        yield base
        yield from (name for a in node.names if module_file(name := f"{base}.{a.name}"))


def imports(path: Path) -> set[str]:
    """Every module that a file imports anywhere."""
    return {name for node in ast.walk(tree(path)) for name in imported(node, path)}


@cache
def imports_at_load(path: Path) -> frozenset[str]:
    """The modules that are loaded when a file is: not those inside functions or under TYPE_CHECKING."""
    found: set[str] = set()
    waiting: list[ast.AST] = [tree(path)]
    while waiting:
        node = waiting.pop()
        found.update(imported(node, path))
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            waiting.extend(node.orelse)
        elif not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            waiting.extend(ast.iter_child_nodes(node))
    return frozenset(found)


def loaded_with(names: set[str]) -> dict[str, str]:
    """Everything that importing `names` loads, as far as this repository's files tell: module → who asked for it."""
    loaded: dict[str, str] = {}
    waiting = [(name, "") for name in names]
    while waiting:
        name, asker = waiting.pop()
        if name in loaded:
            continue
        loaded[name] = asker
        parents = [name.rsplit(".", k)[0] for k in range(1, name.count(".") + 1)]
        waiting.extend((parent, name) for parent in parents)
        if file := module_file(name):
            waiting.extend((other, name) for other in imports_at_load(file))
    return loaded


def is_package(name: str, package: str) -> bool:
    return name == package or name.startswith(f"{package}.")


@each(CORE)
def test_imports_point_one_way(path: Path) -> None:
    own = part(path)
    assert own in ARROWS, f"{own} has no place among the parts of core"
    others = {name.split(".")[1] for name in imports(path) if name.startswith("core.")}
    assert others - {own} - EVERYWHERE <= ARROWS[own]


@each(CORE)
def test_core_knows_no_streamlit(path: Path) -> None:
    assert not [name for name in imports(path) if is_package(name, "streamlit")]


@each(CORE)
def test_torch_is_loaded_only_where_models_are(path: Path) -> None:
    inner = path.relative_to(ROOT / "core").as_posix()
    if part(path) in TORCH_AT_IMPORT or inner in TORCH_AT_IMPORT:
        return
    assert not [name for name in imports_at_load(path) if is_package(name, "torch")]


@each(PAGES)
def test_pages_load_no_torch(path: Path) -> None:
    """Neither by themselves, anywhere in the file, nor through what they import."""
    loaded = loaded_with(imports(path))
    assert not [(name, asker) for name, asker in loaded.items() if is_package(name, "torch")]


@each(CORE + PAGES)
def test_nothing_is_unpickled(path: Path) -> None:
    assert not [name for name in imports(path) if name in ("pickle", "cPickle", "dill", "joblib", "shelve")]
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Call):
            assert ast.unparse(node.func) not in ("torch.load", "pandas.read_pickle", "pd.read_pickle")
            options = {k.arg: k.value for k in node.keywords}
            allowed = options.get("allow_pickle")
            assert allowed is None or (isinstance(allowed, ast.Constant) and allowed.value is False)


def test_a_worker_starts_without_browser_readers_or_command_line() -> None:
    code = (
        "import sys, core.runs.worker\n"
        "from core.models.registry import models\n"
        "from core.evaluation.registry import metrics\n"
        "models.names(), metrics.names()\n"
        f"print([n for n in {NOT_IN_A_WORKER!r} if n in sys.modules])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"


@cache
def documented_methods() -> dict[str, tuple[set[str], set[str]]]:
    """Each class name of core → the names of its bases, and of its methods that have a docstring."""
    found: dict[str, tuple[set[str], set[str]]] = {}
    for node in (node for path in CORE for node in ast.walk(tree(path)) if isinstance(node, ast.ClassDef)):
        bases, methods = found.setdefault(node.name, (set(), set()))
        bases.update(ast.unparse(base).split("[")[0].split(".")[-1] for base in node.bases)
        methods.update(f.name for f in node.body if isinstance(f, ast.FunctionDef) and ast.get_docstring(f))
    return found


def is_documented(owner: str, method: str) -> bool:
    """Whether a method says what it does, or overrides one that does; torch says it for `forward`."""
    bases, methods = documented_methods().get(owner, (set(), set()))
    inherited = method == "forward" and "Module" in bases
    return inherited or method in methods or any(is_documented(base, method) for base in bases - {owner})


@each(CORE)
def test_what_is_public_is_documented(path: Path) -> None:
    bare: list[str] = []
    if path.name != "__init__.py" and not ast.get_docstring(tree(path)):
        bare.append("the module")
    for node in tree(path).body:
        if not isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) or node.name.startswith("_"):
            continue
        if not ast.get_docstring(node):
            bare.append(node.name)
        if isinstance(node, ast.ClassDef):
            names = [f.name for f in node.body if isinstance(f, ast.FunctionDef) and not f.name.startswith("_")]
            bare.extend(f"{node.name}.{name}" for name in names if not is_documented(node.name, name))
    assert not bare


@each(SOURCES)
def test_files_have_one_subject(path: Path) -> None:
    if path.is_relative_to(ROOT / "tests"):
        return
    lines = len(path.read_text(encoding="utf-8").splitlines())
    if path.parent == ROOT / "pages":
        assert lines < 150
    else:
        assert lines <= (200 if path in PAGES else 450 if "models" in path.parts else 400)


@each(SOURCES)
def test_nothing_is_left_half_done(path: Path) -> None:
    if path == Path(__file__):
        return
    text = path.read_text(encoding="utf-8")
    assert not [mark for mark in ("TODO", "FIXME", "XXX") if mark in text]
    raised = [ast.unparse(node.exc) for node in ast.walk(tree(path)) if isinstance(node, ast.Raise) and node.exc]
    assert not [error for error in raised if error.startswith("NotImplemented")]
    assert not [place for place in ("/work/", "/home/", "/root/", "/Users/") if place in text]


def test_the_rules_see_what_they_forbid() -> None:
    """A rule that cannot fail is none: torch is found behind two modules, and only where it is loaded."""
    trail = loaded_with({"core.training.load"})
    assert any(is_package(name, "torch") for name in trail)
    assert "core.models.base" in trail
    assert "torch" not in loaded_with({"core.data.genotypes"})


@pytest.mark.xdist_group("together")
def test_groups_of_tests_stay_together(request: pytest.FixtureRequest) -> None:
    """A pytest that the runner of several processes does not know would scatter them without a word."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        assert request.node.nodeid.endswith("@together")
