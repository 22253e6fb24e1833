"""What a network looks at as one web page that needs no network: the picture, and what it shows in numbers."""

from pathlib import Path

from temper.explain.explanation import Explanation
from temper.explain.tables import confused, mistakes, recall_of, summary, weights, worst_class
from temper.report.page import data_uri, put, template, title

FILE = "explained.html"


def reading(explanation: Explanation) -> str:
    """Return how the pictures of mistakes are to be read."""
    if explanation.maps is None and explanation.counts is None:
        return (
            "What adds most to the value given, and not to the error, is gradient times input: how far each feature, as"
            " the network sees it, moves the value."
        )
    if explanation.maps is None:
        return (
            "What adds most to a mistake is gradient times input: what each feature, as the network sees it, adds to"
            " the score of what was given."
        )
    if explanation.maps.method == "Grad-CAM":
        return (
            f"Grad-CAM (Selvaraju et al., 2017) of layer {explanation.subject.layer}: warm is where the network sees"
            " what speaks for a class, each map by its own largest value, and nothing does where all is grey. A map as"
            " coarse as the layer lies on the image as it is stored."
        )
    return (
        "Gradient times input: orange pixels add to the score of a class, blue ones take from it, each map by its own"
        " largest value."
    )


def write(explanation: Explanation, picture: Path, path: Path) -> Path:
    """Write the page to ``path``, with ``picture`` in it; return ``path``."""
    subject = explanation.subject
    told = (mistakes(explanation), weights(explanation), confused(explanation))
    html = template("explained.html.jinja").render(
        title=title(subject.title),
        checkpoint=str(subject.trained.file),
        summary=summary(explanation).capitalize(),
        worst=worst_class(explanation),
        picture=data_uri(picture),
        reading=reading(explanation),
        notes=explanation.notes,
        tables=[each for each in told if each is not None],
        classes=list(recall_of(explanation).items()),
    )
    return put(html, path)
