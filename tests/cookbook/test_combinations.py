"""Which pairs of options go together, and the page that tells those that do not."""

import re
from pathlib import Path

import pytest
from tests.scripts.conftest import load

from temper.command.command_line import options
from temper.cookbook import combinations
from temper.cookbook.combinations import PAGE, Pairs, Row

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
    text = PAGE.read_text(encoding="utf-8")
    told, together, others, own, between = (
        int(number.replace(",", "")) for number in re.findall(r"\b\d[\d,]*\b", text.split("\n\n")[2])
    )
    assert told == together + others
    assert others == own + between
    for axis in ("data", "optimizer", "pruning", "privacy", "trainer", "compile"):
        assert f"\n## {axis}\n" in text
    assert "\n## stopping\n\nEvery option goes with all others.\n" in text
    rows = re.findall(r"^\| (`.*) \| `([a-z_.]+)`: (.*) \| (.+) \|$", text, re.MULTILINE)
    assert len(rows) > 150
    assert all(":" in reason for *_, reason in rows), "a refusal names the way out"
    pruned = next(row for row in rows if "`channels`" in row[0] and row[1] == "trainer")
    assert pruned[2] == "`fsdp`"
    listed = {name for mine, _, theirs, _ in rows for name in re.findall(r"`([a-z0-9_]+)`", mine + theirs)}
    assert set(options("privacy")) - {"none"} <= listed


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
