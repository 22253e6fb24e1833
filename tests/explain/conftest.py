"""A small network whose maps and weights can be worked out by hand."""

import torch
from torch import Tensor, nn

from temper.facts import Facts
from temper.network.layered import Block, Layered
from temper.network.units import Units
from temper.quantity import Clock


class Small(Layered):
    """One convolution, ReLU, the mean over positions, and a head."""

    def __init__(self, channels: int = 2, maps: int = 3, outputs: int = 4) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, maps, 3, padding=1)
        self.relu = nn.ReLU()
        self.head = nn.Linear(maps, outputs)
        self.double()

    def forward(self, images: Tensor) -> Tensor:
        answer: Tensor = self.head(self.relu(self.conv(images)).mean((2, 3)))
        return answer.squeeze(1)

    def blocks(self) -> list[Block]:
        return [(self.conv, self.relu)]

    def units(self) -> list[Units]:
        return []

    def recompute(self) -> None:
        pass


def facts(kind: str = "multiclass", classes: int = 4, shape: tuple[int, ...] = (2, 5, 6), **others: object) -> Facts:
    given = {"class_names": tuple("abcdefgh"[:classes]), "stored_shape": shape, **others}
    return Facts(
        kind=kind,  # type: ignore[arg-type]
        shape=shape,
        outputs=classes if kind == "multiclass" else 1,
        classes=classes,
        examples=10,
        class_counts=(),
        clock=Clock((0, 1)),
        **given,  # type: ignore[arg-type]
    )


def images(*shape: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
