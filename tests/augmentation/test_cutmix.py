"""CutMix against torchvision's for the same box and share, and against pasting the box by hand."""

import pytest
import torch
from pydantic import ValidationError
from scipy.stats import ks_2samp
from torchvision.transforms import v2

from temper.augmentation.cutmix import CutMix


@pytest.mark.parametrize("kind", [torch.uint8, torch.float32, torch.float64])
@pytest.mark.parametrize("soft", [(4,), ()])
def test_pastes_the_box_by_hand(kind: torch.dtype, soft: tuple[int, ...]) -> None:
    images, targets = torch.randint(256, (12, 3, 7, 10)).to(kind), torch.rand(12, *soft, dtype=torch.float64)
    before = images.clone(), targets.clone()
    cutmix = CutMix(alpha=1.0, p=0.8)
    drawn = cutmix.draw([7, 5], (3, 7, 10), torch.Generator().manual_seed(1))
    mixed, goals = cutmix.apply(images, targets, drawn)
    for row in range(12):
        ahead, top, left, high, wide = (int(drawn[name][row]) for name in ("ahead", "top", "left", "high", "wide"))
        other, share = row + ahead, 1 - high * wide / 70
        expected = before[0][row].clone()
        expected[:, top : top + high, left : left + wide] = before[0][other][:, top : top + high, left : left + wide]
        assert torch.equal(mixed[row], expected)
        torch.testing.assert_close(
            goals[row], share * before[1][row] + (1 - share) * before[1][other], rtol=0, atol=1e-6
        )
    assert torch.equal(images, before[0])
    assert torch.equal(targets, before[1])


def test_a_box_is_as_torchvision_lays_it() -> None:
    torch.manual_seed(0)
    images, labels = torch.rand(6, 3, 16, 12), torch.eye(6)
    rival = v2.CutMix(num_classes=6)
    for _ in range(50):
        made = rival.make_params([images])
        left, top, right, bottom = made["box"]
        sides = {"top": top, "left": left, "high": bottom - top, "wide": right - left, "ahead": -1}
        drawn = {name: torch.full((6,), value) for name, value in sides.items()}
        drawn["ahead"][0] = 5
        mixed, goals = CutMix(alpha=1.0, p=1.0).apply(images, labels, drawn)
        assert torch.equal(mixed, rival.transform(images, made | {"labels": labels, "batch_size": 6}))
        rolled = made["lam_adjusted"] * labels + (1 - made["lam_adjusted"]) * labels.roll(1, 0)
        torch.testing.assert_close(goals, rolled)


@pytest.mark.parametrize("alpha", [0.2, 1.0])
def test_boxes_are_distributed_as_torchvisions(alpha: float) -> None:
    torch.manual_seed(0)
    rival = v2.CutMix(num_classes=2, alpha=alpha)
    theirs = [rival.make_params([torch.zeros(2, 3, 32, 24)]) for _ in range(2000)]
    drawn = CutMix(alpha=alpha, p=1.0).draw([1500, 500], (3, 32, 24), torch.Generator().manual_seed(0))
    ours = {
        "left": drawn["left"],
        "top": drawn["top"],
        "right": drawn["left"] + drawn["wide"],
        "bottom": drawn["top"] + drawn["high"],
    }
    for place, name in enumerate(ours):
        assert ks_2samp([each["box"][place] for each in theirs], ours[name].numpy()).pvalue > 0.001, name
    share = 1 - drawn["high"] * drawn["wide"] / (32 * 24)
    assert ks_2samp([each["lam_adjusted"] for each in theirs], share.numpy()).pvalue > 0.001


def test_a_part_by_itself_is_mixed_as_in_the_whole_batch() -> None:
    images, targets, cutmix = torch.rand(8, 3, 6, 6), torch.rand(8, 3), CutMix(alpha=1.0, p=1.0)
    drawn = cutmix.draw([5, 3], (3, 6, 6), torch.Generator().manual_seed(0))
    whole = cutmix.apply(images, targets, drawn)
    alone = cutmix.apply(images[5:], targets[5:], {name: rows[5:] for name, rows in drawn.items()})
    assert torch.equal(whole[0][5:], alone[0])
    assert torch.equal(whole[1][5:], alone[1])


def test_each_image_has_its_own_coin() -> None:
    high = CutMix(alpha=50.0, p=0.3).draw([4000], (3, 32, 32), torch.Generator().manual_seed(0))["high"]
    assert (high > 0).float().mean().item() == pytest.approx(0.3, abs=0.03)


@pytest.mark.parametrize(("knob", "bad"), [("alpha", 0.0), ("p", 1.1), ("p", -0.1)])
def test_refuses(knob: str, bad: float) -> None:
    with pytest.raises(ValidationError, match=knob):
        CutMix(**{"alpha": 1.0, "p": 1.0, knob: bad})
