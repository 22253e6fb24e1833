"""Convolutions that a processor's kernels compute wrongly, and those that they do not."""

from collections.abc import Callable

import pytest
import torch
from torch import nn

from temper.command.job import Job
from temper.run import run
from temper.trainer.kernels import overrun


def shortcut(inputs: int, size: int = 1, stride: int = 2) -> nn.Module:
    return nn.Sequential(nn.Conv2d(3, inputs, 3), nn.Conv2d(inputs, 2 * inputs, size, stride, bias=False))


def test_finds_what_is_written_beyond_its_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: "AVX2")
    assert overrun(shortcut(4)) == "1"
    assert overrun(shortcut(7)) == "1"
    assert [overrun(net) for net in (shortcut(8), shortcut(4, size=3), shortcut(4, stride=1))] == [None] * 3
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: "AVX512")
    assert overrun(shortcut(4)) is None


@pytest.mark.parametrize("inputs", [8, 12, 20])
def test_what_is_let_through_is_computed_rightly(inputs: int) -> None:
    layer = shortcut(inputs)[1]  # type: ignore[index]
    assert overrun(layer) is None
    images = torch.randn(6, inputs, 8, 8).to(memory_format=torch.channels_last).requires_grad_()
    gradient = torch.randn(6, 2 * inputs, 4, 4)
    layer.to(memory_format=torch.channels_last)(images).backward(gradient)
    exact = torch.nn.grad.conv2d_input(images.shape, layer.weight.double(), gradient.double(), stride=2)
    assert images.grad is not None
    torch.testing.assert_close(images.grad, exact.float(), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("key", ["channels_last", "compile"])
def test_a_run_refuses_it_before_any_work(
    key: str,
    small_cifar10: None,
    job_of: Callable[..., Job],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: "AVX2")
    job = job_of("task=cifar_resnet", "task.depth=8", "task.width=0.25", "trainer=cpu", f"{key}=true")
    with pytest.raises(SystemExit):
        run(job)
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert all(word in said for word in (f"{key}=true", f"{key}=false", "shortcut"))
    assert not job.folder.exists()
