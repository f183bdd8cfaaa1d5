"""Every check on a draft, in one list."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from service.draft.channels import rules_of
from service.draft.checks.cited import uncited
from service.draft.checks.forbidden import forbidden, human_claims, undisclosed
from service.draft.checks.links import foreign_links
from service.draft.checks.made import Made
from service.draft.checks.markup import markup, placeholders
from service.draft.checks.personal import foreign_data, foreign_orders, personal
from service.draft.checks.promises import invented
from service.draft.checks.questions import asks_known, unanswered, unfitting
from service.draft.checks.tongues import foreign, in_another_language, without_names
from service.messages import Check, DraftText

MOST_TOLD = 3  # problems that a check's detail names
_OfText = Callable[[str, Made], Iterable[str]]
# Those that look at one text, whichever it is; each finds in one sentence what it would find in the whole.
_BY_SENTENCE: dict[str, _OfText] = {
    "facts_cited": uncited,
    "no_invented_promise": invented,
    "only_known_links": foreign_links,
    "no_foreign_order": foreign_orders,
    "no_foreign_data": foreign_data,
    "no_forbidden_phrase": forbidden,
    "no_human_claim": human_claims,
    "asks_nothing_known": asks_known,
}
NAMES = (
    "language", "within_limit", "no_personal_data_in_public", "facts_cited", "no_invented_promise", "only_known_links",
    "no_foreign_order", "no_foreign_data", "no_forbidden_phrase", "no_markup", "no_placeholder", "no_human_claim", "disclosed",
    "answers_each_question", "asks_nothing_known", "action_fits", "not_empty",
)  # fmt: skip
_PASSED = {name: Check(check=name, passed=True) for name in NAMES}


def check(made: Made) -> tuple[Check, ...]:
    """Every check on both texts, in the order of NAMES."""
    texts = made.texts
    full = made.private or made.public  # the one that has to answer in full
    found: dict[str, list[str]] = {
        "language": [problem for text in texts for problem in in_another_language(text, made)],
        "within_limit": [f"{t.length} of {t.limit} {t.unit}" for t in texts if t.limit and t.length > t.limit],
        "no_personal_data_in_public": personal(made.public.text, made) if made.public else [],
        "no_markup": [problem for text in texts for problem in markup(text, rendered=_rendered(made))],
        "no_placeholder": [problem for text in texts for problem in placeholders(text.text)],
        "disclosed": [problem for text in texts for problem in undisclosed(text.text, made)],
        "answers_each_question": unanswered(full, made) if full else [],
        "action_fits": [
            problem
            for text in (texts if made.action == "handoff" else [full] if full else [])
            for problem in unfitting(text.text, made)
        ],
        "not_empty": ["a text is empty" for text in texts if not text.text.strip()],
    }
    found |= {name: [problem for text in texts for problem in of(text.text, made)] for name, of in _BY_SENTENCE.items()}
    return tuple(_result(name, found[name]) for name in NAMES)


def problems_of_sentence(sentence: str, *, public: bool, made: Made) -> list[str]:
    """What is wrong with one sentence of a draft that is still being written: every check that needs no more than that."""
    said = without_names(sentence, made)
    text = DraftText(text=sentence, length=len(sentence), limit=None, unit="chars")
    found: dict[str, list[str]] = {
        "language": [problem for problem in (foreign(said, made),) if problem],
        "no_personal_data_in_public": personal(sentence, made) if public else [],
        "no_markup": markup(text, rendered=_rendered(made)),
        "no_placeholder": placeholders(sentence),
    }
    found |= {name: list(of(sentence, made)) for name, of in _BY_SENTENCE.items()}
    return [f"{name}: {problem}" for name, problems in found.items() for problem in dict.fromkeys(problems)]


def _rendered(made: Made) -> bool:
    return rules_of(made.message.channel).markdown


def _result(name: str, problems: list[str]) -> Check:
    told = list(dict.fromkeys(problems))
    return Check(check=name, passed=False, detail="; ".join(told[:MOST_TOLD]) or None) if told else _PASSED[name]
