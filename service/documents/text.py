"""Bytes of a file as text; what is not UTF-8 text is refused with the line, the byte and what to do."""

from __future__ import annotations

import codecs

from service.errors import KnowledgeNotUsable

_BINARY = {
    b"%PDF": "a PDF document", b"PK\x03\x04": "a ZIP archive or an Office document", b"\x89PNG": "a picture",
    b"\xff\xd8\xff": "a picture", b"GIF8": "a picture", b"\xd0\xcf\x11\xe0": "an old Office document",
    b"\x1f\x8b": "a compressed file", b"\x7fELF": "a program",
}  # fmt: skip


def decoded(data: bytes, name: str) -> str:
    """The text of a UTF-8 file; raises KnowledgeNotUsable naming the first line and byte that are not."""
    refuse_binary(data, name)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise KnowledgeNotUsable(f"{name}:{line}: {not_utf8(data, error.start)}") from None


def decoded_lines(data: bytes, name: str) -> list[str | bytes]:
    """The lines of a UTF-8 file, those that are not UTF-8 as they are; raises KnowledgeNotUsable where nothing is text."""
    refuse_binary(data, name)
    lines: list[str | bytes] = []
    for line in data.removeprefix(codecs.BOM_UTF8).split(b"\n"):
        try:
            lines.append(line.decode())
        except UnicodeDecodeError:
            lines.append(line)
    return lines


def not_utf8(data: bytes, at: int) -> str:
    """What is wrong at a byte that is not UTF-8, and what to do."""
    likely = ""
    try:
        data[max(0, at - 1) : at + 2].decode("cp1252")
        likely = ", it looks like Windows-1252 or Latin-1"
    except UnicodeDecodeError:
        pass
    return f"byte 0x{data[at]:02X} (number {at + 1} of the file) is not UTF-8{likely}: save the file as UTF-8 and import it again"


def refuse_binary(data: bytes, name: str) -> None:
    """Raises KnowledgeNotUsable for a file that is no text whatever its name says."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise KnowledgeNotUsable(f"{name}: is UTF-16: save the file as UTF-8 and import it again")
    kind = next((kind for mark, kind in _BINARY.items() if data.startswith(mark)), None)
    if kind or b"\0" in data:
        raise KnowledgeNotUsable(
            f"{name}: is {kind or 'a binary file'}, not text: give it the ending of what it is, or leave it out"
        )
