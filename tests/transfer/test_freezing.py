"""Which blocks learn from which step, counted by hand; and what cannot be frozen or unfrozen."""

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from temper.quantity import Clock
from temper.transfer.checkpoint import Checkpoint

CLOCK = Clock((0, 10, 20, 40))  # a batch that shrank: the last epoch has twice the steps


def transfer(**knobs: Any) -> Checkpoint:
    return Checkpoint(**{"run": "a/run", "head": "keep", "freeze": "backbone", "unfreeze": None} | knobs)


@pytest.mark.parametrize(
    ("knobs", "begins"),
    [
        ({"freeze": None}, [0, 0, 0, 0]),
        ({}, [40, 40, 40, 40]),
        ({"freeze": 4}, [40, 40, 40, 40]),
        ({"freeze": 3}, [40, 40, 40, 0]),
        ({"freeze": 1}, [40, 0, 0, 0]),
        ({"unfreeze": "1epochs"}, [40, 40, 20, 10]),  # the last block after the first epoch, as in the paper
        ({"unfreeze": "0.5epochs"}, [20, 15, 10, 5]),
        ({"unfreeze": "3steps"}, [12, 9, 6, 3]),
        ({"unfreeze": "10%"}, [16, 12, 8, 4]),
        ({"unfreeze": "60%"}, [40, 40, 40, 24]),
        ({"unfreeze": "500steps"}, [40, 40, 40, 40]),
        ({"freeze": 2, "unfreeze": "3steps"}, [6, 3, 0, 0]),
    ],
)
def test_blocks_begin_from_the_head_downwards(knobs: dict[str, Any], begins: list[int]) -> None:
    assert transfer(**knobs).begins(4, CLOCK) == begins


@given(blocks=st.integers(1, 60), frozen=st.integers(1, 60), steps=st.integers(1, 20_000_000))
def test_one_block_a_span(blocks: int, frozen: int, steps: int) -> None:
    frozen = min(blocks, frozen)
    begins = transfer(freeze=frozen, unfreeze=f"{steps}steps").begins(blocks, Clock((0, 10**12)))
    assert begins[frozen:] == [0] * (blocks - frozen)
    assert begins[:frozen] == [spans * steps for spans in range(frozen, 0, -1)]


def test_refuses_more_blocks_than_there_are() -> None:
    with pytest.raises(ValueError, match=r"transfer\.freeze=5: the network has 4 blocks.*transfer\.freeze=backbone"):
        transfer(freeze=5).begins(4, CLOCK)
    with pytest.raises(ValueError, match=r"transfer\.freeze=2: the network has 1 block before"):
        transfer(freeze=2).begins(1, CLOCK)


@pytest.mark.parametrize(
    ("knobs", "message"),
    [
        ({"freeze": 0}, "greater than 0"),
        ({"freeze": 1.5}, "valid integer"),
        ({"freeze": "head"}, "backbone"),
        ({"freeze": None, "unfreeze": "1epochs"}, "unfreeze=1epochs has nothing to unfreeze: set freeze=backbone"),
        ({"unfreeze": 0}, "unfreeze=0 would unfreeze all at once"),
        ({"unfreeze": "0epochs"}, "unfreeze=0epochs would unfreeze all at once"),
        ({"unfreeze": "3"}, "200steps"),
    ],
)
def test_refuses(knobs: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=re.escape(message)):
        transfer(**knobs)
