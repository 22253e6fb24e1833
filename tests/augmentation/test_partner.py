"""Partners against the parts they must stay in; Mixup's and CutMix's tests hold shares and blends."""

import torch

from temper.augmentation.partner import blend, draw_ahead, partner_rows


def test_partners_are_a_permutation_of_their_part() -> None:
    rows = partner_rows(draw_ahead([5, 3, 8], torch.Generator().manual_seed(0)))
    assert [sorted(part.tolist()) for part in rows.split([5, 3, 8])] == [
        list(range(5)),
        list(range(5, 8)),
        list(range(8, 16)),
    ]


def test_blends_by_hand() -> None:
    values = torch.tensor([[1.0, 2.0], [3.0, 6.0]])
    mixed = blend(values, torch.tensor([1, 1]), torch.tensor([0.25, 0.5]))
    torch.testing.assert_close(mixed, torch.tensor([[2.5, 5.0], [3.0, 6.0]]))
