"""The draws against those that torchvision's RandAugment makes; tests of the operations hold the pixels."""

from collections import Counter
from typing import Any

import pytest
import torch
from pydantic import ValidationError
from scipy.stats import chi2_contingency
from tests.augmentation.conftest import applies_what_was_drawn
from torchvision.transforms import v2

from temper.augmentation.operations import NAMES
from temper.augmentation.rand_augment import RandAugment


class Recording(v2.RandAugment):
    def __init__(self, **knobs: Any) -> None:
        super().__init__(**knobs)
        self.seen: list[tuple[str, float]] = []

    def _apply_image_or_video_transform(self, image: Any, transform_id: str, magnitude: float, **_: Any) -> Any:
        self.seen.append((transform_id.lower(), round(magnitude, 4)))
        return image


def test_draws_are_distributed_as_torchvisions() -> None:
    torch.manual_seed(0)
    rival, image = Recording(num_ops=2, magnitude=11), torch.zeros(3, 24, 32, dtype=torch.uint8)
    for _ in range(2000):
        rival(image)
    drawn = RandAugment(count=2, level=11).draw([1500, 500], (3, 24, 32), torch.Generator().manual_seed(0))
    pairs = zip(drawn["operation"].flatten().tolist(), drawn["magnitude"].flatten().tolist(), strict=True)
    ours = Counter((NAMES[name].replace("_", ""), round(by, 4)) for name, by in pairs)
    theirs = Counter(rival.seen)
    assert set(ours) == set(theirs)
    cells = sorted(ours)
    assert chi2_contingency([[ours[cell] for cell in cells], [theirs[cell] for cell in cells]]).pvalue > 0.001


test_applies_what_was_drawn = applies_what_was_drawn(RandAugment(count=3, level=20), operations=3)


@pytest.mark.parametrize(("knob", "bad"), [("count", 0), ("level", 31), ("level", -1), ("level", 1.5)])
def test_refuses(knob: str, bad: object) -> None:
    with pytest.raises(ValidationError, match=knob):
        RandAugment(**{"count": 2, "level": 9, knob: bad})
