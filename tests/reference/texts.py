"""Slow twins of `ecs_columnar.kernels.texts`: methods of `str`, and numbers."""

from __future__ import annotations

from typing import Any

from tests.reference.strings import texts_of


def trim(strings: Any, starts: Any, ends: Any) -> None:
    for i, text in enumerate(texts_of(strings)):
        string = text.decode("utf-8", "surrogatepass")
        n_before = len(string) - len(string.lstrip())
        before = string[:n_before].encode()
        starts[i] = strings.starts[i] + len(before)
        ends[i] = starts[i] + len(string.strip().encode("utf-8", "surrogatepass"))


def count_characters(strings: Any, out: Any) -> None:
    out[:] = [len(text.decode("utf-8", "surrogatepass")) for text in texts_of(strings)]


def are_blank(strings: Any, out: Any) -> None:
    texts = [text.decode("utf-8", "surrogatepass") for text in texts_of(strings)]
    out[:] = [text == "" or text.isspace() for text in texts]


def write_handles(handles: Any, ends: Any, out: Any) -> None:
    at = 0
    for i, handle in enumerate(handles.tolist()):
        text = f"{handle % 2**32}v{handle // 2**32}".encode()
        out[at : at + len(text)] = list(text)
        ends[i] = at = at + len(text)
