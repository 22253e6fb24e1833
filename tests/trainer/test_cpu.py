"""CPU against what Lightning makes of it."""

import lightning as L
import pytest
from pydantic import ValidationError

from temper.trainer.cpu import CPU


@pytest.mark.filterwarnings("ignore:GPU available but not used")
def test_lightning_trains_in_one_process_on_the_cpu() -> None:
    trainer = L.Trainer(**CPU(threads="auto").arguments(), logger=False, enable_checkpointing=False)
    assert (trainer.strategy.root_device.type, trainer.world_size) == ("cpu", 1)


@pytest.mark.parametrize("bad", [0, -1, 1.5, True, "all"])
def test_refuses(bad: object) -> None:
    with pytest.raises(ValidationError, match="threads"):
        CPU(threads=bad)  # type: ignore[arg-type] # wrong on purpose
