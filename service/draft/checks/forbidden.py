"""no_forbidden_phrase: what no draft says. no_human_claim: nobody is said to have written it who did not."""

from __future__ import annotations

import re

from service.draft.checks.made import Made, bare
from service.draft.checks.names import NOUNS_HAVE_CAPITALS, knows
from service.draft.checks.wording import names, plain, sentences_of, stands_in, without_labels, words_of

_SAYS = {
    "profanity": "an oath", "blame": "blames the customer", "machine": "words of a model about itself or its task",
    "liability": "admits liability",
}  # fmt: skip
_FIRMS = ("carriers", "payments", "shops")
MOST_CLOSING = 6  # words of a closing line
# "LG Marco", "Best, Sarah", "– Marta, customer care"
_ENDING = re.compile(
    r"^(?P<closing>[^\n]*?)(?:[,–—/-]\s?|\s)(?P<name>[^\W\d_a-z][\w'’.-]*(?:\s[^\W\d_a-z][\w'’.-]*)?(?:,[^,]{2,40})?)$"
)
_QUOTED = re.compile(r"[\"“„«]([^\"“”„«»]{2,80})[\"”“»]")
_ROLE = re.compile(r"[,(]")
_OF_TEAM = re.compile(
    r"^(?P<who>[^\W\d_a-z][\w'’-]+)\s(?:from|of|at|van|von|aus|vom|från|på|de|du|del)\s"
)  # "Kim from customer care"
_SIGNED = re.compile(r"^[^\W\d_][\w'’.-]*(?:\s[^\W\d_][\w'’.-]*){0,2}$")


def forbidden(text: str, made: Made) -> list[str]:
    """Phrases of the brand's list and of the language's. What stands approved is not looked at, save for the brand's list."""
    said = plain(text)
    listed = [
        phrase for phrase in made.brand.voice(made.language).never_say if stands_in(plain(phrase).casefold(), said.casefold())
    ]
    problems = [f"“{phrase}” is never said" for phrase in listed]
    for sentence in sentences_of(said):
        if bare(sentence) in made.approved_sentences:
            continue
        for kind, pattern in made.words.forbidden.items():
            if kind == "machine" or not _about_something_else(sentence, made):
                if (found := pattern.search(sentence)) is not None and found[0].casefold() not in made.sources.casefold():
                    problems.append(f"{_SAYS.get(kind, kind)}: “{found[0]}”")
        if made.language != "en" and (found := words_of("en").forbidden["machine"].search(sentence)) is not None:
            problems.append(f"{_SAYS['machine']}: “{found[0]}”")
    return list(dict.fromkeys(problems))


def human_claims(text: str, made: Made) -> list[str]:
    """Words that say a human writes this, and names of people who are said to answer."""
    said = plain(text)
    problems: list[str] = []
    for sentence in sentences_of(said):
        if bare(sentence) in made.approved_sentences:
            continue
        asked_for = made.plan.kind == "human" and made.words.hands_over.search(sentence) is not None
        if not asked_for and (found := made.words.human.search(sentence)) is not None:
            problems.append(f"“{found[0]}”")
        elif (alone := made.words.singular.search(without_labels(_QUOTED.sub(" ", sentence)))) is not None:
            problems.append(f"“{alone[0]}”: a team writes")
        for pattern in made.words.named_human:
            for found in pattern.finditer(sentence):
                who = next((name for name in found.groupdict().values() if name), None)
                if who is not None and _a_person(who, sentence, found.start(), made):
                    problems.append(f"names {who}")
    return list(dict.fromkeys(problems + _signed(said, made)))


def _a_person(word: str, sentence: str, at: int, made: Made) -> bool:
    """Whether a word with a capital names somebody: by the list, or where nothing else gives it a capital."""
    if word in names()["people"]:
        return not knows(word, made)
    if made.words.closings.fullmatch(word) or knows(word, made) or any(word in names()[kind] for kind in _FIRMS):
        return False
    starts = sentence.find(word) == 0
    return not starts and not (made.language in NOUNS_HAVE_CAPITALS and at == sentence.find(word))


def undisclosed(text: str, made: Made) -> list[str]:
    """Whether the sentence is missing that the brand wants in every draft."""
    disclosure = made.brand.voice(made.language).disclosure
    return ["the brand's disclosure is missing"] if disclosure and bare(disclosure) not in bare(text) else []


def _signed(text: str, made: Made) -> list[str]:
    """A person's name in the place of the team's: below a closing line, after its words, or after a dash."""
    lines = [line.strip() for line in text.strip().splitlines() if line.strip()]
    if disclosure := made.brand.voice(made.language).disclosure:
        lines = [line for line in lines if bare(line) != bare(disclosure)]
    if not lines:
        return []
    last = lines[-1].rstrip(".!,")
    if (ending := _ENDING.search(sentences_of(last)[-1] if sentences_of(last) else last)) is not None:
        closing, name = ending["closing"], ending["name"]
        if (made.words.closings.search(closing) and len(closing.split()) <= MOST_CLOSING) or (not closing and len(lines) > 1):
            last, lines = name, [*lines[:-1], closing, name]
    of_team = _OF_TEAM.match(last)
    if (
        of_team is not None
        and len(last.split()) <= MOST_CLOSING
        and of_team["who"] in names()["people"]
        and not knows(of_team["who"], made)
    ):
        return [f"signed by {of_team['who']}"]
    if len(lines) < 2 or not (made.words.closings.search(lines[-2]) or not lines[-2]) or len(lines[-2].split()) > MOST_CLOSING:
        return []
    last = _ROLE.split(last)[0].strip()
    if (one := _OF_TEAM.match(last)) is not None and _is_nobodys(one["who"], made):
        last = one["who"]
    if not _SIGNED.match(last) or not last[0].isupper():
        return []
    if all(knows(part, made) for part in last.split() if part[0].isupper()) and last.split()[0] not in names()["people"]:
        return []
    customer = made.context.customer.name if made.context.customer else made.message.author.name
    return [f"signed by {last}"] if bare(last) not in bare(made.brand.voice(made.language).team) or last == customer else []


def _is_nobodys(word: str, made: Made) -> bool:
    """Whether a word before "from our team" is a name that no source has; of German nouns only the list tells."""
    return word in names()["people"] or (made.language not in NOUNS_HAVE_CAPITALS and not knows(word, made))


def _about_something_else(sentence: str, made: Made) -> bool:
    """An oath or a word of blame that the customer said may be said back in quotes."""
    quotes = _QUOTED.findall(sentence)
    return bool(quotes) and all(quote.casefold() in made.said.casefold() for quote in quotes)
