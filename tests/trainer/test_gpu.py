"""GPU on a machine of two GPUs, of one and of none, all of them pretended."""

import pytest
from lightning.pytorch.strategies import DDPStrategy
from pydantic import ValidationError

from temper.trainer import gpu
from temper.trainer.gpu import GPU


def machine(monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    monkeypatch.setattr(gpu, "gpus", lambda: count)


@pytest.mark.parametrize(
    ("devices", "given", "several"),
    [(1, 1, False), ((1,), [1], False), (2, 2, True), ((0, 1), [0, 1], True), ("auto", 2, True)],
)
def test_asks_lightning_for_these_gpus(
    monkeypatch: pytest.MonkeyPatch, devices: object, given: object, several: bool
) -> None:
    machine(monkeypatch, 2)
    arguments = GPU(devices=devices, threads="auto").arguments()  # type: ignore[arg-type] # of several types
    assert (arguments["accelerator"], arguments["devices"], arguments["num_nodes"]) == ("gpu", given, 1)
    assert isinstance(arguments["strategy"], DDPStrategy) is several


def test_all_of_one_gpu_is_not_data_parallel(monkeypatch: pytest.MonkeyPatch) -> None:
    machine(monkeypatch, 1)
    assert GPU(devices="auto", threads="auto").arguments()["strategy"] == "auto"


def test_refuses_a_machine_without_one(monkeypatch: pytest.MonkeyPatch) -> None:
    machine(monkeypatch, 0)
    with pytest.raises(ValueError, match=r"trainer=gpu: this machine has no GPU .* trainer=auto or trainer=cpu"):
        GPU(devices=1, threads="auto").arguments()


@pytest.mark.parametrize(("devices", "shown"), [(3, "3"), ((0, 2), r"\[0, 2\]")])
def test_refuses_more_than_there_are(monkeypatch: pytest.MonkeyPatch, devices: object, shown: str) -> None:
    machine(monkeypatch, 2)
    with pytest.raises(ValueError, match=f"trainer.devices={shown}: this machine has 2 GPUs .*devices=auto"):
        GPU(devices=devices, threads="auto").arguments()  # type: ignore[arg-type] # of several types


@pytest.mark.parametrize("bad", [0, -1, (-1,), (0, 0), (), "some", True])
def test_refuses(bad: object) -> None:
    with pytest.raises(ValidationError, match="devices"):
        GPU(devices=bad, threads="auto")  # type: ignore[arg-type] # wrong on purpose
