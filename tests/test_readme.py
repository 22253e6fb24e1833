"""The commands of the README and of the cards are true: each is run, shortened by ``debug=steps``."""

import re
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.conftest import card_of, small_splits
from tests.scripts.conftest import load

from temper.command import command_line
from temper.command.command_line import options
from temper.command.job import Job
from temper.data.cifar10 import CIFAR10
from temper.experiment import Experiment
from temper.recipes import OF_SWEEPS, axes, names
from temper.run import run
from temper.training.trained import recipe_of

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text()

# Composed and checked, but not run here, each with its reason.
NOT_RUN = {
    "make train": "makes a virtual environment; CI's own clone is where it runs",
    "make test": "would run this test",
    "pip install -e .": "reaches for the package index",
    "python train.py trainer=ddp trainer.devices=2": "starts processes: tests/test_ddp.py trains on two",
    "python train.py trainer=fsdp trainer.devices=2": "starts processes: tests/test_ddp.py trains on two",
    "python train.py task=cifar_resnet task.stages=4 task.depth=18 task.stem=imagenet data=image_folder"
    " data.root=my_photos data.size=128 transfer=torchvision groups=layer_decay": (
        "needs a network for ImageNet's weights: tests/transfer/test_torchvision.py has a cache"
    ),
    "python train.py logger=[wandb]": "starts W&B's service: tests/logger/test_wandb.py does",
    "python train.py -m optimizer=sgd,adam seed=1,2 hydra.sweep.dir=multirun/mine": (
        "tests/command/test_sweep.py sweeps"
    ),
    "python train.py -m recipe=optimizer/cifar10_sgd,optimizer/cifar10_adam seed=0,1,2,3,4"
    " hydra.sweep.dir=multirun/optimizers": "trains for hours: tests/command/test_sweep.py sweeps",
    "python train.py -m search=random search.trials=8 'optimizer.lr=tag(log,interval(0.001,1))'": (
        "tests/command/test_search.py searches"
    ),
    "python train.py -m search=tpe 'optimizer.lr=tag(log,interval(0.001,1))' 'task.dropout=interval(0,0.5)'"
    " hydra.sweep.dir=multirun/found": "tests/command/test_search.py searches",
    "python train.py -m search=halving search.trials=12 epochs=18 optimizer=momentum,adam"
    " 'optimizer.lr=tag(log,interval(1e-4,1))' 'task.dropout=interval(0,0.5)'": "tests/command/test_search.py searches",
    "python train.py -m launcher=local launcher.jobs=2 optimizer=sgd,adam seed=1,2": "tests/command/test_sweep.py does",
    "python train.py -m launcher=local launcher.jobs=4 launcher.gpus=2 trainer=ddp optimizer=sgd,adam seed=1,2": (
        "needs eight GPUs: tests/launcher/test_local.py shares them out"
    ),
    "python train.py -m launcher=ray launcher.cpus=4 launcher.gpus=0.5 optimizer=sgd,adam seed=1,2": (
        "needs a GPU: tests/launcher/test_ray.py starts a cluster"
    ),
    "python train.py -m launcher=slurm launcher.partition=gpu launcher.gpus=1 launcher.cpus=8 optimizer=sgd,adam"
    " seed=1,2": "needs a SLURM cluster: tests/launcher/test_slurm.py has stand-ins for its commands",
    "python train.py -m launcher=slurm launcher.gpus=4 launcher.tasks=4 launcher.nodes=2 trainer=ddp trainer.devices=4"
    " trainer.nodes=2 seed=1,2": "needs a SLURM cluster: tests/launcher/test_slurm.py has stand-ins for its commands",
    "python scripts/verify_recipe.py baseline/digits_mlp --seeds 3": "trains for minutes: test_verification.py does",
    "python scripts/tune_recipe.py baseline/digits_mlp optimizer.lr=0.02,0.05,0.1": "test_tune_recipe.py does",
    "python scripts/ablate_recipe.py --seeds 3": "trains for hours: tests/cookbook/test_ablation.py has its parts",
    "python scripts/wandb_sweep.py search=tpe search.trials=30 'optimizer.lr=tag(log,interval(0.001,1))'": (
        "tests/scripts/test_wandb_sweep.py writes one, and trains as an agent would"
    ),
    "python scripts/wandb_dashboard.py --by optimizer --by optimizer.lr --dry-run": (
        "tests/scripts/test_wandb_dashboard.py makes views"
    ),
    "python scripts/find_learning_rate.py optimizer=sgd": "test_find_learning_rate.py does",
    "python scripts/compare_runs.py multirun/mine": "below, on runs of this test",
    "python scripts/compare_runs.py multirun/mine --baseline optimizer=adam --format markdown --plot comparison.png": (
        "below, on runs of this test"
    ),
    "python scripts/compare_runs.py multirun/mine --curves over_steps.png": "below, on runs of this test",
    "python scripts/index_recipes.py": "writes the cards: test_pages.py does, elsewhere",
    "python scripts/list_combinations.py": "writes the page: tests/cookbook/test_combinations.py checks it",
    "python scripts/plot_schedules.py": "writes the picture: tests/scripts/test_plot_schedules.py does, elsewhere",
    "python scripts/benchmark.py step": "takes minutes: tests/scripts/test_benchmark.py runs its parts",
    "python scripts/benchmark.py data": "takes minutes: tests/scripts/test_benchmark.py runs its parts",
    "python scripts/benchmark.py memory": "takes minutes: tests/scripts/test_benchmark.py runs its parts",
    "python scripts/benchmark.py recipe baseline/digits_mlp": "a whole run: tests/scripts/test_benchmark.py has one",
    "python train.py debug=profile": "is a debug option of its own: tests/debug/test_profile.py runs it",
    "python scripts/evaluate.py outputs/mine": "below, on a run of this test",
    "python scripts/predict.py outputs/mine my_digits.csv": "below, on a run of this test",
    "python scripts/export.py outputs/mine": "below, on a run of this test",
    "python scripts/explain.py outputs/mine": "below, on a run of this test",
    "python scripts/compress.py outputs/mine quantization=static": "below, on a run of this test",
}


def commands(text: str) -> Iterator[str]:
    for block in re.findall(r"```bash\n(.*?)```", text, re.DOTALL):
        for line in block.splitlines():
            command = line.split("  #")[0].strip()
            if command and not command.startswith("#"):
                yield command
    yield from (code for code in re.findall(r"\| `(python [^`]*)` \|", text))


README_COMMANDS = list(dict.fromkeys(commands(README)))
CHOOSING = (ROOT / "recipes" / "CHOOSING.md").read_text()
CHOICES = list(dict.fromkeys(commands(CHOOSING)))
# A recipe's own command is run with its card below, and the README's commands are run as such.
RECIPES_CHOSEN = [each.partition("=")[2] for each in CHOICES if re.fullmatch(r"python train\.py recipe=\S+", each)]
CHOSEN = [each for each in CHOICES if each not in README_COMMANDS and each.partition("=")[2] not in RECIPES_CHOSEN]
TRAINING = [each for each in README_COMMANDS if each.startswith("python train.py") and each not in NOT_RUN]


@pytest.fixture
def small_cifar10(monkeypatch: pytest.MonkeyPatch) -> None:
    """Replace CIFAR-10 by a smaller set than elsewhere: networks here are as large as those of users."""
    monkeypatch.setattr(CIFAR10, "prepare", lambda self: None)
    monkeypatch.setattr(CIFAR10, "splits", small_splits(10, (3, 32, 32), train=40, rest=10))


@pytest.fixture
def own_data(small_data: None, tmp_path: Path) -> None:
    """Give the table of users, in the working folder, a number to predict too."""
    head, *rows = (tmp_path / "my_table.csv").read_text().splitlines()
    priced = [f"{row},{100.25 + 20 * float(row.split(',')[0])}" for row in rows]
    (tmp_path / "my_table.csv").write_text("\n".join([f"{head},price", *priced]))


@pytest.fixture
def teachers(job_of: Callable[..., Job], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Return a function that puts shortened runs where an experiment looks for teachers and weights."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("temper.preflight._check_is_run_of", lambda *_: None)  # which wants whole ones

    def train(experiment: Experiment) -> None:
        source = getattr(experiment.transfer, "run", None)
        for named in {each.teacher for each in experiment.distillation.values()} | ({source} if source else set()):
            recipe = recipe_of(named)
            chosen, folder = ((f"recipe={recipe}",), f"outputs/{recipe}") if recipe else ((), named)
            run(job_of(*chosen, "debug=steps", folder=tmp_path / folder))

    return train


def test_finds_what_there_is() -> None:
    assert len(README_COMMANDS) >= 37
    assert len(TRAINING) >= 23
    assert set(NOT_RUN) <= set(README_COMMANDS)
    assert {each for each in README_COMMANDS if not each.startswith("python train.py")} <= set(NOT_RUN)
    assert README.index("make train") < README.index("make test") < README.index("## What you get")


def test_links_lead_somewhere() -> None:
    links = re.findall(r"\]\(([^)#]+)\)", README)
    assert len(links) >= 2
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_names_every_option() -> None:
    for axis in (*axes(), *OF_SWEEPS):
        row = next(line for line in README.splitlines() if line.startswith(f"| `{axis}`"))
        for option in options(axis):
            if option not in ("none",):
                assert f"`{option}`" in row, f"{axis}={option} is not in the README"


@pytest.mark.parametrize("command", TRAINING)
def test_runs(
    command: str,
    job_of: Callable[..., Job],
    own_data: None,
    teachers: Callable[..., None],
) -> None:
    words = [word for word in shlex.split(command)[2:] if not word.startswith("hydra.run.dir=")]
    command_line.check(words)
    if not any(word.startswith("debug=") for word in words):
        words.append("debug=steps")
    job = job_of(*words)
    teachers(job.experiment)
    report = run(job)
    assert report.state == "finished"
    assert report.attempts[-1].last_step >= 2


def test_sweeps_are_accepted() -> None:
    sweeps = [each for each in NOT_RUN if each.startswith("python train.py -m ")]
    assert len(sweeps) == 10
    for command in sweeps:
        command_line.check(shlex.split(command)[2:])


def test_choosing_names_what_there_is() -> None:
    assert len(CHOICES) >= 30
    assert all(name in names() for name in RECIPES_CHOSEN)
    assert len(RECIPES_CHOSEN) >= 15
    assert len(CHOSEN) >= 2
    links = re.findall(r"\]\(([^)#]+)\)", CHOOSING)
    assert [link for link in links if not (ROOT / "recipes" / link).exists()] == []


@pytest.mark.parametrize("command", CHOSEN)
def test_choosing_runs(command: str, job_of: Callable[..., Job], own_data: None, small_cifar10: None) -> None:
    words = shlex.split(command)[2:]
    assert command.startswith("python train.py ")
    command_line.check(words)
    assert run(job_of(*words, "debug=steps")).state == "finished"


THINNER = {  # a forward pass of these takes seconds on two cores; all else of the recipe stays
    "pipeline/cifar10_96": ("task.widths=[16,32,32]",),
    "pipeline/cifar10_resnet18_95": ("task.width=0.25",),
    "baseline/cifar10_resnet18": ("task.width=0.25",),
}


@pytest.mark.parametrize("recipe", names())
def test_cards_commands_run(
    recipe: str, job_of: Callable[..., Job], small_cifar10: None, teachers: Callable[..., None]
) -> None:
    assert f"python train.py recipe={recipe}" in list(commands(card_of(recipe)))
    job = job_of(f"recipe={recipe}", "debug=steps", *THINNER.get(recipe, ()))
    teachers(job.experiment)
    report = run(job)
    assert report.state == "finished"
    assert report.promise in ("none", "not comparable")


def test_scripts_on_a_run(job_of: Callable[..., Job], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    job = job_of("epochs=1")
    run(job)
    (tmp_path / "my_digits.csv").write_text("\n".join([",".join(["0"] * 64)] * 2))
    digits, static = str(tmp_path / "my_digits.csv"), "quantization=static"
    for script, *files in (["evaluate"], ["predict", digits], ["export"], ["explain"], ["compress", static]):
        capsys.readouterr()
        load(script).main([str(job.folder), *files])
        assert capsys.readouterr().out


def test_a_comparison_of_runs(
    job_of: Callable[..., Job], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for number, optimizer in enumerate(["sgd", "adam"]):
        run(job_of(f"optimizer={optimizer}", "epochs=1", folder=tmp_path / "multirun" / "mine" / str(number)))
    asked = [command for command in README_COMMANDS if "compare_runs.py" in command]
    assert len(asked) == 3
    for command in asked:
        words = shlex.split(command)[2:]
        assert load("compare_runs").main(words) == 0
        assert "optimizer=adam" in capsys.readouterr().out
    assert (tmp_path / "comparison.png").exists()
    assert (tmp_path / "over_steps.png").exists()
