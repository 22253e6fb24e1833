"""The latest losses: what is found out in an epoch counts from the next one on, across a checkpoint too."""

import torch

from temper.data.latest import LatestLosses

INF = float("inf")
HERE = torch.device("cpu")


def noted(*pairs: tuple[int, float], into: LatestLosses) -> None:
    rows, losses = zip(*pairs, strict=True)
    into.note(torch.tensor(rows), torch.tensor(losses, dtype=torch.bfloat16))


def test_counts_from_the_next_epoch_on() -> None:
    latest = LatestLosses(4, HERE)
    latest.turn(0)
    noted((2, 0.5), (0, 4.0), into=latest)
    assert latest.losses.tolist() == [INF] * 4
    latest.turn(0)
    assert latest.losses.tolist() == [INF] * 4
    latest.turn(1)
    assert latest.losses.tolist() == [4.0, INF, 0.5, INF]
    noted((2, 0.25), into=latest)
    latest.turn(2)
    latest.turn(3)
    assert latest.losses.tolist() == [4.0, INF, 0.25, INF], "what was not seen again keeps its last"


def test_a_checkpoint_holds_what_does_not_count_yet() -> None:
    latest = LatestLosses(3, HERE)
    noted((0, 1.0), into=latest)
    latest.turn(1)
    noted((1, 2.0), into=latest)
    other = LatestLosses(0, HERE)
    other.load_state_dict(latest.state_dict())
    noted((2, 3.0), into=latest)
    assert other.losses.tolist() == [1.0, INF, INF]
    other.turn(2)
    assert other.losses.tolist() == [1.0, 2.0, INF]
