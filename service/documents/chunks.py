"""Documents cut into entries: by heading, then by paragraph, each with the trail of titles above it and an id that lasts."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from service.documents.blocks import Document
from service.documents.markdown import WORDING
from service.knowledge import Entry
from service.messages import clean
from service.understand.embedder import sentences
from service.understand.language import UNKNOWN, identify

LONGEST = 800  # characters of a chunk; with its titles it stays under the embedder's window of 1,000
SMALL = 120  # a last piece below this goes with the one before
TRAIL = 3  # titles shown of the trail, the innermost ones
BETWEEN = " › "
MIXED_WORDS = 20  # from which a chunk may be in another language than its document
CLEARLY = 0.9
LANGUAGES = frozenset(  # names of folders that are languages; "it" and "no" are, "us" and "faq" are not
    "bg ca cs da de el en es et fi fr ga hr hu is it lt lv mt nl no pl pt ro sk sl sv tr uk".split()
)


@dataclass(frozen=True)
class Place:
    """Where a document stands: the source it belongs to and its path below that."""

    source: str
    path: str

    @property
    def id(self) -> str:
        """Of the document; the ids of its entries begin with it and a colon, unless it is a single one."""
        return _plain_id(self.path if self.path == self.source else f"{self.source}/{self.path}")

    @property
    def language(self) -> str | None:
        """What a folder on the way says, as in `faqs/de/returns.md`."""
        return next((part.lower() for part in reversed(self.path.split("/")[:-1]) if part.lower() in LANGUAGES), None)

    @property
    def entry(self) -> str:
        """The id without that folder: the same for all languages of one FAQ."""
        parts = self.path.split("/")
        at = next((i for i in reversed(range(len(parts) - 1)) if parts[i].lower() in LANGUAGES), None)
        return self.id if at is None else _plain_id("/".join((self.source, *parts[:at], *parts[at + 1 :])))


@dataclass(frozen=True)
class _Section:
    trail: tuple[str, ...]
    name: str  # unique in the document
    anchor: str | None
    texts: tuple[str, ...]


def entries_of(document: Document, place: Place, supported: set[str]) -> list[Entry]:
    """The entries of a document, none where it holds no text."""
    whole = "\n".join(block.text for block in document.blocks)
    stated = (document.head.language or document.language or place.language or "").lower().replace("_", "-").split("-")[0] or None
    found = identify(whole[:4_000], said=document.head.language, supported=supported, hints=[place.language, stated])
    language = found.code if found.code != UNKNOWN else stated or "en"
    if document.faq:
        return _single(document, place, language)
    entries = []
    for section in _sections(document, place):
        pieces = pack(section.texts)
        for number, text in enumerate(pieces, 1):
            title = BETWEEN.join(section.trail[-TRAIL:])
            own = section.trail[-1]
            url = document.head.url or document.url
            entries.append(
                _entry(
                    document, place, f"{place.id}:{section.name}" + (f"-part-{number}" if number > 1 else ""),
                    title=title, answer=text, language=_of_chunk(text, language, supported),
                    questions=(own,) if len(section.trail) > 1 and own.endswith("?") else (),
                    url=f"{url.split('#')[0]}#{section.anchor}" if url and section.anchor else url,
                )
            )  # fmt: skip
    return entries


def _of_chunk(text: str, language: str, supported: set[str]) -> str:
    if len(text.split()) < MIXED_WORDS:
        return language
    found = identify(text, said=None, supported=supported)
    return found.code if found.code != UNKNOWN and found.score >= CLEARLY else language


def _single(document: Document, place: Place, language: str) -> list[Entry]:
    """A file that is one FAQ: its heading asks, the text answers, other wordings follow."""
    texts: list[list[str]] = [[]]
    for block in document.blocks[1:]:
        if block.level:
            texts.append([])
        else:
            texts[-1].append(block.text)
    answers = [_paragraphs(text) for text in texts if text]
    if not answers:
        return []
    made = _entry(
        document, place, place.id, title=document.blocks[0].text, answer=answers[0], language=language,
        questions=tuple(q.strip() for q in document.head.questions if q.strip()), url=document.head.url,
    )  # fmt: skip
    head = document.head
    return [
        made.model_copy(
            update={
                "entry": place.entry, "wordings": tuple(clean(text) for text in answers[1:]), "issue": head.issue,
                "states": tuple(head.states), "short": clean(head.short) if head.short else None,
            }
        )
    ]  # fmt: skip


def _entry(
    document: Document,
    place: Place,
    entry_id: str,
    *,
    title: str,
    answer: str,
    language: str,
    questions: Sequence[str],
    url: str | None,
) -> Entry:
    head = document.head
    return Entry(
        id=entry_id, entry=entry_id, language=language, topic=head.topic, title=clean(title), answer=clean(answer),
        questions=tuple(clean(question) for question in questions), url=url,
        valid_from=head.valid_from.isoformat() if head.valid_from else None,
        valid_until=head.valid_until.isoformat() if head.valid_until else None,
        audience=head.audience, origin="import", source=place.source,
    )  # fmt: skip


def _sections(document: Document, place: Place) -> Iterable[_Section]:
    stem = place.path.rsplit("/", 1)[-1].rsplit(".", 1)[0]
    title = document.head.title or document.title or re.sub(r"[-_]+", " ", stem).strip().capitalize() or place.source
    blocks = [block for block in document.blocks if block.text.casefold() != WORDING or not block.level]
    headings = [block for block in blocks if block.level]
    top = min((block.level for block in headings), default=0)
    # The document's own first heading is its title where no other is as high.
    own = bool(headings) and blocks[0] is headings[0] and sum(block.level == top for block in headings) == 1
    open_titles: list[tuple[int, str]] = [] if own else [(0, title)]
    taken: dict[str, int] = {}
    texts: list[str] = []
    name, anchor = "intro", None

    def ended() -> Iterable[_Section]:
        if texts:
            trail = tuple(dict.fromkeys(text for _, text in open_titles)) or (title,)
            yield _Section(trail, name, anchor, tuple(texts))

    for block in blocks:
        if not block.level:
            if not texts and name == "intro" and block.page:
                name = f"page-{block.page}"
            texts.append(block.text)
            continue
        yield from ended()
        texts = []
        while open_titles and open_titles[-1][0] >= block.level:
            open_titles.pop()
        open_titles.append((block.level, block.text))
        slug = slugged(block.text)
        wanted = slugged(block.anchor) if block.anchor else slug
        taken[wanted] = taken.get(wanted, 0) + 1
        name = wanted if taken[wanted] == 1 else f"{wanted}-{taken[wanted] - 1}"
        anchor = block.anchor or (name if document.head.url and not block.page else None)
    yield from ended()


def pack(texts: Sequence[str]) -> list[str]:
    """Paragraphs put together to pieces of at most LONGEST characters; a longer one is cut between sentences or lines."""
    pieces: list[str] = []
    for text in _units(texts):
        if pieces and len(pieces[-1]) + len(text) + 2 <= LONGEST:
            pieces[-1] = _paragraphs([pieces[-1], text])
        else:
            pieces.append(text)
    if len(pieces) > 1 and len(pieces[-1]) < SMALL and len(pieces[-2]) + len(pieces[-1]) < LONGEST + SMALL:
        pieces[-2:] = [_paragraphs(pieces[-2:])]
    return pieces


def _units(texts: Sequence[str]) -> Iterable[str]:
    """Paragraphs no longer than LONGEST; a line that leads to a list stays with it where both fit."""
    waiting = ""
    for text in texts:
        if waiting:
            text, waiting = (_paragraphs([waiting, text]), "") if len(waiting) + len(text) < LONGEST else (text, waiting)
            if waiting:
                yield waiting
                waiting = ""
        if text.endswith(":") and len(text) < LONGEST // 2:
            waiting = text
        elif len(text) <= LONGEST:
            yield text
        else:
            yield from _cut(text)
    if waiting:
        yield waiting


def _cut(text: str) -> Iterable[str]:
    lines = "\n" in text
    parts = text.split("\n") if lines else sentences(text)
    piece = ""
    for part in parts:
        for word in [part] if len(part) <= LONGEST else _by_words(part):
            joined = f"{piece}{chr(10) if lines else ' '}{word}" if piece else word
            if len(joined) > LONGEST and piece:
                yield piece
                joined = word
            piece = joined
    if piece:
        yield piece


def _by_words(text: str) -> Iterable[str]:
    while len(text) > LONGEST:
        at = text.rfind(" ", LONGEST // 2, LONGEST)
        at = at if at > 0 else LONGEST
        yield text[:at].strip()
        text = text[at:].strip()
    if text:
        yield text


def _paragraphs(texts: Sequence[str]) -> str:
    """Paragraphs one below the other, an empty line between them; a list follows its paragraph at once."""
    out = ""
    for text in texts:
        listed = re.match(r"- |\d+\. ", text) is not None
        out = f"{out}{chr(10) if listed else chr(10) * 2}{text}" if out else text
    return out


def slugged(text: str) -> str:
    """A heading as the fragment that sites make of it: lower case, words joined by dashes; any script."""
    slug = re.sub(r"[\s-]+", "-", re.sub(r"[^\w\s-]", "", text.casefold())).strip("-_")
    if len(slug) > 60:
        slug = f"{slug[:52].rstrip('-')}-{hashlib.sha256(slug.encode()).hexdigest()[:6]}"
    return slug or hashlib.sha256(text.encode()).hexdigest()[:8]


def _plain_id(path: str) -> str:
    """A path as an id; where letters had to go or it is too long, a few digits of its hash keep it apart from others."""
    plain = re.sub(r"[^\w.+@-]+", "-", path.replace("/", ".")).strip("-.")
    if plain != path.replace("/", ".") or len(plain) > 110:
        plain = f"{plain[:100]}-{hashlib.sha256(path.encode()).hexdigest()[:6]}"
    return plain
