"""An archive whose line breaks off is fetched on from there, a few times."""

import hashlib
import http.server
import re
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from temper.data import download

CONTENT = bytes(range(256)) * 4000  # a megabyte


class Broken(http.server.BaseHTTPRequestHandler):
    """Serves ``CONTENT``, and closes the line after ``most`` bytes of each answer."""

    most = len(CONTENT)
    resumes = True
    asked: list[str]

    def do_GET(self) -> None:
        begin = self.headers.get("Range")
        self.asked.append(begin or "all")
        matched = re.match(r"bytes=(\d+)-", begin or "") if self.resumes else None
        start = int(matched[1]) if matched else 0
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(CONTENT) - start))
        self.end_headers()
        self.wfile.write(CONTENT[start : start + self.most])

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Return the address of a server on this machine."""
    monkeypatch.setattr(Broken, "asked", [], raising=False)
    monkeypatch.setattr(download, "_REST_SECONDS", 0.0)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Broken) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/archive"
        server.shutdown()


def fetched(url: str, tmp_path: Path) -> bytes:
    download._download(url, hashlib.md5(CONTENT).hexdigest(), tmp_path / "archive")
    return (tmp_path / "archive").read_bytes()


def test_a_line_that_breaks_off_is_taken_up_again(served: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Broken, "most", 400_000)
    assert fetched(served, tmp_path) == CONTENT
    assert Broken.asked == ["all", "bytes=400000-", "bytes=800000-"]


def test_where_nothing_is_resumed_it_begins_anew(served: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Broken, "most", 400_000)
    monkeypatch.setattr(Broken, "resumes", False)
    with pytest.raises(OSError, match=r"broke off after 0\.4 of 1\.0 MB \("):
        fetched(served, tmp_path)
    assert Broken.asked == ["all", *["bytes=400000-"] * 4]


def test_one_that_is_slow_for_good_is_given_up(served: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Broken, "most", 1000)
    with pytest.raises(OSError, match=r"broke off after 0\.0 of 1\.0 MB \("):
        fetched(served, tmp_path)
    assert len(Broken.asked) == 5


def test_a_whole_one_is_asked_for_once(served: str, tmp_path: Path) -> None:
    assert fetched(served, tmp_path) == CONTENT
    assert Broken.asked == ["all"]


def test_what_answers_nonsense_is_named(served: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Broken, "do_GET", lambda self: self.wfile.write(b"none of HTTP\r\n"))
    with pytest.raises(OSError, match=r"archive broke off after 0\.0 of 0\.0 MB \(BadStatusLine"):
        fetched(served, tmp_path)
