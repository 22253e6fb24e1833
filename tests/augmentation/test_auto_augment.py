"""The draws against those that torchvision's AutoAugment makes; tests of the operations hold the pixels."""

from collections import Counter
from typing import Any

import torch
from scipy.stats import chi2_contingency
from tests.augmentation.conftest import applies_what_was_drawn
from torchvision.transforms import v2

from temper.augmentation.auto_augment import AutoAugment
from temper.augmentation.operations import NAMES

NOTHING = ("identity", 0.0)


class Recording(v2.AutoAugment):
    def __init__(self) -> None:
        super().__init__(v2.AutoAugmentPolicy.CIFAR10)
        self.seen: list[tuple[str, float]] = []

    def _apply_image_or_video_transform(self, image: Any, transform_id: str, magnitude: float, **_: Any) -> Any:
        self.seen.append((transform_id.lower(), round(magnitude, 4)))
        return image

    def draw(self, image: torch.Tensor) -> tuple[tuple[str, float], ...]:
        self.seen = []
        self(image)
        return tuple(self.seen)


def test_draws_are_distributed_as_torchvisions() -> None:
    torch.manual_seed(0)
    rival, image = Recording(), torch.zeros(3, 24, 32, dtype=torch.uint8)
    theirs = Counter(rival.draw(image) for _ in range(6000))
    drawn = AutoAugment().draw([4000, 2000], (3, 24, 32), torch.Generator().manual_seed(0))
    rows = zip(drawn["operation"].tolist(), drawn["magnitude"].tolist(), strict=True)
    pairs = ([(NAMES[name].replace("_", ""), round(by, 4)) for name, by in zip(*row, strict=True)] for row in rows)
    ours = Counter(tuple(each for each in pair if each != NOTHING) for pair in pairs)
    often = sorted(cell for cell in set(ours) | set(theirs) if ours[cell] + theirs[cell] >= 10)
    assert len(often) > 60
    assert chi2_contingency([[ours[cell] for cell in often], [theirs[cell] for cell in often]]).pvalue > 0.001
    seen = [{name for row in each for name, _ in row} for each in (ours, theirs)]
    assert seen[0] == seen[1]


test_applies_what_was_drawn = applies_what_was_drawn(AutoAugment(), operations=2)
