"""Transfer from torchvision: the same answers as its own networks, from its own cache, and what is refused."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.error import URLError

import pytest
import torch
import torchvision
from tests.transfer.conftest import RESNET, Started, state_of
from torch import nn
from torchvision.models.resnet import BasicBlock, Bottleneck, ResNet, ResNet34_Weights

from temper.command.job import Job
from temper.facts import Facts
from temper.network.taking import take
from temper.preflight import check_transfer
from temper.quantity import Clock
from temper.refusal import Refusal
from temper.run import run
from temper.task.cifar_resnet import CifarResNet
from temper.transfer.torchvision import Torchvision, renamed

JobOf = Callable[..., Job]
DEPTHS: dict[int, tuple[type[BasicBlock] | type[Bottleneck], list[int], str]] = {
    18: (BasicBlock, [2, 2, 2, 2], "resnet18-f37072fd.pth"),
    34: (BasicBlock, [3, 4, 6, 3], "resnet34-b627a593.pth"),
    50: (Bottleneck, [3, 4, 6, 3], "resnet50-0676ba61.pth"),
}
DEEP = ("task=cifar_resnet", "task.stages=4")


def task(depth: int, stem: str | None = None) -> CifarResNet:
    return CifarResNet(
        stages=4,
        depth=depth,
        width=1.0,
        blocks=None,
        widths=None,
        connection="residual",
        dropout=None,
        stochastic_depth=None,
        norm=None,
        stem=stem,
    )


def facts(classes: int) -> Facts:
    return Facts(
        kind="multiclass",
        shape=(3, 16, 16),
        outputs=classes,
        classes=classes,
        examples=9,
        class_counts=(),
        clock=Clock((0, 9)),
    )


@pytest.mark.parametrize("depth", DEPTHS)
def test_answers_as_torchvisions_own_network_where_the_stem_is_ours(depth: int) -> None:
    torch.manual_seed(depth)
    block, blocks, _ = DEPTHS[depth]
    theirs = ResNet(block, blocks, num_classes=7).eval()
    theirs.conv1, theirs.maxpool = nn.Conv2d(3, 64, 3, padding=1, bias=False), nn.Identity()  # type: ignore[assignment]
    for layer in theirs.modules():
        if isinstance(layer, nn.BatchNorm2d):
            nn.init.uniform_(layer.running_mean, -0.1, 0.1)  # type: ignore[arg-type]
            nn.init.uniform_(layer.running_var, 0.5, 1.5)  # type: ignore[arg-type]
    ours = task(depth).network(facts(7)).eval()
    ours.load_state_dict(renamed(theirs.state_dict()))
    images = torch.randn(2, 3, 16, 16)
    with torch.no_grad():
        expected = theirs(images)
        torch.testing.assert_close(ours(images), expected, rtol=1e-5, atol=1e-5 * expected.abs().max().item())


@pytest.mark.parametrize("depth", DEPTHS)
def test_is_torchvisions_own_network_with_the_stem_of_photos(depth: int) -> None:
    torch.manual_seed(depth)
    block, blocks, _ = DEPTHS[depth]
    theirs = ResNet(block, blocks, num_classes=7).eval()
    ours = task(depth, "imagenet").network(facts(7)).eval()
    assert all(take(ours, renamed(theirs.state_dict())))
    images = torch.randn(2, 3, 65, 48)
    with torch.no_grad():
        expected = theirs(images)
        torch.testing.assert_close(ours(images), expected, rtol=1e-5, atol=1e-5 * expected.abs().max().item())


def cached(home: Path, name: str, state: Any) -> Path:
    file = home / "hub" / "checkpoints" / name
    file.parent.mkdir(parents=True)
    torch.save(state, file)
    return file


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder that torch keeps what it has fetched in; there is no network."""

    def nowhere(*_: Any, **__: Any) -> None:
        raise URLError("no network")

    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setattr("torch.hub.urlopen", nowhere)
    return tmp_path / "torch"


def test_takes_all_but_stem_and_head_from_the_cache(home: Path, small_cifar10: None, started: Any) -> None:
    state = torchvision.models.resnet18().state_dict()
    old = {name: value for name, value in state.items() if "num_batches" not in name}  # as the published files are
    cached(home, "resnet18-f37072fd.pth", old)
    made: Started = started(
        *DEEP, "task.depth=18", "transfer=torchvision", "transfer.freeze=backbone", "transfer.unfreeze=1epochs"
    )
    module, notes, _ = made
    network = module.network.state_dict()
    for stage in range(4):
        for ours, theirs in (("body.conv1.weight", "conv1.weight"), ("body.norm2.running_var", "bn2.running_var")):
            assert torch.equal(network[f"stages.{stage}.1.{ours}"], state[f"layer{stage + 1}.1.{theirs}"])
    assert torch.equal(network["stages.1.0.shortcut.conv.weight"], state["layer2.0.downsample.0.weight"])
    assert notes[0] == (
        "transfer=torchvision: of https://download.pytorch.org/models/resnet18-f37072fd.pth are stages.0.0, stages.0.1,"
        " stages.1.0, stages.1.1, stages.2.0, stages.2.1, stages.3.0, stages.3.1; new: stem, head"
    )
    assert "stages.3.1 until step" in notes[1]
    assert "stem" not in notes[1]


@pytest.mark.parametrize("depth", DEPTHS)
def test_without_a_network_it_says_which_file_belongs_where(depth: int, home: Path) -> None:
    name = DEPTHS[depth][2]
    with pytest.raises(ValueError, match="did not come") as refused:
        Torchvision(weights=None, freeze=None, unfreeze=None).learned(task(depth).network(facts(9)), facts(9), _no_run)
    said = str(refused.value)
    assert f"https://download.pytorch.org/models/{name}" in said
    assert f"put the file at {home}/hub/checkpoints/{name}, or name one with transfer.weights=FILE" in said


def _no_run(name: str) -> Any:
    raise AssertionError(name)


def test_a_file_that_came_damaged_is_not_kept(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Answer:
        def __enter__(self) -> Any:
            parts = iter([b"half", b""])
            return SimpleNamespace(info=lambda: SimpleNamespace(get_all=lambda _: None), read=lambda _: next(parts))

        def __exit__(self, *_: object) -> None:
            pass

    monkeypatch.setattr("torch.hub.urlopen", lambda *_, **__: Answer())
    with pytest.raises(ValueError, match="invalid hash value"):
        Torchvision(weights=None, freeze=None, unfreeze=None).learned(task(34).network(facts(9)), facts(9), _no_run)
    assert list((home / "hub" / "checkpoints").iterdir()) == []
    assert ResNet34_Weights.IMAGENET1K_V1.url.endswith(DEPTHS[34][2])


def test_weights_of_a_file_are_trained_on(small_data: None, job_of: JobOf) -> None:
    state = torch.load("resnet8.pth", weights_only=True)
    job = job_of(*RESNET, "epochs=1", "transfer=torchvision", "transfer.weights=resnet8.pth", "transfer.freeze=3")
    report = run(job)
    kept = state_of(job.folder)
    assert torch.equal(kept["stem.conv.weight"], state["conv1.weight"])
    assert torch.equal(kept["stages.1.0.shortcut.norm.running_mean"], state["layer2.0.downsample.1.running_mean"])
    assert not torch.equal(kept["stages.2.0.body.conv1.weight"], state["layer3.0.conv1.weight"])
    assert report.notes[0].endswith("of resnet8.pth are stem, stages.0.0, stages.1.0, stages.2.0; new: head")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, r"transfer\.weights=.*: there is no .*weights\.pth"),
        (b"no file of torch's", "holds no state dict"),
        ({"state": {}}, "holds no state dict"),
        ({"weight": torch.zeros(2)}, "has the names and the shapes"),
    ],
)
def test_refuses_a_file_that_holds_no_such_weights(
    content: Any, message: str, small_cifar10: None, started: Any, tmp_path: Path
) -> None:
    file = tmp_path / "weights.pth"
    if isinstance(content, bytes):
        file.write_bytes(content)
    elif content is not None:
        torch.save(content, file)
    with pytest.raises(ValueError, match=message):
        started(*RESNET, "transfer=torchvision", f"transfer.weights={file}")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("task.hidden=[8]",), r"transfer=torchvision .*task=mlp.*task=cifar_resnet.*task\.stages=4"),
        (("task=convnet", "task.widths=[8]"), r"transfer=torchvision .*task=convnet.*task=cifar_resnet"),
        (("task=cifar_resnet",), r"task\.stages=3 makes another: set task\.stages=4"),
        ((*DEEP, "task.depth=18", "task.width=0.5"), r"task\.width=0\.5 makes another: set task\.width=1\.0"),
        ((*DEEP, "task.depth=18", "task.widths=[64,128,256,513]"), r"task\.widths=.*set task\.widths=null"),
        ((*DEEP, "task.depth=null", "task.blocks=[2,2,2,2]"), r"task\.blocks=.*set task\.blocks=null"),
        ((*DEEP, "task.depth=18", "task.connection=plain"), r"task\.connection=plain makes another"),
        (
            (*DEEP, "task.depth=18", "task.norm=group", "transfer.weights=a.pth"),
            r"task\.norm=group makes another: set task\.norm=null",
        ),
    ],
)
def test_refuses_other_networks(words: tuple[str, ...], message: str, job_of: JobOf) -> None:
    with pytest.raises(Refusal, match=message):
        job_of("transfer=torchvision", *words)


def test_images_as_they_come_are_told_of(job_of: JobOf) -> None:
    words = (*DEEP, "task.depth=18", "transfer=torchvision")
    assert check_transfer(job_of(*words)) == []
    (note,) = check_transfer(job_of(*words, "preprocessing=[]"))
    assert "preprocessing=[normalize]" in note
