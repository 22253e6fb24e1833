"""The web page of a run: complete, by itself, and safe to show."""

from html.parser import HTMLParser
from pathlib import Path

import pytest

from temper.report.page import title, write
from temper.report.record import Attempt, Report, Score

PNG = bytes.fromhex("89504e470d0a1a0a")


class Page(HTMLParser):
    """Collects tags with their attributes, and the text between them; sees every tag closed in its turn."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.open: list[str] = []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in ("meta", "img"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def report() -> Report:
    return Report(
        command="python train.py 'name=<script>alert(1)</script>'",
        state="finished",
        choices={"task": "mlp", "data": "digits", "optimizer": "adam"},
        metrics={"train/accuracy": 0.99, "val/accuracy": 0.98, "test/accuracy": 0.9722},
        score=Score("val/accuracy", 0.98, "max"),
        per_class={"ant": 0.9, "bee": None, "cow": 0.3},
        attempts=[Attempt(0, 1200), Attempt(1100, 2000)],
        notes=["a note"],
    )


def page(folder: Path) -> Page:
    return Page(write(folder).read_text(encoding="utf-8"))


def test_needs_nothing_beside_itself(tmp_path: Path) -> None:
    report().save(tmp_path)
    (tmp_path / "curves.png").write_bytes(PNG)
    found = page(tmp_path)
    links = [value for _, attributes in found.tags for name, value in attributes.items() if name in ("src", "href")]
    assert links == ["data:image/png;base64,iVBORw0KGgo="]
    assert not {"script", "link", "iframe"} & {tag for tag, _ in found.tags}
    assert "url(" not in write(tmp_path).read_text()
    assert sorted(file.name for file in tmp_path.iterdir()) == ["curves.png", "report.html", "report.json"]


def test_shows_figures_metrics_classes_attempts_and_configuration(tmp_path: Path) -> None:
    report().save(tmp_path)
    (tmp_path / "config.yaml").write_text("optimizer:\n  lr: 0.1 # <fast>\n")
    found = page(tmp_path)
    text = " ".join(" ".join(found.text).split())
    assert "mlp on digits: adam" in text
    assert "python train.py 'name=<script>alert(1)</script>'" in text
    assert "lr: 0.1 # <fast>" in text
    assert "0.9722" in text
    assert "a note" in text
    assert "1,100" in text
    assert [word for word in text.split() if word in ("speed", "cost", "generalisation", "complexity")][:4] == [
        "speed", "cost", "generalisation", "complexity",
    ]  # fmt: skip
    assert text.index("cow") < text.index(" ant ") < text.index("bee")
    widths = [attributes.get("style") for _, attributes in found.tags if attributes.get("class") == "fill"]
    assert widths == ["width: 30.0%", "width: 90.0%", "width: 0.0%"]


def test_a_run_that_has_only_begun_has_a_page(tmp_path: Path) -> None:
    Report(command="python train.py").save(tmp_path)
    found = page(tmp_path)
    assert "img" not in {tag for tag, _ in found.tags}
    assert "not measured" in " ".join(found.text)


@pytest.mark.parametrize(
    ("choices", "words"),
    [
        (
            {"task": "cifar_resnet", "data": "cifar10", "augmentation": ["crop", "flip"], "pruning": "none"},
            "cifar resnet on cifar10: crop + flip",
        ),
        ({"task": "mlp", "penalty": [], "trainer": "cpu"}, "mlp"),
        ({"optimizer": "one_thing"}, "one thing"),
        ({}, "a run"),
    ],
)  # fmt: skip
def test_the_title_is_the_choices_in_words(choices: dict[str, str | list[str]], words: str) -> None:
    assert title(choices) == words
