"""The desk's words: words/LANGUAGE/PAGE.yaml, read once; and times and numbers as they are written in a language."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import cache, lru_cache
from pathlib import Path
from string import Formatter
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, format_datetime, format_time, format_timedelta
from babel.numbers import format_currency, format_decimal, format_percent
from pydantic import RootModel

from service.errors import KnowledgeNotUsable
from service.yaml_files import read_yaml

FOLDER = Path(__file__).parent / "words"
LANGUAGES = {"en": "English", "de": "Deutsch", "nl": "Nederlands", "sv": "Svenska"}
DEFAULT = "en"
_LOCALES = {"en": "en_GB"} | {code: code for code in ("de", "nl", "sv")}  # days before months, 24 hours, as in the others


class _File(RootModel[dict[str, str]]):
    """A page's words in one language by dotted key."""


@cache
def words_by_language() -> dict[str, dict[str, str]]:
    """All words; raises KnowledgeNotUsable where languages differ in keys or in what is filled in."""
    found: dict[str, dict[str, str]] = {}
    for language in LANGUAGES:
        words = found[language] = {}
        for path in sorted((FOLDER / language).glob("*.yaml")):
            for key, text in read_yaml(path, _File).root.items():
                if key in words:
                    raise KnowledgeNotUsable(f"{path}: the key {key} is in another file too: name it after its page")
                words[key] = text
    for language, words in found.items():
        if differ := set(words) ^ set(found[DEFAULT]):
            raise KnowledgeNotUsable(f"{FOLDER / language}: {sorted(differ)[0]} is not in every language of the desk")
        for key, text in words.items():
            if placeholders(text) != placeholders(found[DEFAULT][key]):
                raise KnowledgeNotUsable(f"{FOLDER / language}: {key} has other {{placeholders}} than in {DEFAULT}")
    return found


def placeholders(text: str) -> set[str]:
    """What is filled into a text."""
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


@dataclass(frozen=True)
class Words:
    """The words, times and numbers of one language, times as they are in `zone`."""

    language: str
    zone: tzinfo = UTC

    def has(self, key: str) -> bool:
        """Whether there is such a text."""
        return key in words_by_language()[self.language]

    def text(self, key: str, **values: object) -> str:
        """A text with its values; `count` chooses between KEY.one and KEY.other as the language does. Raises KeyError."""
        words: Mapping[str, str] = words_by_language()[self.language]
        if "count" in values and key not in words:
            key = f"{key}.{Locale.parse(self._locale).plural_form(values['count'])}"
        shown = {name: self.number(value) if isinstance(value, int | float) else value for name, value in values.items()}
        return words[key].format_map(shown)

    def number(self, value: float) -> str:
        """1,234 or 1.234."""
        return str(format_decimal(value, locale=self._locale))

    def percent(self, share: float) -> str:
        """37 % of a share of 0.37."""
        return str(format_percent(share, locale=self._locale))

    def money(self, amount: float, currency: str) -> str:
        """€1,234.50 or 1.234,50 €."""
        return str(format_currency(amount, currency, locale=self._locale))

    def moment(self, at: datetime) -> str:
        """Day and time."""
        return str(format_datetime(at, "d MMM y HH:mm", tzinfo=self.zone, locale=self._locale))

    def day(self, at: datetime) -> str:
        """The day alone."""
        return str(format_date(at.astimezone(self.zone), "medium", locale=self._locale))

    def iso_day(self, day: str) -> str:
        """A day that is given as 2026-11-22; whatever else is given, as it is."""
        try:
            return str(format_date(date.fromisoformat(day[:10]), "medium", locale=self._locale))
        except ValueError:
            return day

    def clock(self, at: datetime) -> str:
        """The time of day alone."""
        return str(format_time(at, "HH:mm", tzinfo=self.zone, locale=self._locale))

    def relative(self, at: datetime, now: datetime | None = None) -> str:
        """How far from now, such as "in 2 hours" or "5 minutes ago"."""
        apart = at - (now or datetime.now(UTC))
        return str(format_timedelta(apart, add_direction=True, threshold=1.2, locale=self._locale))

    def span(self, apart: timedelta) -> str:
        """How long, such as "2 hours"."""
        return str(format_timedelta(apart, threshold=1.2, locale=self._locale))

    def seconds(self, seconds: float) -> str:
        """How long in the largest unit, such as "2 hours", of a number of seconds."""
        return self.span(timedelta(seconds=seconds))

    @property
    def _locale(self) -> str:
        return _LOCALES[self.language]


def language_of(cookie: str | None, accepted: str) -> str:
    """The language chosen in the cookie, else the best of an Accept-Language header, else English."""
    if cookie in LANGUAGES:
        return cookie
    best, best_quality = DEFAULT, 0.0
    for part in accepted.split(",")[:20]:
        name, _, quality = part.strip().partition(";q=")
        code = name.split("-")[0].lower()
        try:
            weight = float(quality or 1)
        except ValueError:
            continue
        if code in LANGUAGES and weight > best_quality:
            best, best_quality = code, weight
    return best


@lru_cache(maxsize=100)
def words_in(language: str, zone: str = "UTC") -> Words:
    """The words of a language and a time zone by its IANA name."""
    return Words(language, ZoneInfo(zone))
