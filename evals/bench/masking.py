"""`make bench-masking`: how much personal data in free text is hidden from a model when no record knows any of it.

A customer's own name, numbers and addresses on record are always hidden (tests/draft/test_writer.py); this measures the rest,
which only patterns can find. The set is third-party, synthetic and not part of the project; `--data` names the folder with
it. Its sentences come from templates, of which those with an even number were looked at when the patterns were written: the
odd ones say what to expect of sentences that nobody has seen.
"""

from __future__ import annotations

import argparse
import json
import sys
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import regex

from evals.bench.figures import aligned
from evals.intervals import wilson
from service.brands import Brand, read_brand
from service.draft.pseudonyms import Pseudonyms
from service.files import shipped
from service.messages import Context, Message
from service.retrieve.folder import read_faqs
from service.understand.examples import read_examples

SET = "pii_presidio_en"
# What names or reaches a person; the other types of the set (places, firms, days, ages, nations, jobs) stay readable on purpose.
PERSONAL = (
    "PERSON", "STREET_ADDRESS", "ZIP_CODE", "PHONE_NUMBER", "EMAIL_ADDRESS", "CREDIT_CARD", "IBAN_CODE", "US_SSN",
    "US_DRIVER_LICENSE", "IP_ADDRESS",
)  # fmt: skip
_WORD = regex.compile(r"[\p{L}\p{N}]+")


@dataclass(frozen=True)
class Text:
    """A sentence in NFC, its spans (start, end, type) and the places that are hidden."""

    template: int
    text: str
    spans: tuple[tuple[int, int, str], ...]
    hidden: tuple[tuple[int, int], ...]

    def share(self, start: int, end: int) -> float:
        """Share of the letters and digits from `start` to `end` that are hidden."""
        places = [at for at in range(start, end) if self.text[at].isalnum()]
        return sum(any(a <= at < b for a, b in self.hidden) for at in places) / max(len(places), 1)


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(prog="python -m evals.bench.masking", description="What is hidden of unknown persons.")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="folder of the set, JSON Lines")
    parser.add_argument("--missed", type=Path, help="where sentences with something left go, JSON Lines, to be read and not kept")
    given = parser.parse_args()
    path = given.data / f"{SET}.jsonl"
    if not path.exists():
        sys.stdout.write(f"{SET}: not measured, {path} is not there\n")
        return
    texts = [read(json.loads(line)) for line in path.read_text(encoding="utf-8").split("\n") if line.strip()]
    sys.stdout.write(aligned(table(texts)) + "\n\n" + aligned(ours()) + "\n")
    if given.missed is not None:
        given.missed.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in missed(texts)), encoding="utf-8")


def read(record: dict[str, Any]) -> Text:
    """A record with what is hidden in it, as in a message of a stranger."""
    original = str(record["text"])
    text = unicodedata.normalize("NFC", original)

    def moved(at: int) -> int:
        return len(unicodedata.normalize("NFC", original[:at]))

    masked = Pseudonyms(Message(text="-"), Context(), _demo())
    spans = tuple((moved(start), moved(end), str(kind)) for start, end, kind, _ in record["spans"])
    return Text(int(record["extra"]["template_id"]), text, spans, tuple((a, b) for _, a, b in masked.found(text)))


@cache
def _demo() -> Brand:
    return read_brand("demo", shipped("knowledge/demo"))


def table(texts: Sequence[Text]) -> list[tuple[str, ...]]:
    """Lines: of each type its count, the share hidden whole, with its interval, and in part; last the words hidden by mistake."""
    unseen = [text for text in texts if text.template % 2]
    lines: list[tuple[str, ...]] = [("type", "n", "hidden", "95 % interval", "in part", "unseen templates: n", "hidden")]
    kinds = {kind for text in texts for _, _, kind in text.spans}
    for kind in (*PERSONAL, *sorted(kinds - set(PERSONAL))):
        shares, others = list(_shares(texts, kind)), list(_shares(unseen, kind))
        whole = sum(share == 1 for share in shares)
        low, high = wilson(whole, len(shares))
        part = sum(0 < share < 1 for share in shares) / max(len(shares), 1)
        cells = (str(len(shares)), f"{whole / max(len(shares), 1):.3f}", f"{low:.3f} to {high:.3f}", f"{part:.3f}")
        name = kind if kind in PERSONAL else f"({kind})"
        lines.append((name, *cells, str(len(others)), f"{sum(share == 1 for share in others) / max(len(others), 1):.3f}"))
    plain, hidden = _words(texts)
    low, high = wilson(hidden, plain)
    others_plain, others_hidden = _words(unseen)
    cells = (str(plain), f"{hidden / plain:.4f}", f"{low:.4f} to {high:.4f}", "")
    return [*lines, ("words of no type", *cells, str(others_plain), f"{others_hidden / max(others_plain, 1):.4f}")]


def _shares(texts: Iterable[Text], kind: str) -> Iterable[float]:
    return (text.share(start, end) for text in texts for start, end, found in text.spans if found == kind)


def _words(texts: Iterable[Text]) -> tuple[int, int]:
    """Words outside every span, and how many of them are hidden, were it in part."""
    plain = hidden = 0
    for text in texts:
        for found in _WORD.finditer(text.text):
            if all(found.end() <= start or end <= found.start() for start, end, _ in text.spans):
                plain += 1
                hidden += text.share(*found.span()) > 0
    return plain, hidden


def ours() -> list[tuple[str, ...]]:
    """Lines: of each language, the words of our FAQs and labelled messages that are hidden; these name few people."""
    lines: list[tuple[str, ...]] = [("demo texts", "words", "hidden", "most often")]
    masked = Pseudonyms(Message(text="-"), Context(), _demo())
    given = [(faq.language, faq.answer) for faq in read_faqs(shipped("knowledge/demo"))]
    given += [(example.language, example.text) for example in read_examples([shipped("knowledge/examples")])]
    for language in _demo().identity.languages:
        texts = [unicodedata.normalize("NFC", text) for code, text in given if code == language]
        hidden = [text[start:end] for text in texts for _, start, end in masked.found(text)]
        words = sum(len(_WORD.findall(text)) for text in texts)
        most = ", ".join(f"{value!r} {count}" for value, count in Counter(hidden).most_common(3))
        lines.append((language, str(words), f"{sum(len(_WORD.findall(value)) for value in hidden) / words:.4f}", most))
    return lines


def missed(texts: Iterable[Text]) -> Iterable[dict[str, Any]]:
    """What was left readable of persons and what was hidden by mistake, in sentences of templates that may be looked at."""
    for text in texts:
        left = [text.text[start:end] for start, end, kind in text.spans if kind in PERSONAL and text.share(start, end) < 1]
        wrong = [text.text[a:b] for a, b in text.hidden if not any(s < b and a < e for s, e, _ in text.spans)]
        if (left or wrong) and text.template % 2 == 0:
            yield {"template": text.template, "text": text.text, "left": left, "wrong": wrong}


if __name__ == "__main__":
    main()
