"""Who may import whom: strategies know contracts and quantities, nobody imports upward, and there is no circle."""

import ast
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "src" / "temper"
KNOWN_ABOVE = {"experiment", "recipes", "command.command_line", "training.folder", "training.recorder"}
TOP = {
    "run",
    "command.job",
    "training.build",
    "report.outcome",
    "command.sweep",
    "command.study",
    "command.search",
}  # what a strategy or a tool beneath must not know


@cache
def modules() -> dict[str, set[str]]:
    """Return each module of temper with those of temper that it imports when it is loaded."""
    found = {}
    for path in sorted(SOURCE.rglob("*.py")):
        name = ".".join(path.relative_to(SOURCE).with_suffix("").parts).removesuffix(".__init__")
        imported = set()
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "temper":
                inner = node.module.removeprefix("temper").lstrip(".")
                if (SOURCE / inner.replace(".", "/")).is_dir():  # a package: modules of it are imported
                    inside = {alias.name for alias in node.names if _is_module(inner, alias.name)}
                    imported |= {f"{inner}.{name}".lstrip(".") for name in inside}
                    imported |= {inner} if len(inside) < len(node.names) else set()
                else:
                    imported |= {inner}
        found[name] = imported
    return found


def _is_module(package: str, name: str) -> bool:
    place = SOURCE / package.replace(".", "/") / name
    return place.is_dir() or place.with_suffix(".py").is_file()


def test_finds_what_there_is() -> None:
    assert len(modules()) > 90


def test_no_circle() -> None:
    graph, done = modules(), set()

    def visit(name: str, path: tuple[str, ...]) -> None:
        assert name not in path, f"a circle: {' -> '.join([*path, name])}"
        if name not in done:
            for other in graph.get(name, ()):
                visit(other, (*path, name))
            done.add(name)

    for name in graph:
        visit(name, ())


def strategies() -> dict[str, set[str]]:
    """Return the modules below the folder of an axis."""
    axes = {path.name for path in (ROOT / "conf").iterdir() if path.is_dir()}
    return {name: imported for name, imported in modules().items() if "." in name and name.split(".")[0] in axes}


def test_strategies_do_not_know_the_run() -> None:
    assert len(strategies()) > 60
    for name, imported in strategies().items():
        assert not imported & (TOP | KNOWN_ABOVE), name


def test_strategies_do_not_know_each_other() -> None:
    shared = {"data.batches", "data.epoch_loader", "task.ruler", "trainer.machine"}
    for name, imported in strategies().items():
        axis = name.split(".")[0]
        other = {each for each in imported & set(strategies()) if each.split(".")[0] != axis} - shared
        assert not other, f"{name} imports {other}"


def test_nobody_imports_the_run_but_those_above() -> None:
    above = {"range_test", "compression", *(each for each in modules() if each.startswith("benchmark."))}
    allowed = {
        "run": above,
        "command.job": {"run", "preflight", "report.outcome", "command.search", "cookbook.standing", *above},
        "report.outcome": {"run"},
        "training.build": {"run", "training.revisited", *above},
        "command.sweep": {"command.search"},
        "command.study": {"command.search"},
        "command.search": set(),
    }
    for name, importers in allowed.items():
        found = {each for each, imported in modules().items() if name in imported}
        assert found <= importers, f"{name} is imported by {found}"


def test_supervised_names_no_strategy() -> None:
    assert not modules()["training.supervised"] & set(strategies()) - {"data.batches"}


def test_torch_is_not_imported_to_read_a_command_line() -> None:
    graph = modules()
    seen, waiting = set(), ["command.command_line"]
    while waiting:
        name = waiting.pop()
        seen.add(name)
        waiting += [each for each in graph.get(name, ()) if each not in seen]
    for name in seen:
        text = (SOURCE / f"{name.replace('.', '/')}.py").read_text() if name else ""
        assert "import torch" not in text, name
        assert "import lightning" not in text, name
