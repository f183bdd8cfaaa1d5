"""A file or a folder read into entries: each file by its kind; what can't be read is named, and the rest is taken."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from service.documents.blocks import Document
from service.documents.chunks import Place, entries_of, slugged
from service.documents.docx import read_docx
from service.documents.html import decoded_html, read_html
from service.documents.markdown import read_markdown
from service.documents.pdf import read_pdf
from service.documents.rows import Row, read_csv, read_json_lines, read_yaml_rows
from service.documents.sitemap import DEEPEST, file_for, read_sitemap
from service.documents.text import decoded
from service.errors import KnowledgeNotUsable, SettingsNotUsable
from service.knowledge import Entry
from service.retrieve.ingest import ANSWER, FaqLine, entry_of, first_of

MOST_BYTES = 40_000_000  # of a file; 30,000 FAQs with their sample questions take 30 million
COMMON = 0.5  # share of the pages from which a text that stands on them is not their content
FEWEST_PAGES = 4  # with fewer it can't be told
MARKDOWN, HTML = {".md", ".markdown", ".txt"}, {".html", ".htm", ".xhtml"}
DOCUMENTS = MARKDOWN | HTML | {".pdf", ".docx"}
ROWS = {".jsonl", ".ndjson", ".csv", ".tsv", ".yaml", ".yml"}
OFFICE = {".doc", ".odt", ".rtf", ".ppt", ".pptx", ".odp", ".xls", ".xlsx", ".ods", ".pages", ".epub"}
COLUMNS = list(FaqLine.model_fields)


@dataclass
class Reading:
    """What was read. `problems` say where and what to do; `documents` and `ids` are what could not be read this time.

    `unsure`: rows were refused of which not even the id could be read, so nothing can be said to have vanished.
    """

    source: str | None
    entries: dict[str, Entry] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    documents: set[str] = field(default_factory=set)
    ids: set[str] = field(default_factory=set)
    unsure: bool = False

    def take(self, entry: Entry, where: str) -> None:
        """Takes an entry in; of two with one id the first stays."""
        if entry.id in self.entries:
            self.problems.append(f"{where}: id {entry.id} stands earlier too; the first one was taken: give this one another id")
        else:
            self.entries[entry.id] = entry


def read_path(path: Path, source: str | None, languages: Iterable[str], hosts: Iterable[str]) -> Reading:
    """Everything at `path`; raises SettingsNotUsable where there is nothing to read.

    `source` is what it belongs to, by default the name of the file or folder; JSON Lines handed in by themselves have none.
    """
    reader = _Reader(Reading(source or default_source(path)), set(languages), frozenset(hosts))
    if path.is_dir():
        reader.folder(path)
    elif path.suffix.lower() == ".xml":
        reader.sitemap(path)
    elif path.is_file():
        reader.file(path, str(path), Place(reader.source, path.name if source else reader.source))
    elif path.exists():
        raise SettingsNotUsable(f"{path} is neither a file nor a folder")
    else:
        raise SettingsNotUsable(f"{path} can't be read: No such file or directory")
    reader.finish()
    return reader.reading


def default_source(path: Path) -> str | None:
    """The name of the file or folder, of a sitemap its folder; None for JSON Lines, which only add and replace."""
    whole = path.resolve()
    if path.is_file() and path.suffix.lower() in (".jsonl", ".ndjson"):
        return None
    return whole.parent.name if path.suffix.lower() == ".xml" and path.is_file() else whole.name


class _Reader:
    def __init__(self, reading: Reading, languages: set[str], hosts: frozenset[str]) -> None:
        self.reading = reading
        self.source = reading.source or ""
        self._languages, self._hosts = languages, hosts
        self._documents: list[tuple[str, Place, Document, bool]] = []  # name, place, what was read, whether it is a page

    def folder(self, folder: Path) -> None:
        """Every file below a folder that can hold knowledge."""
        if (folder / "brand.yaml").exists():
            raise KnowledgeNotUsable(
                f"{folder} is a brand's folder, read at every start when FIRSTREPLY_KNOWLEDGE_DIR names the folder around it; "
                f"its FAQs alone can be imported from {folder / 'faqs'}"
            )
        paths = [path for path in sorted(folder.rglob("*")) if path.is_file() and not _hidden(path.relative_to(folder))]
        wanted = [path for path in paths if path.suffix.lower() in DOCUMENTS | ROWS]
        addresses: dict[Path, str] = {}
        for path in paths:
            if path.suffix.lower() == ".xml" and "sitemap" in path.name.lower():
                addresses |= {file: address for address, file in self._mapped(path, str(path), folder) if file is not None}
        for path in paths:
            name = str(path)
            if path.suffix.lower() in OFFICE:
                self._refuse(f"{name}: {path.suffix} can't be read: save it as .docx, .pdf or .csv")
        for path in wanted:
            place = Place(self.source, path.relative_to(folder).as_posix())
            self.file(path, str(path), place, addresses.get(path.resolve()))
        if not wanted:
            self._refuse(f"{folder}: no file in it that holds knowledge: {', '.join(sorted(DOCUMENTS | ROWS))}")
            self.reading.unsure = True

    def sitemap(self, path: Path) -> None:
        """Every page that a sitemap lists and that lies beside it."""
        try:
            mapped = self._mapped(path, str(path), path.parent, missing=True)
        except KnowledgeNotUsable as error:
            self._refuse(error.detail)
            self.reading.unsure = True
            return
        for address, file in mapped:
            if file is None:
                self._refuse(
                    f"{path}: no file for {address} beside it: save the page there under its path, or leave it out of the map"
                )
                self.reading.unsure = True
            else:
                place = Place(self.source, file.relative_to(path.parent.resolve()).as_posix())
                self.file(file, str(path.parent / place.path), place, address, page=True)

    def _mapped(
        self, path: Path, name: str, folder: Path, *, missing: bool = False, deep: int = 0
    ) -> list[tuple[str, Path | None]]:
        """Each address of a sitemap with its file; those without one only where `missing` asks for them."""
        try:
            pages, maps = read_sitemap(_bytes(path, name), name)
        except KnowledgeNotUsable as error:
            if missing and not deep:
                raise
            self._refuse(error.detail)
            return []
        found: dict[str, Path | None] = {}
        for address in dict.fromkeys(pages):
            file = file_for(address, folder)
            resolved = file.resolve() if file is not None else None
            if resolved is not None and (resolved in found.values() or not resolved.is_relative_to(folder.resolve())):
                resolved = None
            if resolved is not None or missing:
                found[address] = resolved
        for address in maps if deep < DEEPEST else []:
            below = file_for(address, folder)
            if below is not None and below.resolve() != path.resolve():
                found |= {
                    a: f for a, f in self._mapped(below, str(below), folder, missing=missing, deep=deep + 1) if a not in found
                }
            elif missing:
                self._refuse(f"{name}: no file for the sitemap {address} beside it: save it there")
                self.reading.unsure = True
        return list(found.items())

    def file(self, path: Path, name: str, place: Place, address: str | None = None, *, page: bool = False) -> None:
        """One file by its kind; what is wrong with it goes among the problems."""
        kind = path.suffix.lower()
        try:
            data = _bytes(path, name)
            if kind in ROWS:
                self._rows(kind, data, name, place)
            elif kind in HTML or page:
                document = read_html(decoded_html(data, name), name, self._hosts, address)
                self._documents.append((name, place, document, True))
            elif kind in MARKDOWN:
                self._documents.append((name, place, read_markdown(decoded(data, name), name, self._hosts), False))
            elif kind == ".docx":
                self._documents.append((name, place, read_docx(data, name, self._hosts), False))
            elif kind == ".pdf":
                self._documents.append((name, place, read_pdf(data, name, self.reading.problems), False))
            else:
                advice = "save it as .docx, .pdf or .csv" if kind in OFFICE else "its ending must say what it is"
                raise KnowledgeNotUsable(
                    f"{name}: {kind or 'a file without an ending'} can't be read: {advice}; "
                    f"there are {', '.join(sorted(DOCUMENTS | ROWS))}"
                )
        except (KnowledgeNotUsable, RecursionError) as error:
            deep = f"{name}: nested too deep to be read: save it anew, or leave it out"
            self._refuse(error.detail if isinstance(error, KnowledgeNotUsable) else deep)
            self.reading.documents.add(place.id)
            self.reading.unsure |= kind in ROWS

    def finish(self) -> None:
        """Cuts the documents into entries, what stands on most pages left out."""
        pages = [document for _, _, document, page in self._documents if page]
        counts = Counter(text for document in pages for text in {block.text for block in document.blocks})
        common = {text for text, count in counts.items() if len(pages) >= FEWEST_PAGES and count > COMMON * len(pages)}
        for name, place, document, page in self._documents:
            blocks = tuple(block for block in document.blocks if not (page and block.text in common))
            entries = entries_of(replace(document, blocks=blocks), place, self._languages)
            if not entries:
                self._refuse(f"{name}: holds no text below a heading or by itself: write some, or leave the file out")
                self.reading.documents.add(place.id)
            for entry in entries:
                if len(entry.answer) > ANSWER:
                    self._refuse(
                        f"{name}: the answer has {len(entry.answer)} characters, at most {ANSWER}: split it into several FAQs"
                    )
                    self.reading.documents.add(place.id)
                else:
                    self.reading.take(entry, name)

    def _rows(self, kind: str, data: bytes, name: str, place: Place) -> None:
        rows: Iterator[Row]
        if kind in (".jsonl", ".ndjson"):
            rows = read_json_lines(data, name)
        elif kind in (".csv", ".tsv"):
            rows = read_csv(data, name, COLUMNS, self.reading.notes)
        else:
            rows = read_yaml_rows(data, name)
        count = 0
        for row in rows:
            count += 1
            where = f"{name}: line {row.line}"
            given = row.given
            if row.problem is None and kind not in (".jsonl", ".ndjson") and isinstance(given, dict) and not given.get("id"):
                given = given | {"id": f"{place.id}:{slugged(str(given.get('question') or ''))}"}
            try:
                if row.problem is not None:
                    raise KnowledgeNotUsable(row.problem)
                line = FaqLine.model_validate(given)
            except (ValidationError, KnowledgeNotUsable) as error:
                self._refuse(f"{where}: {first_of(error) if isinstance(error, ValidationError) else error.detail}")
                self._unread(given)
                continue
            entry = entry_of(line, self._languages)
            self.reading.take(entry.model_copy(update={"source": self.reading.source or entry.source}), where)
        if not count:
            self._refuse(f"{name}: holds no FAQ: write some, or leave the file out")
            self.reading.unsure = True

    def _unread(self, given: Any) -> None:
        own = given.get("id") if isinstance(given, dict) else None
        if isinstance(own, str) and own:
            self.reading.ids.add(own)
        else:
            self.reading.unsure = True

    def _refuse(self, problem: str) -> None:
        self.reading.problems.append(problem)


def _hidden(path: Path) -> bool:
    return any(part.startswith((".", "~$", "__MACOSX")) for part in path.parts)


def _bytes(path: Path, name: str) -> bytes:
    """A file's content; raises KnowledgeNotUsable where it is too large or can't be read."""
    try:
        size = path.stat().st_size
        if size > MOST_BYTES:
            raise KnowledgeNotUsable(
                f"{name}: has {size / 1e6:,.1f} MB, a file may have {MOST_BYTES / 1e6:.0f}: split it into several files"
            )
        return path.read_bytes()
    except OSError as error:
        raise KnowledgeNotUsable(f"{name}: can't be read ({error.strerror}): check who may read it") from None
