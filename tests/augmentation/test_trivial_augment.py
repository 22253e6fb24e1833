"""The draws against those that torchvision's TrivialAugmentWide makes; tests of the operations hold the pixels."""

from collections import Counter
from typing import Any

import torch
from scipy.stats import chi2_contingency, ks_2samp
from tests.augmentation.conftest import applies_what_was_drawn
from torchvision.transforms import v2

from temper.augmentation.operations import NAMES
from temper.augmentation.trivial_augment import TrivialAugment


class Recording(v2.TrivialAugmentWide):
    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[str, float]] = []

    def _apply_image_or_video_transform(self, image: Any, transform_id: str, magnitude: float, **_: Any) -> Any:
        self.seen.append((transform_id.lower(), magnitude))
        return image


def test_draws_are_distributed_as_torchvisions() -> None:
    torch.manual_seed(0)
    rival, image = Recording(), torch.zeros(3, 32, 32, dtype=torch.uint8)
    for _ in range(5000):
        rival(image)
    drawn = TrivialAugment().draw([4000, 1000], (3, 32, 32), torch.Generator().manual_seed(0))
    assert drawn["operation"].shape == (5000, 1)
    names = [NAMES[place].replace("_", "") for place in drawn["operation"].squeeze(1).tolist()]
    pairs = list(zip(names, drawn["magnitude"].squeeze(1).tolist(), strict=True))
    ours, theirs = Counter(names), Counter(name for name, _ in rival.seen)
    assert set(ours) == set(theirs)
    cells = sorted(ours)
    assert chi2_contingency([[ours[cell] for cell in cells], [theirs[cell] for cell in cells]]).pvalue > 0.001
    for cell in cells:
        here, there = ([by for name, by in each if name == cell] for each in (pairs, rival.seen))
        assert set(here) <= {by for _, by in rival.seen} | {-by for _, by in rival.seen}
        assert ks_2samp(here, there).pvalue > 0.001, cell


test_applies_what_was_drawn = applies_what_was_drawn(TrivialAugment(), operations=1)
