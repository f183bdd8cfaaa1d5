"""Defects and how they get into a draft: a sentence at a place of one of its texts, or a change that needs no words.

The sentences stand in `defects/<language>.yaml`, by kind; the first lines of the English ones say what the keys mean. They were
written without sight of the checks, and are not changed to suit them.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, get_args

from babel.dates import get_month_names
from pydantic import BaseModel, ConfigDict, Field, RootModel, model_validator

from service.draft.deltas import sentences_with_gaps
from service.messages import Message, Order, Triage
from service.yaml_files import read_yaml

FOLDER = Path(__file__).with_name("defects")
LANGUAGES = ("en", "de", "nl", "sv", "fr", "es")
Kind = Literal[
    "wrong_language", "invented_number", "invented_date", "invented_amount", "invented_link", "invented_promise", "beyond_terms",
    "personal_data_in_public", "foreign_data", "forbidden_or_profane", "placeholder_or_markup", "human_claim",
    "asks_known", "answers_not",
]  # fmt: skip
KINDS: tuple[Kind, ...] = get_args(Kind)
Side = Literal["public", "private"]
Texts = dict[Side, str]
SIDES: tuple[Side, ...] = ("public", "private")
TEAM = "Tarn & Timber"  # stands in the last line of every sign-off of the demo brand
LONGEST_GREETING = 60  # characters
_SLOT = re.compile(r"%(\w+)%")
_MONTHS = {code: "|".join(get_month_names("wide", locale=code).values()) for code in LANGUAGES}
_MONEY = re.compile(r"[€£] ?(\d+(?:[.,]\d+)?)|(\d+(?:[.,]\d+)?)(?= ?(?:€|£|kr\b|SEK|EUR))")
_NUMBER = re.compile(r"(?<=[a-zà-ÿ] )\d{1,3}(?= (?!de\b|kr\b|euro|EUR|SEK)[^\W\d_]{2,})", re.IGNORECASE)


class Wording(BaseModel):
    """A sentence with its place, or the name of an operation."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    text: str = ""
    operation: str = ""
    at: Literal["start", "second", "end", "instead"] = "end"
    where: Literal["public", "private", "both", "any"] = Field(default="any", alias="in")

    @model_validator(mode="after")
    def _one_of_both(self) -> Wording:
        if bool(self.text) == bool(self.operation):
            raise ValueError("a text or an operation")
        if self.operation and self.operation not in OPERATIONS:
            raise ValueError(f"no operation {self.operation}")
        return self


@dataclass(frozen=True)
class Draft:
    """A draft that passes, with what it was made from and a draft in another language that holds nothing personal."""

    name: str
    message: Message
    triage: Triage
    texts: Texts
    somebody_else: Mapping[str, str]
    another_language: Texts = field(default_factory=dict)

    @property
    def language(self) -> str:
        """Of its texts."""
        assert self.triage.draft is not None
        return self.triage.draft.language

    @property
    def order(self) -> Order | None:
        """The order that the draft tells of, else the first that is known."""
        assert self.triage.draft is not None
        told = {name.split(".")[0] for name in self.triage.draft.order_fields}
        orders = self.triage.context.orders
        return next((order for order in orders if order.order_id in told), orders[0] if orders else None)

    @property
    def own(self) -> dict[str, str | None]:
        """What is known of the customer and stands for a slot; a name that the author shows to all is no secret."""
        customer, order, author = self.triage.context.customer, self.order, self.message.author
        return {
            "order": order.order_id if order else None,
            "tracking": order.tracking if order else None,
            "customer": order.customer_id if order else None,
            "email": customer.email if customer else None,
            "name": customer.name if customer and customer.name != author.name and " " in (customer.name or "") else None,
        }


@dataclass(frozen=True)
class Injected:
    """A draft's texts with one defect: its kind and the number of its wording."""

    kind: Kind
    number: int
    texts: Texts


@dataclass
class Wordings:
    """All wordings of a language; of those that fit a draft, the one used least is next."""

    language: str
    by_kind: dict[Kind, list[Wording]]
    used: Counter[tuple[Kind, int]] = field(default_factory=Counter)

    def inject(self, kind: Kind, draft: Draft, turn: int) -> Injected | None:
        """The draft with a defect of the kind; None where it can't have one. `turn` decides between both texts."""
        if not _can_have(kind, draft):
            return None
        numbers = sorted(range(len(self.by_kind[kind])), key=lambda number: (self.used[kind, number], number))
        for number in numbers:
            texts = _injected(kind, self.by_kind[kind][number], draft, turn)
            if texts is not None:
                self.used[kind, number] += 1
                return Injected(kind, number, texts)
        return None

    @property
    def unused(self) -> list[str]:
        """Wordings that no draft got."""
        return [
            f"{self.language} {kind} {number}"
            for kind, wordings in self.by_kind.items()
            for number in range(len(wordings))
            if not self.used[kind, number]
        ]


def read_wordings(language: str) -> Wordings:
    """The wordings of a language, by kind; raises KnowledgeNotUsable with file and line."""
    return Wordings(language, read_yaml(FOLDER / f"{language}.yaml", RootModel[dict[Kind, list[Wording]]]).root)


def _can_have(kind: Kind, draft: Draft) -> bool:
    triage, order = draft.triage, draft.order
    assert triage.draft is not None
    if kind == "asks_known":
        return order is not None and bool(triage.draft.order_fields and order.items and order.placed_at)
    if kind == "answers_not":
        answers = bool(triage.draft.citations or triage.draft.order_fields)
        return answers and triage.draft.action == "reply" and triage.understanding.has("information_seeking")
    return True


def _injected(kind: Kind, wording: Wording, draft: Draft, turn: int) -> Texts | None:
    there = [side for side in SIDES if side in draft.texts]
    sides: list[Side]
    if wording.where == "both":
        sides = there
    elif wording.where == "any":
        sides = [there[turn % len(there)]]
        if wording.operation:  # the other text will do where the first has nothing to change
            sides += [side for side in there if side not in sides]
    else:
        sides = [side for side in there if side == wording.where]
    if not sides:
        return None
    if wording.operation:
        for side in sides:
            changed = OPERATIONS[wording.operation](draft.texts[side], side, draft)
            if changed is not None and changed != draft.texts[side]:
                return draft.texts | {side: changed}
        return None
    values = draft.somebody_else if kind == "foreign_data" else draft.own
    if any(not values.get(slot) for slot in _SLOT.findall(wording.text)):
        return None
    sentence = _SLOT.sub(lambda slot: str(values[slot[1]]), wording.text)
    return draft.texts | {side: placed(sentence, draft.texts[side], wording.at) for side in sides}


def placed(sentence: str, text: str, at: str) -> str:
    """The text with one more sentence; greeting and sign-off stay where they are."""
    if at == "instead":
        return sentence
    greeting, paragraphs, closing = _parted(text)
    if at == "end":
        paragraphs[-1] += f" {sentence}"
    else:
        first, *others = sentences_with_gaps(paragraphs[0])
        before, after = ("", paragraphs[0]) if at == "start" else (first.strip(), "".join(others).strip())
        paragraphs[0] = " ".join(part for part in (before, sentence, after) if part)
    return "\n\n".join([*greeting, *paragraphs, *closing])


def _parted(text: str) -> tuple[list[str], list[str], list[str]]:
    """Greeting, paragraphs and sign-off; the first and the last are empty where there is none."""
    paragraphs = text.split("\n\n")
    closing = [paragraphs.pop()] if len(paragraphs) > 1 and TEAM in paragraphs[-1].splitlines()[-1] else []
    greeting = [paragraphs.pop(0)] if len(paragraphs) > 1 and len(paragraphs[0]) <= LONGEST_GREETING else []
    return greeting, paragraphs, closing


def _half(text: str, side: Side, draft: Draft) -> str | None:
    greeting, paragraphs, closing = _parted(text)
    _, others, _ = _parted(draft.another_language.get(side) or draft.another_language["private"])
    own, other = sentences_with_gaps("\n\n".join(paragraphs)), sentences_with_gaps("\n\n".join(others))
    if len(own) < 2:
        return None
    kept, added = "".join(own[: (len(own) + 1) // 2]).strip(), "".join(other[len(other) // 2 :]).strip()
    return "\n\n".join([*greeting, f"{kept} {added}", *closing])


def _whole(text: str, side: Side, draft: Draft) -> str | None:
    return draft.another_language.get(side) or draft.another_language["private"]


def _other_number(text: str, side: Side, draft: Draft) -> str | None:
    months = re.compile(rf" (?:de )?(?:{_MONTHS[draft.language]})", re.IGNORECASE)
    for found in _NUMBER.finditer(text):
        if months.match(text, found.end()) is None:
            return f"{text[: found.start()]}{int(found[0]) + 17}{text[found.end() :]}"
    return None


def _other_date(text: str, side: Side, draft: Draft) -> str | None:
    day = re.compile(rf"\b(\d{{1,2}})(?:er)?(?=\.? (?:de )?(?:{_MONTHS[draft.language]})\b)", re.IGNORECASE)
    return day.sub(lambda found: str((int(found[1]) + 10) % 28 + 1), text, count=1)


def _other_amount(text: str, side: Side, draft: Draft) -> str | None:
    def dearer(found: re.Match[str]) -> str:
        number = found[1] or found[2]
        decimals = len(re.split(r"[.,]", number)[1]) if re.search(r"[.,]", number) else 0
        value = f"{float(number.replace(',', '.')) * 1.37 + 1:.{decimals}f}"
        return found[0].replace(number, value.replace(".", "," if "," in number else "."))

    return _MONEY.sub(dearer, text, count=1)


def _placeholder(text: str, side: Side, draft: Draft) -> str | None:
    customer = draft.triage.context.customer
    name = (draft.message.author.name or (customer.name if customer else None) or "").split(" ")[0]
    return re.sub(rf"\b{re.escape(name)}\b", "{name}", text, count=1) if name else None


OPERATIONS: dict[str, Callable[[str, Side, Draft], str | None]] = {
    "half_of_another_language": _half,
    "whole_of_another_language": _whole,
    "other_number": _other_number,
    "other_date": _other_date,
    "other_amount": _other_amount,
    "name_to_placeholder": _placeholder,
}
