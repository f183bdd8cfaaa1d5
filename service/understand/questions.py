"""Which sentences of a message ask something: those with a question mark, and those that begin as a question does."""

from __future__ import annotations

import re
from functools import cache

from pydantic import RootModel

from service.files import shipped
from service.yaml_files import read_yaml

BEFORE = "before"
LEAST_WORDS = 3  # of a sentence without a question mark
_MARK = re.compile("[?？؟]")


class _Openers(RootModel[dict[str, str | list[str]]]):
    """Patterns by language, and the words that may stand before them."""


def asks(sentence: str) -> bool:
    """Whether the sentence asks something, in any of the languages that have openers."""
    if _MARK.search(sentence):
        return True
    plain = sentence.strip()
    return not plain.endswith("!") and len(plain.split()) >= LEAST_WORDS and _opening().match(plain) is not None


@cache
def _opening() -> re.Pattern[str]:
    read = read_yaml(shipped("knowledge/question_openers.yaml"), _Openers).root
    openers = "|".join(f"(?:{pattern})" for name, patterns in read.items() if name != BEFORE for pattern in patterns)
    return re.compile(rf"\W*(?:(?:{read[BEFORE]})\b[\s,:]*){{0,2}}(?:{openers})", re.IGNORECASE)
