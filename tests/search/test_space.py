"""Hydra's words as a space: which values can be drawn, how they are spread, and what no draw can be made from."""

import math
import re
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.search.conftest import space_of

from temper.refusal import Refusal
from temper.search.space import Choice, Interval, Setting


def test_reads_the_grammar_of_sweeps() -> None:
    space = space_of(
        "a=1,2",
        "b=choice(x,'y z')",
        "c=range(1,4)",
        "d=interval(0,1)",
        "e=tag(log,interval(1e-4,1))",
        "f=int(interval(1,8))",
        "g=3",
        "h=[crop],[flip]",
        "i=sort(3,1,2)",
        "j=tag(log,int(interval(8,512)))",
    )
    assert dict(space.dimensions) == {
        "a": Choice(("1", "2")),
        "b": Choice(("x", "y\\ z")),
        "c": Choice(("1", "2", "3"), ordered=True),
        "d": Interval(0.0, 1.0),
        "e": Interval(1e-4, 1.0, log=True),
        "f": Interval(1, 8, whole=True),
        "h": Choice(("[crop]", "[flip]")),
        "i": Choice(("1", "2", "3")),
        "j": Interval(8, 512, log=True, whole=True),
    }


def test_shuffled_values_stay_so() -> None:
    spaces = [space_of("a=shuffle(1,2,3,4,5,6)", "b=shuffle(range(0,9))") for _ in range(3)]
    assert spaces[0] == spaces[1] == spaces[2]
    values = list(spaces[0].dimensions["a"].values())
    assert sorted(values) == list("123456") != values
    assert isinstance(spaces[0].dimensions["b"], Choice)
    assert not spaces[0].dimensions["b"].ordered


def test_grid_is_every_combination() -> None:
    space = space_of("a=1,2", "b=int(interval(3,5))", "c=x,y")
    assert space.size == 12
    listed = [tuple(each.values()) for each in space.grid()]
    assert listed == [(a, b, c) for a in "12" for b in "345" for c in "xy"]
    assert space_of("a=1,2", "b=interval(0,1)").size is None


@given(st.integers(0, 2**40), st.integers(0, 500))
def test_draws_lie_inside(seed: int, number: int) -> None:
    space = space_of(
        "a=interval(-1,2)", "b=tag(log,interval(0.123456789,0.1234568))", "c=int(interval(-3,3))", "d=u,v,w"
    )
    drawn = space.drawn(seed, number, [])
    assert -1 <= float(drawn["a"]) <= 2
    assert 0.123456789 <= float(drawn["b"]) <= 0.1234568
    assert -3 <= int(drawn["c"]) <= 3
    assert drawn["d"] in ("u", "v", "w")
    assert drawn == space.drawn(seed, number, [])


def test_draws_are_spread_as_they_say() -> None:
    space = space_of("a=interval(2,4)", "b=tag(log,interval(1e-4,1))", "c=int(interval(1,4))", "d=u,v,w")
    drawn = [space.drawn(0, number, []) for number in range(2000)]
    # The mean of n values with deviation s is off by s/√n: bounds are four of these.
    assert abs(sum(float(each["a"]) for each in drawn) / 2000 - 3) < 4 * (2 / math.sqrt(12)) / math.sqrt(2000)
    assert abs(sum(math.log10(float(each["b"])) for each in drawn) / 2000 + 2) < 4 * (4 / math.sqrt(12)) / math.sqrt(
        2000
    )
    for key, share in (("c", 1 / 4), ("d", 1 / 3)):
        counts = Counter(each[key] for each in drawn)
        assert len(counts) == round(1 / share)
        assert all(abs(count / 2000 - share) < 4 * math.sqrt(share * (1 - share) / 2000) for count in counts.values())


def test_magnitudes_of_whole_numbers() -> None:
    space = space_of("a=tag(log,int(interval(1,1000)))")
    drawn = [int(space.drawn(0, number, [])["a"]) for number in range(2000)]
    below = sum(value <= 31 for value in drawn) / 2000
    assert abs(below - math.log(31.5 / 0.5) / math.log(1000.5 / 0.5)) < 4 * 0.5 / math.sqrt(2000)


def test_no_draw_repeats_another_while_there_are_others() -> None:
    space = space_of("a=1,2,3", "b=tag(log,int(interval(1,7)))")
    taken: list[Setting] = []
    for number in range(21):
        taken.append(space.drawn(5, number, taken))
    assert sorted(map(str, taken)) == sorted(map(str, space.grid()))


@pytest.mark.parametrize(
    ("word", "named"),
    [
        ("a=interval(1,1)", "goes from a number to a greater one"),
        ("a=interval(1,0.1)", "goes from a number to a greater one"),
        ("a=interval(0,inf)", "goes from a number to a greater one"),
        ("a=tag(log,interval(0,1))", "are > 0: raise 0, or leave tag"),
        ("a=tag(lin,interval(0,1))", "there is no tag lin here: tag"),
        ("a=tag(log,choice(1,2))", "values that are listed take no tag: leave it away"),
        ("a=range(5,5)", "holds no value: for example a=range"),
    ],
)
def test_refuses(word: str, named: str) -> None:
    with pytest.raises(Refusal, match=f"{re.escape(word)}: .*{named}"):
        space_of(word)
