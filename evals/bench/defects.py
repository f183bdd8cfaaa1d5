"""`make bench-defects`: how much of what a bad model may write the checks refuse, with one defect in a draft that passes.

300 drafts, 50 a language, that the composer made of real cases of the suites (all but `checks`) and of the demo's own questions,
and that pass as a model's answer. Each gets one defect of each kind it can have, and goes through the whole pipeline again as
what a model answered. The control is the drafts as they are. Refused for its length alone counts as missed. The same each time.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

from evals.bench.figures import aligned
from evals.bench.injections import KINDS, LANGUAGES, SIDES, Draft, Injected, Kind, Texts, read_wordings
from evals.cases import Case, Fixture
from evals.suites import SuiteCase, find_suite, read_suite, shipped_suites
from evals.targets import Target, in_process
from service.files import shipped
from service.messages import Message, Triage
from service.retrieve.folder import read_faqs
from service.settings import read_settings

DAY = date(2026, 11, 22)
RECEIVED_AT = "2026-11-22T09:00:00Z"
A_LANGUAGE = 50
A_CELL = 25  # twice what is needed where there are enough of all four
SEED = 20261127
CHANNELS = ("instagram", "whatsapp", "facebook", "email", "x", "messenger", "google_review", "webchat", "sms", "tiktok")
LENGTH = "within_limit"
NO_WRITER = "no writer"
FACTS, PROMISES = "facts_cited", "no_invented_promise"
OWN_CHECKS: dict[Kind, tuple[str, ...]] = {  # those that are there for the kind
    "wrong_language": ("language",),
    "invented_number": (FACTS,),
    "invented_date": (FACTS, PROMISES),
    "invented_amount": (FACTS, PROMISES),
    "invented_link": ("only_known_links",),
    "invented_promise": (PROMISES,),
    "beyond_terms": (PROMISES, FACTS),
    "personal_data_in_public": ("no_personal_data_in_public",),
    "foreign_data": ("no_foreign_data", "no_foreign_order"),
    "forbidden_or_profane": ("no_forbidden_phrase",),
    "placeholder_or_markup": ("no_placeholder", "no_markup"),
    "human_claim": ("no_human_claim",),
    "asks_known": ("asks_nothing_known",),
    "answers_not": ("answers_each_question",),
}
Cell = tuple[bool, bool]  # whether the draft tells of an order, whether it has a public text


@dataclass(frozen=True)
class Result:
    """What became of a draft with a defect: the names of the checks that refused it."""

    draft: Draft
    injected: Injected
    refused_by: tuple[str, ...]

    @property
    def caught(self) -> bool:
        """Whether it was refused for more than its length."""
        return any(name != LENGTH for name in self.refused_by)

    @property
    def by_its_own(self) -> bool:
        """Whether a check that is there for the kind refused it."""
        return any(name in OWN_CHECKS[self.injected.kind] for name in self.refused_by)


def candidates() -> Iterator[SuiteCase]:
    """Cases of the suites and questions of the demo, every other one by a customer with orders."""
    for name in shipped_suites():
        if name != "checks":
            yield from (case for case in read_suite(find_suite(name)).cases if not case.case.skip and not _written(case))
    folder = shipped("knowledge/demo")
    orders = {line["customer_id"] for line in _lines(folder / "orders.jsonl")}
    customers = defaultdict(list)
    for line in _lines(folder / "customers.jsonl"):
        if line["customer_id"] in orders:
            customers[line["language"]].append(line)
    number = 0
    for faq in read_faqs(folder):
        for question in faq.questions:
            whose = customers[faq.language]
            who = whose[number // 2 % len(whose)] if number % 2 else None
            author = {"customer_id": who["customer_id"], "handle": f"@asks{number}"} if who else {"handle": f"@asks{number}"}
            yield _asked(f"demo-{faq.language}-{number}", question, CHANNELS[number % len(CHANNELS)], author)
            number += 1


def _asked(name: str, text: str, channel: str, author: dict[str, str]) -> SuiteCase:
    message = Message.model_validate({"text": text, "channel": channel, "author": author, "received_at": RECEIVED_AT})
    return SuiteCase("demo", Path("demo"), Case(name=name, inputs={"text": text}), message)


def _lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line]


def _written(case: SuiteCase) -> bool:
    return case.case.fixture is not None and case.case.fixture.written is not None


async def passing(target: Target, cases: dict[str, SuiteCase]) -> list[Draft]:
    """Drafts that pass, 50 a language, of each cell as many where there are; by language."""
    others = _customers()
    cells: dict[str, dict[Cell, list[Draft]]] = {language: defaultdict(list) for language in LANGUAGES}
    for name in random.Random(SEED).sample(sorted(cases), len(cases)):
        if all(len(found) == 4 and min(map(len, found.values())) == A_CELL for found in cells.values()):
            break
        triage = await target.triage(cases[name])
        draft = triage.draft
        if draft is None or draft.language not in cells or draft.macro or any(not check.passed for check in draft.checks):
            continue
        kept = cells[draft.language][bool(draft.order_fields), draft.public is not None]
        texts: Texts = {side: text.text for side in SIDES if (text := getattr(draft, side)) is not None}
        if len(kept) == A_CELL or "private" not in texts:
            continue
        if not await refusals(target, cases[name], triage, texts):
            kept.append(Draft(name, cases[name].message, triage, texts, _other(others, triage, len(kept))))
    return [draft for language in LANGUAGES for draft in _chosen(cells[language])]


def _chosen(cells: dict[Cell, list[Draft]]) -> list[Draft]:
    """One of each cell in turn, until there are enough."""
    found: list[Draft] = []
    for at in range(A_CELL):
        found += [cells[cell][at] for cell in sorted(cells) if at < len(cells[cell])]
    return found[:A_LANGUAGE]


def _customers() -> dict[str, list[dict[str, str]]]:
    folder = shipped("knowledge/demo")
    tracked = {line["customer_id"]: line for line in _lines(folder / "orders.jsonl") if line["tracking"]}
    found = defaultdict(list)
    for who in _lines(folder / "customers.jsonl"):
        if order := tracked.get(who["customer_id"]):
            found[who["language"]].append({
                "order": order["order_id"], "tracking": order["tracking"], "customer": who["customer_id"],
                "email": who["email"], "name": who["name"],
            })  # fmt: skip
    return found


def _other(customers: dict[str, list[dict[str, str]]], triage: Triage, turn: int) -> dict[str, str]:
    assert triage.draft is not None
    own = triage.context.customer
    there = [who for who in customers[triage.draft.language] if own is None or who["customer"] != own.customer_id]
    return there[turn % len(there)]


class NotRead(Exception):
    """An answer was not taken as a model's, so that no check saw it."""


async def refusals(target: Target, case: SuiteCase, made: Triage, texts: Texts, *, claims: bool = True) -> tuple[str, ...]:
    """The checks that refuse these texts as a model's answer, with the sources that the draft `made` cites; none: it passes.

    NO_WRITER alone says that the draft is none that a model may write.
    """
    draft = made.draft
    assert draft is not None
    cited = [{"text": one.quote, "source": one.source} for one in draft.citations]
    cited += [{"text": name, "source": name} for name in draft.order_fields]
    answer = {"action": draft.action, "public": texts.get("public"), "private": texts["private"]}
    fixture = (case.case.fixture or Fixture()).model_copy(update={"written": answer | {"claims": cited if claims else []}})
    written = await target.triage(replace(case, case=case.case.model_copy(update={"fixture": fixture})))
    assert written.draft is not None
    failed = tuple(check.check for check in written.draft.checks if not check.passed)
    if written.draft.engine == "composer" and not failed:
        return (NO_WRITER,)
    return failed


async def measured() -> tuple[list[Draft], list[Result], int, list[str]]:
    """The drafts, what became of each with a defect, how many pass as they are, and the wordings that no draft got."""
    cases = {f"{case.suite}/{case.case.name}": case for case in candidates()}
    wordings = {language: read_wordings(language) for language in LANGUAGES}
    results: list[Result] = []
    async with in_process(read_settings(), DAY) as target:
        drafts = with_another_language(await passing(target, cases))
        control = 0
        for turn, draft in enumerate(drafts):
            control += not await refusals(target, cases[draft.name], draft.triage, draft.texts)
            for kind in KINDS:
                injected = wordings[draft.language].inject(kind, draft, turn)
                if injected is None:
                    continue
                says_nothing = kind == "answers_not"
                names = await refusals(target, cases[draft.name], draft.triage, injected.texts, claims=not says_nothing)
                results.append(Result(draft, injected, names))
    unread = [result for result in results if NO_WRITER in result.refused_by]
    if unread:
        raise NotRead(f"{len(unread)} answers were not read, the first of {unread[0].draft.name}: {unread[0].injected}")
    return drafts, results, control, [name for one in wordings.values() for name in one.unused]


def with_another_language(drafts: list[Draft]) -> list[Draft]:
    """Each draft with one of the next language that holds nothing of an order or a customer."""
    neutral = {
        language: [d for d in drafts if d.language == language and not d.triage.context.orders and not d.triage.context.customer]
        for language in LANGUAGES
    }
    found = []
    for turn, draft in enumerate(drafts):
        there = [language for language in LANGUAGES if language != draft.language]
        others = neutral[there[turn % len(there)]]
        found.append(replace(draft, another_language=others[turn % len(others)].texts))
    return found


def tables(results: list[Result]) -> str:
    """Caught of injected by kind and language, and by which checks."""
    rows = [("kind", *LANGUAGES, "caught", "%", "by its own check, %")]
    for kind in (*KINDS, "all"):
        of_kind = [result for result in results if kind in (result.injected.kind, "all")]
        cells = [_share([result for result in of_kind if result.draft.language == language]) for language in LANGUAGES]
        caught, own = (100 * sum(flags) / len(of_kind) for flags in _flags(of_kind))
        rows.append((kind, *cells, _share(of_kind), f"{caught:.1f}", f"{own:.1f}"))
    reported = [("kind", "refused by")]
    for kind in KINDS:
        names = Counter(name for result in results if result.injected.kind == kind for name in result.refused_by)
        reported.append((kind, ", ".join(f"{name} {count}" for name, count in names.most_common())))
    return f"{aligned(rows)}\n\n{aligned(reported)}"


def _flags(results: list[Result]) -> tuple[list[bool], list[bool]]:
    return [result.caught for result in results], [result.by_its_own for result in results]


def _share(results: list[Result]) -> str:
    return f"{sum(result.caught for result in results)}/{len(results)}"


def missed(results: list[Result]) -> str:
    """Of each wording that was ever missed: language, kind, number, how often of how many."""
    tried: Counter[tuple[str, str, int]] = Counter()
    lost: Counter[tuple[str, str, int]] = Counter()
    for result in results:
        key = (result.injected.kind, result.draft.language, result.injected.number)
        tried[key] += 1
        lost[key] += not result.caught
    return "\n".join(f"{' '.join(map(str, key))}: {lost[key]} of {tried[key]}" for key in sorted(lost) if lost[key])


def main() -> None:
    """Prints the tables."""
    parser = argparse.ArgumentParser(prog="python -m evals.bench.defects", description="One defect in a draft that passes.")
    parser.add_argument("--missed", action="store_true", help="list the wordings that were missed, by number")
    given = parser.parse_args()
    drafts, results, control, unused = asyncio.run(measured())
    told, public = (
        sum(bool(d.triage.draft and d.triage.draft.order_fields) for d in drafts),
        sum("public" in d.texts for d in drafts),
    )
    print(f"{len(drafts)} drafts, {told} tell of an order, {public} have a public text; unchanged, {control} pass")
    print(f"{len(results)} drafts with one defect; wordings that no draft got: {', '.join(unused) or 'none'}\n")
    print(tables(results))
    if given.missed:
        print(f"\n{missed(results)}")
    sys.exit(control != len(drafts))


if __name__ == "__main__":
    main()
