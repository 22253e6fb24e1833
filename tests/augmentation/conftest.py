"""What holds for each policy of operations, whatever it draws."""

from collections.abc import Callable

import torch

from temper.augmentation.operations import operate
from temper.strategy import Augmentation


def applies_what_was_drawn(augment: Augmentation, operations: int) -> Callable[[], None]:
    def test() -> None:
        images = torch.randint(256, (40, 3, 8, 8), dtype=torch.uint8, generator=torch.Generator().manual_seed(1))
        before = images.clone()
        drawn = augment.draw([40], (3, 8, 8), torch.Generator().manual_seed(0))
        result, targets = augment.apply(images, torch.arange(40), drawn)
        assert drawn["operation"].shape == drawn["magnitude"].shape == (40, operations)
        assert torch.equal(result, operate(images, drawn["operation"], drawn["magnitude"]))
        assert not torch.equal(result, images)
        assert torch.equal(images, before)
        assert targets.tolist() == list(range(40))

    return test
