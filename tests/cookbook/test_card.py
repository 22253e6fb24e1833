"""A card tells method, knobs and numbers, and keeps what people write."""

import re
from dataclasses import replace
from pathlib import Path

from tests.cookbook.conftest import rows

from temper import recipes
from temper.command import command_line
from temper.cookbook.card import card, header, index, settings
from temper.cookbook.standing import standing


def test_settings_are_what_the_file_says(book: Path) -> None:
    assert settings("augmentation/shift") == [
        ("task", "cifar_resnet"),
        ("augmentation", "[flip, crop]"),
        ("augmentation.crop.padding", "2"),
    ]
    assert header("baseline/small") == "A small net on digits.\nThe control."


def test_a_card_tells_method_knobs_and_numbers(book: Path) -> None:
    every = rows("baseline/small", 0.91, 0.93) + rows("optimizer/quick", 0.95, 0.97)
    text = card(standing("optimizer/quick", every))
    assert "arXiv:1412.6980" in text
    assert "```text\ng = ∇J(θ)" in text
    assert "| `optimizer.lr` | 0.002 | 0.001 | rate η: about the longest step of each parameter |" in text
    assert "| test/accuracy | 0.9600 | 0.0141 | 2 | -0.0208 to +0.1008 |" in text
    assert "| minus baseline/small: 95 % interval of the difference (Welch) |" in text
    assert "| this CPU | 1 |" in text
    assert "| 2 | 90 s |" in text
    assert "no worse by more than 0.01: kept" in text


def test_the_index_says_where_a_figure_is_of_one_seed(book: Path) -> None:
    text = index([standing("baseline/small", rows("baseline/small", 0.9)), standing("optimizer/quick", [])])
    assert "means over n seeds ± standard deviation, or what one seed gave" in text
    assert "the 95 % interval of the difference (Welch) to the recipe that it builds on" in text
    assert "| test/accuracy 0.9000 (one seed) |" in text


def test_a_card_without_rows_says_so(book: Path) -> None:
    text = card(standing("augmentation/shift", []))
    assert "Not measured yet: `python scripts/verify_recipe.py augmentation/shift --seeds 3`" in text
    assert text.index("## Method: augmentation=flip") < text.index("## Method: augmentation=crop")
    assert "| `augmentation.crop.padding` | 2 | 4 | pixels" in text


def test_every_command_in_a_block_of_a_card_is_accepted(book: Path) -> None:
    for name in recipes.names():
        blocks = re.findall(r"```bash\n(.*?)```", card(standing(name, [])), re.DOTALL)
        assert blocks == [f"python train.py recipe={name}\n"]
        command_line.check(blocks[0].split()[2:])


def test_what_people_write_is_kept(book: Path) -> None:
    stands = standing("optimizer/quick", [])
    written = card(stands).replace(
        "<!-- by hand: If it fails -->\n", "<!-- by hand: If it fails -->\nLower the rate.\n"
    )
    again = card(standing("optimizer/quick", rows("optimizer/quick", 0.9)), written)
    assert "<!-- by hand: If it fails -->\nLower the rate.\n<!-- end: If it fails -->" in again
    opening = "<!-- by hand: If it fails -->"
    assert card(stands, again) == written.replace(opening, f"## If it fails\n\n{opening}")


def test_a_card_tells_the_score_with_and_without_views(book: Path) -> None:
    plain, *every = rows("baseline/small", 0.9, 0.91, 0.93)
    assert "accuracy_tta" not in card(standing("baseline/small", [plain]))
    every = [
        replace(row, figures={**row.figures, "test/accuracy_tta": row.figures["test/accuracy"] + 0.01}) for row in every
    ]
    lines = card(standing("baseline/small", every)).splitlines()
    first = lines.index("| test/accuracy | 0.9200 | 0.0141 | 2 |")
    assert lines[first + 1] == "| test/accuracy_tta | 0.9300 | 0.0141 | 2 |"
