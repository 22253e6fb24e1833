import torch

from temper.sampling.none import NoSampling


def test_is_torchs_permutation() -> None:
    targets = torch.tensor([1.5, 0.2, 7.0, 3.0])
    expected = torch.randperm(4, generator=torch.Generator().manual_seed(5))
    assert NoSampling().indices(targets, torch.Generator().manual_seed(5)).equal(expected)
    assert NoSampling().size(targets) == 4


def test_takes_any_data() -> None:
    for classes in (0, 2, 10):
        NoSampling().check(classes)
