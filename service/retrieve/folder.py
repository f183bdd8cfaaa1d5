"""Knowledge read from a brand's folder: faqs/, offers/, macros/ and products/, each a file that anybody can edit."""

from __future__ import annotations

import re
from datetime import date, timedelta
from pathlib import Path
from typing import Annotated, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, RootModel

from service.catalogue import CATALOGUE, read_titles
from service.draft.facts import day
from service.errors import KnowledgeNotUsable
from service.knowledge import Entry
from service.messages import Label, clean
from service.retrieve.ingest import ANSWER
from service.yaml_files import parse_yaml, read_text, read_yaml

OFFERS = "offers.yaml"
_FRONT_MATTER = re.compile(r"\A---\r?\n(.*?\r?\n)---\r?\n(.*)\Z", re.DOTALL)
_WORDING = re.compile(r"^##[ \t]+Another wording[ \t]*\r?$", re.MULTILINE | re.IGNORECASE)
Head = TypeVar("Head", bound=BaseModel)
Short = Annotated[str, Field(min_length=1, max_length=600)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class _FaqHead(_Strict):
    topic: str | None = None
    url: str | None = None
    short: Short | None = None
    questions: list[str] = []
    issue: str | None = None
    states: list[str] = []
    terms: list[str] = []  # what of terms/ the answer states; read by `brands check`
    valid_from: date | None = None
    valid_until: date | None = None
    audience: Literal["public", "agents"] = "public"


class _MacroHead(_Strict):
    topic: str | None = None
    labels: Annotated[list[Label], Field(min_length=1)]
    messages: Annotated[list[str], Field(min_length=1)]
    public: Annotated[list[Short], Field(min_length=1)]


class Offer(_Strict):
    """One entry of offers.yaml: when it holds, first and last day."""

    valid_from: date
    valid_until: date
    products: list[str] = []  # ids of the catalogue


class _Offers(RootModel[dict[str, Offer]]):
    pass


class _OfferText(_Strict):
    question: str
    answer: Annotated[str, Field(min_length=1, max_length=ANSWER)]
    short: Short | None = None
    questions: list[str] = []


class _OfferTexts(RootModel[dict[str, _OfferText]]):
    pass


def read_folder(folder: Path, days: int = 0) -> list[Entry]:
    """Every entry of a brand's folder; raises KnowledgeNotUsable naming file and line. Offers are moved by `days`."""
    return [*read_faqs(folder), *read_offers(folder, days), *read_macros(folder), *read_products(folder)]


def read_faqs(folder: Path) -> list[Entry]:
    """Every `faqs/<language>/<entry>.md`."""
    return [_faq(path) for path in sorted((folder / "faqs").glob("*/*.md"))]


def faq_terms(path: Path) -> list[tuple[int, str]]:
    """What of terms/ a FAQ's answer states, each with the line that says so."""
    text = read_text(path)
    parts = _FRONT_MATTER.match(text)
    names = parse_yaml(parts.group(1), path, _FaqHead, first_line=2).terms if parts else []
    line = next((number for number, line in enumerate(text.splitlines(), 1) if line.startswith("terms:")), 1)
    return [(line, name) for name in names]


def read_macros(folder: Path) -> list[Entry]:
    """Every `macros/<language>/<entry>.md`."""
    return [_macro(path) for path in sorted((folder / "macros").glob("*/*.md"))]


def read_offer_dates(folder: Path) -> dict[str, Offer]:
    """offers.yaml, by the offer's id."""
    return read_yaml(folder / OFFERS, _Offers).root if (folder / OFFERS).exists() else {}


def read_offers(folder: Path, days: int = 0) -> list[Entry]:
    """FAQs made of offers.yaml and `offers/<language>.yaml`, each valid from its first to its last day."""
    offers = read_offer_dates(folder)
    found: list[Entry] = []
    for path in sorted((folder / "offers").glob("*.yaml")):
        for name, text in read_yaml(path, _OfferTexts).root.items():
            if name not in offers:
                raise KnowledgeNotUsable(f"{path}: {name} is not in {OFFERS}, which says when it holds")
            first, last = (moment + timedelta(days=days) for moment in (offers[name].valid_from, offers[name].valid_until))
            filled = {"{from}": day(first.isoformat(), path.stem) or "", "{until}": day(last.isoformat(), path.stem) or ""}
            found.append(
                Entry(
                    id=f"offer-{name}-{path.stem}", entry=f"offer-{name}", language=path.stem, topic="offers",
                    title=clean(text.question), answer=_filled(text.answer, filled, path, name),
                    short=_filled(text.short, filled, path, name) if text.short else None,
                    questions=tuple(clean(q) for q in text.questions if q.strip()),
                    valid_from=first.isoformat(), valid_until=last.isoformat(),
                )
            )  # fmt: skip
    return found


def read_products(folder: Path) -> list[Entry]:
    """The titles and texts of `products/<language>.yaml`."""
    found = []
    for path in sorted((folder / "products").glob("*.yaml")):
        if path.name != CATALOGUE:
            for name, text in read_titles(path).items():
                found.append(
                    Entry(
                        id=f"product-{name}-{path.stem}", kind="product", entry=name, language=path.stem, topic="product",
                        title=clean(text.title), answer=clean(text.text), questions=tuple(clean(w) for w in text.words),
                    )
                )  # fmt: skip
    return found


def _filled(text: str, values: dict[str, str], path: Path, name: str) -> str:
    for placeholder, value in values.items():
        text = text.replace(placeholder, value)
    if "{" in text or "}" in text:
        raise KnowledgeNotUsable(f"{path}: {name}: an unknown placeholder in {text!r}; here: from, until")
    return clean(text.strip())


def _faq(path: Path) -> Entry:
    head, first_line, title, texts = _parted(path, _FaqHead)
    if not texts:
        raise KnowledgeNotUsable(f"{path}:{first_line}: after the front matter come `# The question` and the answer below it")
    if longest := next((text for text in texts if len(text) > ANSWER), None):
        raise KnowledgeNotUsable(
            f"{path}: the answer has {len(longest)} characters, at most {ANSWER}: split it into several FAQs"
        )
    language, entry = path.parent.name, path.stem
    return Entry(
        id=f"faq-{entry}-{language}", entry=entry, language=language, topic=head.topic, title=title, answer=texts[0],
        wordings=tuple(texts[1:]), short=clean(head.short) if head.short else None,
        questions=tuple(clean(q) for q in head.questions if q.strip()), states=tuple(head.states), issue=head.issue, url=head.url,
        valid_from=head.valid_from.isoformat() if head.valid_from else None,
        valid_until=head.valid_until.isoformat() if head.valid_until else None, audience=head.audience,
    )  # fmt: skip


def _macro(path: Path) -> Entry:
    head, first_line, title, texts = _parted(path, _MacroHead)
    if not texts:
        raise KnowledgeNotUsable(f"{path}:{first_line}: after the front matter come `# What it is for` and the text below it")
    language, entry = path.parent.name, path.stem
    return Entry(
        id=f"macro-{entry}-{language}", kind="macro", entry=entry, language=language, topic=head.topic, title=title,
        answer=texts[0], wordings=tuple(texts[1:]), publics=tuple(clean(text) for text in head.public),
        labels=tuple(head.labels), questions=tuple(clean(m) for m in head.messages if m.strip()),
    )  # fmt: skip


def _parted(path: Path, model: type[Head]) -> tuple[Head, int, str, list[str]]:
    """Front matter, the line after it, the title and the wordings below it, none where title or text is missing."""
    text = read_text(path)
    parts = _FRONT_MATTER.match(text)
    if parts is None:
        raise KnowledgeNotUsable(f"{path}:1: begins with front matter between two lines of ---")
    head = parse_yaml(parts.group(1), path, model, first_line=2)
    title, _, rest = parts.group(2).strip().partition("\n")
    texts = [clean(wording.strip()) for wording in _WORDING.split(rest)]
    whole = title.startswith("# ") and all(texts)
    return head, 3 + parts.group(1).count("\n"), clean(title[2:].strip()), texts if whole else []
