"""Which pairs of options go together, and the page that tells those that do not."""

import itertools
import re
from pathlib import Path

import pytest
from tests.scripts.conftest import load

from temper.cookbook import combinations
from temper.cookbook.combinations import PAGE, Choice, Pairs, Row

KNOWN = {"task": ("rows", "images"), "data": ("table", "photos"), "loss": ("a", "b"), "pruning": ("none", "some")}


def fault(row: Row) -> str | None:
    task, data, loss, pruning = row
    if (task == "images") != (data == "photos"):
        return f"task={task} and data={data}: one is of images: choose another"
    if data == "photos" and loss == "b":
        return f"data={data} with loss={loss}: no: choose loss=a"
    if pruning == "some" and loss == "a":
        return f"pruning={pruning} removes what loss={loss} needs: choose loss=b"
    return None


def test_pairs_are_sorted_out() -> None:
    pairs = Pairs(KNOWN, ("rows", "table", "a", "none"), fault)
    legal, refused = pairs.sorted_out()
    assert len(legal) + len(refused) == 6 * 4
    assert all(fault(row) is None for row in legal.values())
    assert all({*pair} <= {*zip(KNOWN, row, strict=True)} for pair, row in legal.items())
    assert legal[("task", "rows"), ("pruning", "some")] == ("rows", "table", "b", "some")
    own = {pair for pair, messages in refused.items() if {axis for axis, _ in pair} <= pairs.named(messages[0])}
    assert own == {
        (("task", "rows"), ("data", "photos")),
        (("task", "images"), ("data", "table")),
        (("data", "photos"), ("loss", "b")),
        (("loss", "a"), ("pruning", "some")),
    }
    # Photos go with loss=a alone, which goes with no pruning: refused for what stands between.
    assert set(refused) - own == {
        (("task", "images"), ("loss", "b")),
        (("task", "images"), ("pruning", "some")),
        (("data", "photos"), ("pruning", "some")),
    }


def test_the_page_is_up_to_date(capsys: pytest.CaptureFixture[str]) -> None:
    assert load("list_combinations").main(["--check"]) == 0, capsys.readouterr().err


@pytest.fixture(scope="module")
def told() -> dict[frozenset[Choice], str]:
    """Return the pairs that the page says do not go together, each with its reason."""
    found: dict[frozenset[Choice], str] = {}
    row = re.compile(r"^\| (`.*) \| `([a-z_.]+)`: (.*) \| (.+) \|$", re.MULTILINE)
    for section in PAGE.read_text(encoding="utf-8").split("\n## ")[1:]:
        axis = section.partition("\n")[0].removesuffix(".kind")
        for mine, other, theirs, reason in row.findall(section):
            for a, b in itertools.product(re.findall(r"`(.*?)`", mine), re.findall(r"`(.*?)`", theirs)):
                pair = frozenset({(axis, a), (other.removesuffix(".kind"), b)})
                found[pair] = reason if found.get(pair, reason) == reason else "told in two ways"
    return found


def test_each_pair_on_the_page_is_refused_in_the_plainest_run(told: dict[frozenset[Choice], str]) -> None:
    known = combinations._options()
    pairs = Pairs(known, combinations._default(known), combinations._fault)
    assert len(told) > 500
    for pair in told:
        assert combinations._fault(pairs.put(pairs.default, *pair)) is not None, pair


@pytest.mark.parametrize(
    ("one", "other", "reason"),
    [
        (("data", "digits"), ("resolution", "linear"), "holds rows of numbers"),
        (("precision", "bf16-true"), ("loss", "huber"), "to three digits"),
        (("privacy", "dp_sgd"), ("task", "convnet"), "choose task=cifar_resnet task.norm=group"),
        (("pruning", "channels"), ("trainer", "fsdp"), "works on whole layers"),
        (("clip", "norm"), ("precision", "16-mixed"), "would cut the scaled ones"),
        (("augmentation", "crop"), ("loss", "mse"), "what the one asks for the other does not go with"),
        (("groups", "head"), ("optimizer", "lamb"), None),
        (("pruning", "channels"), ("quantization", "static"), None),
        (("compile", "true"), ("precision", "bf16-mixed"), None),
    ],
)
def test_what_is_known_is_on_the_page(
    one: Choice, other: Choice, reason: str | None, told: dict[frozenset[Choice], str]
) -> None:
    found = told.get(frozenset({one, other}))
    assert found is None if reason is None else found is not None and reason in found


def test_list_combinations_writes_and_checks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(combinations, "PAGE", tmp_path / "combinations.md")
    monkeypatch.setattr(combinations, "page", lambda: "today's\n")
    main = load("list_combinations").main
    assert main(["--check"]) == 1
    assert "combinations.md: is not what it would be written as: run python scripts" in capsys.readouterr().err
    assert main([]) == 0
    assert main(["--check"]) == 0
    monkeypatch.setattr(combinations, "page", lambda: "another\n")
    assert main(["--check"]) == 1
