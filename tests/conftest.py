"""What house tests share: composing a command line in process, and running it in a folder of the test's own."""

import atexit
import copy
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import lightning as L
import pytest
import torch
from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from PIL import Image
from tests.shortcuts import compose_quickly, leave_out_curves, read_once, time_briefly
from threadpoolctl import threadpool_limits
from torch import nn
from torchvision.models.resnet import BasicBlock

from temper import recipes
from temper.command import command_line
from temper.command.composed import composed as composed_of_words
from temper.command.job import Job, chosen
from temper.cookbook import standing
from temper.data.cifar10 import CIFAR10
from temper.data.cifar100 import CIFAR100
from temper.data.fashion_mnist import FashionMNIST
from temper.data.mnist import MNIST
from temper.experiment import parse
from temper.facts import Examples, Splits
from temper.recipes import CONF
from temper.refusal import refusing
from temper.report.record import Report
from temper.run import run
from temper.settings_file import container

Compose = Callable[..., dict[str, Any]]
Train = Callable[..., Report]
Kitchen = Callable[[str, str], None]
CutOff = Callable[..., None]
TOGETHER = {  # files whose tests share what is slow to set up
    "tests/test_ddp.py": "ddp",
    "tests/cookbook/test_pages.py": "recipes",
    "tests/test_cards.py": "recipes",
    "tests/test_recipes.py": "recipes",
}

command_line.prepare()
os.environ["XDG_CACHE_HOME"] = tempfile.mkdtemp(prefix="temper-cache-")  # that of tests, and of what they start
atexit.register(shutil.rmtree, os.environ["XDG_CACHE_HOME"], ignore_errors=True)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Return what shares tests among workers: one by one, those of files that share what is slow to set up to one.

    xdist's own mark for it, xdist_group, is lost under pytest 9.2 (pytest-dev/pytest-xdist issue 1386).
    """
    from xdist.scheduler import LoadScopeScheduling

    class Shared(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return TOGETHER.get(nodeid.partition("::")[0], nodeid)

    return Shared(config, log) if config.getoption("dist") in ("load", "loadgroup") else None


@pytest.fixture(autouse=True)
def _threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)  # small networks run no faster on two, and other tests may be running
    yield
    torch.set_num_threads(before)
    GlobalHydra.instance().clear()


@pytest.fixture(autouse=True, scope="session")
def _one_thread_of_blas() -> Iterator[None]:
    """Keep numpy's from several: where tests run side by side they wait for each other, ten times as long."""
    with threadpool_limits(1, user_api="blas"):
        yield


@pytest.fixture(autouse=True, scope="session")
def _read_once() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patched:
        compose_quickly(patched)
        read_once(patched)
        time_briefly(patched)
        yield


@pytest.fixture(autouse=True)
def _undrawn(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if "drawn" not in request.fixturenames:
        leave_out_curves(monkeypatch)


@pytest.fixture
def drawn() -> None:
    """Let runs of the test draw their curves."""


@cache  # many a test composes the same words for each of its runs
def compose_once(words: tuple[str, ...]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what a command line composes to, and the option of each group."""
    GlobalHydra.instance().clear()
    with initialize_config_dir(str(CONF), version_base="1.3"):
        cfg = compose("config", list(words), return_hydra_config=True)
    return container(cfg), dict(cfg.hydra.runtime.choices)


@pytest.fixture
def composed() -> Compose:
    """Return a function from words of a command line to the composed values."""

    return lambda *words: copy.deepcopy(compose_once(words)[0])


@pytest.fixture
def job_of(tmp_path: Path) -> Callable[..., Job]:
    """Return a function from words of a command line to a job in ``folder``."""

    def make(*words: str, folder: Path | None = None) -> Job:
        config, choices = copy.deepcopy(compose_once(words))
        return Job(
            experiment=parse(config),
            config=config,
            folder=folder or tmp_path / "run",
            command="python train.py " + " ".join(words),
            choices=chosen(config, choices),
            comparable=True,
        )

    return make


@pytest.fixture
def refusal_of(job_of: Callable[..., Job], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Return a function from words of a command line to the one line that refuses them, before anything is made."""

    def start(*words: str) -> str:
        def typed() -> None:
            with refusing():
                command_line.check(list(words))
                run(job_of(*words))

        with pytest.raises(SystemExit) as ended:
            typed()
        assert ended.value.code == 2
        said = capsys.readouterr().err
        assert len(said.splitlines()) == 1
        assert not (tmp_path / "run").exists()
        return said

    return start


@pytest.fixture
def train(job_of: Callable[..., Job]) -> Train:
    """Return a function that trains what the words of a command line ask for, in process."""

    def start(*words: str, folder: Path | None = None) -> Report:
        return run(job_of(*words, folder=folder))

    return start


class _CutAt(L.Callback):
    def __init__(self, step: int, place: str) -> None:
        self.step = step
        setattr(self, place, self._cut)

    def _cut(self, trainer: L.Trainer, *_: Any) -> None:
        if trainer.global_step == self.step:
            raise InterruptedError


@pytest.fixture
def cut_off(monkeypatch: pytest.MonkeyPatch) -> CutOff:
    """Return a function that runs a job until it breaks off after ``step`` steps, in the hook named ``place``."""

    def start(job: Job, step: int, place: str = "on_train_batch_end") -> None:
        with monkeypatch.context() as patched:
            patched.setattr(type(job.experiment.debug), "callbacks", lambda self, folder: [_CutAt(step, place)])
            with pytest.raises(InterruptedError):
                run(job)

    return start


def small_splits(classes: int, shape: tuple[int, int, int], train: int = 120, rest: int = 20) -> Callable[..., Splits]:
    """Return a stand-in for ``splits`` of an image set: ``train`` images and twice ``rest``, in which a class shows."""

    def images(count: int, seed: int) -> Examples:
        generator = torch.Generator().manual_seed(seed)
        labels = torch.arange(count) % classes
        pixels = torch.randint(0, 40, (count, *shape), generator=generator)
        for row, label in enumerate(labels.tolist()):
            line = 3 * (label % 10)
            pixels[row, label % shape[0], line : line + 3] += 180
        return Examples(pixels.to(torch.uint8), labels)

    def splits(self: Any) -> Splits:
        validation = images(rest, 1) if self.validation else None
        names = tuple(str(index) for index in range(classes))
        return Splits(train=images(train, 0), validation=validation, test=images(rest, 2), class_names=names)

    return splits


@pytest.fixture
def small_cifar10(monkeypatch: pytest.MonkeyPatch) -> None:
    """Replace CIFAR-10 by a small set, so that tests need no download."""
    monkeypatch.setattr(CIFAR10, "prepare", lambda self: None)
    monkeypatch.setattr(CIFAR10, "splits", small_splits(10, (3, 32, 32)))


def write_photos(folder: Path, count: int = 60, classes: int = 3) -> None:
    """Write ``count`` images of 16 by 16, in a subfolder for each class."""
    generator = torch.Generator().manual_seed(0)
    for row in range(count):
        (folder / f"kind_{row % classes}").mkdir(parents=True, exist_ok=True)
        pixels = torch.randint(0, 255, (16, 16, 3), generator=generator, dtype=torch.uint8)
        Image.fromarray(pixels.numpy()).save(folder / f"kind_{row % classes}" / f"{row}.png")


def save_torchvision_resnet(file: Path) -> None:
    """Save the state of a ResNet of torchvision's blocks and names, with widths and a stem of the tests' own."""
    made = nn.ModuleDict({"conv1": nn.Conv2d(3, 4, 3, padding=1, bias=False), "bn1": nn.BatchNorm2d(4)})
    for number, (before, width) in enumerate(((4, 4), (4, 8), (8, 16)), start=1):
        shape = nn.Sequential(nn.Conv2d(before, width, 1, 2, bias=False), nn.BatchNorm2d(width))
        block = BasicBlock(before, width) if before == width else BasicBlock(before, width, 2, shape)
        made[f"layer{number}"] = nn.Sequential(block)
    made["fc"] = nn.Linear(16, 1000)
    torch.save(made.state_dict(), file)


@pytest.fixture
def small_data(small_cifar10: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Replace each public image set by a small one, and write into the working folder what users have of their own."""
    for record, classes, shape in (
        (CIFAR100, 100, (3, 32, 32)),
        (MNIST, 10, (1, 28, 28)),
        (FashionMNIST, 10, (1, 28, 28)),
    ):
        monkeypatch.setattr(record, "prepare", lambda self: None)
        monkeypatch.setattr(record, "splits", small_splits(classes, shape))
    monkeypatch.chdir(tmp_path)
    pictures = small_splits(3, (3, 20, 30))(SimpleNamespace(validation=0.2)).train
    for row, (pixels, label) in enumerate(zip(pictures.inputs[:48], pictures.targets[:48], strict=True)):
        folder = tmp_path / "my_photos" / f"kind_{label}"
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels.permute(1, 2, 0).numpy()).save(folder / f"{row}.png")
    save_torchvision_resnet(tmp_path / "resnet8.pth")
    rows = [f"{row % 7 + row % 3}.5,{'red' if row % 2 else 'blue'},kind_{row % 3}" for row in range(60)]
    (tmp_path / "my_table.csv").write_text("\n".join(["length,colour,species", *rows]))


def card_of(recipe: str) -> str:
    """Return the text of a recipe's card."""
    path = recipes.RECIPES / f"{recipe}.md"
    assert path.exists(), f"recipes/{recipe}.md is missing: run scripts/index_recipes.py"
    return path.read_text()


@pytest.fixture
def kitchen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Kitchen]:
    """Return a function that writes a recipe into a folder of the test's own, which stands in for recipes/."""
    monkeypatch.setattr(recipes, "RECIPES", tmp_path / "recipes")

    def forget() -> None:
        recipes.read.cache_clear()
        recipes._choices.cache_clear()
        recipes._of_suffix.cache_clear()
        recipes._offers.cache_clear()
        standing._composed.cache_clear()
        composed_of_words.cache_clear()
        compose_once.cache_clear()

    def write(name: str, text: str) -> None:
        path = tmp_path / "recipes" / f"{name}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        forget()

    forget()
    yield write
    forget()
