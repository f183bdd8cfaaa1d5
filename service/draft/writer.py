"""The writer: a draft by a language model, from the same facts as the composer's and past the same checks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Collection, Iterator, Mapping
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from service.draft.brief import APPROVED, INPUTS, Brief
from service.draft.channels import Limit, measured, rules_of, spelt
from service.draft.checks import Made, check, problems_of_sentence
from service.draft.deltas import SIDES, Growing, Side, deltas_of
from service.draft.disclosure import disclosed
from service.draft.pseudonyms import Pseudonyms
from service.llm.prompts import Prompt, PromptFile
from service.llm.provider import Provider, WriterUnavailable
from service.messages import Action, Alternative, Check, Citation, Delta, Draft, DraftText

REPLY = "reply"
PROMPTS: Mapping[str, frozenset[str]] = {  # ids with the inputs that are filled in
    REPLY: INPUTS,
    "translation": frozenset({"language", "message", "fence"}),
    "image": frozenset({"language"}),
}
LEAST_SECONDS = 0.5  # of a deadline that must be left for a second try to make sense
MOST_PROBLEMS = 8  # told to the model at once
# What a model writes for somebody in danger is not sent: these have approved words alone. So has what a macro answers.
APPROVED_ONLY = frozenset({"self_harm", "hurt", "safety", "fraud", "harassment", "privacy", "legal"})
_MOST = 12_000  # characters of a text, a little over the longest a channel takes


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Claim(_Strict):
    """A statement of fact with the id of what it rests on."""

    text: Annotated[str, Field(max_length=2_000)]
    source: Annotated[str, Field(max_length=500)]


class Other(_Strict):
    """Another wording."""

    public: Annotated[str, Field(max_length=_MOST)] | None
    private: Annotated[str, Field(max_length=_MOST)]


class Written(_Strict):
    """The answer of a model to the prompt `reply`."""

    action: Literal["reply", "ask", "handoff"]
    public: Annotated[str, Field(max_length=_MOST)] | None
    private: Annotated[str, Field(max_length=_MOST)]
    claims: Annotated[list[Claim], Field(max_length=40)]
    alternatives: Annotated[list[Other], Field(max_length=3)] = []


def schema() -> dict[str, Any]:
    """The JSON schema of `Written` in the form strict servers ask for: every property required, none further, no default."""
    made = Written.model_json_schema()
    for part in (made, *made.get("$defs", {}).values()):
        part["required"] = list(part["properties"])
        for field in part["properties"].values():
            for bound in ("default", "maxLength", "maxItems", "title"):
                field.pop(bound, None)
            for one in field.get("anyOf", ()):
                one.pop("maxLength", None)
        part.pop("title", None)
        part.pop("description", None)
    return made


@dataclass(frozen=True)
class NotWritten:
    """Why there is no draft by the writer: a warning for the draft that stands in, and the checks that failed."""

    warning: str
    checks: tuple[Check, ...] = ()


@dataclass(frozen=True)
class Writer:
    """A provider with one brand's prompts."""

    provider: Provider
    prompts: Mapping[str, PromptFile]
    seconds: float  # from the first byte of a call to the last one of its repair
    sees: bool = False  # whether the model is shown pictures
    media_hosts: frozenset[str] = frozenset()  # hosts of voice notes that may be private ones

    @property
    def version(self) -> str:
        """Names the prompt that replies are written by."""
        return self.prompts[REPLY].version

    async def write(self, brief: Brief, *, streamed: bool = False) -> AsyncGenerator[Delta | Draft | NotWritten, None]:
        """A draft that passed every check, repaired once where the first did not; else why there is none.

        `streamed`: before it come its sentences as they are written, each checked; a reset takes back what came.
        """
        deadline = asyncio.get_running_loop().time() + self.seconds
        masked = Pseudonyms(brief.message, brief.context, brief.brand)
        prompt = self.prompt(brief, masked)
        given = False
        try:
            if streamed:
                growing, problems = Growing(), list[str]()
                async for delta in self._streamed(prompt, brief, masked, deadline, growing, problems):
                    given = True
                    yield delta
                text = growing.answer
                read = Attempt(None, tuple(problems)) if problems else attempt(brief, masked, text)
                for delta in _ending(brief, read):
                    yield delta
            else:
                text = (await self.provider.complete(prompt, brand=brief.brand.name, deadline=deadline)).text
                read = attempt(brief, masked, text)
            if read.problems and deadline - asyncio.get_running_loop().time() >= LEAST_SECONDS:
                if given:
                    yield Delta(reset=True)
                read = await self._repaired(prompt.then(text, correction(read.problems)), brief, masked, deadline, read)
                if given and read.draft is not None:
                    for delta in deltas_of(read.draft):
                        yield delta
        except WriterUnavailable:
            if given:
                yield Delta(reset=True)
            yield NotWritten("writer_unavailable")
            return
        if read.draft is not None:
            yield read.draft
            return
        failed = tuple(one for one in read.checks if not one.passed)
        yield NotWritten("writer_rejected" if failed else "writer_unavailable", failed)

    async def _repaired(self, again: Prompt, brief: Brief, masked: Pseudonyms, deadline: float, first: Attempt) -> Attempt:
        answer = await self.provider.complete(again, brand=brief.brand.name, deadline=deadline)
        second = attempt(brief, masked, answer.text)
        if second.draft is not None:
            return replace(second, draft=with_warning(second.draft, "writer_repaired"))
        return second if second.checks else first

    async def _streamed(
        self, prompt: Prompt, brief: Brief, masked: Pseudonyms, deadline: float, growing: Growing, problems: list[str]
    ) -> AsyncGenerator[Delta, None]:
        """The sentences that may be shown, up to the first that may not, whose problems are left in `problems`."""
        made = made_from(brief, brief.composed.action, cited=None)
        async with aclosing(self.provider.stream(prompt, brand=brief.brand.name, deadline=deadline)) as pieces:
            async for piece in pieces:
                for side, sentence in growing.add(piece):
                    if side == "public" and not brief.message.public:
                        continue
                    problems += sentence_problems(masked, made, side, sentence)
                    if problems:
                        return
                    yield Delta(side=side, text=spelt(masked.show(sentence), rules_of(brief.message.channel).private.unit))

    def prompt(self, brief: Brief, masked: Pseudonyms) -> Prompt:
        """What the model is asked."""
        file = self.prompts[REPLY]
        return Prompt(
            id=REPLY, version=file.version, messages=file.rendered(brief.values(masked)), schema=schema(), schema_name=REPLY,
            max_tokens=700 * (1 + brief.message.options.alternatives) + 400,
        )  # fmt: skip


@dataclass(frozen=True)
class Attempt:
    """An answer of a model read: the draft where it may be shown, else what is wrong with it."""

    draft: Draft | None
    problems: tuple[str, ...] = ()
    checks: tuple[Check, ...] = ()


def correction(problems: tuple[str, ...]) -> str:
    """What a model is told of its bad answer."""
    listed = "\n".join(f"- {problem}" for problem in problems[:MOST_PROBLEMS])
    return f"This answer can't be used:\n{listed}\nWrite the whole JSON object again with this put right and the rest as it was."


def attempt(brief: Brief, masked: Pseudonyms, answer: str) -> Attempt:
    """The answer read, restored and checked."""
    try:
        written = Written.model_validate_json(_object(answer))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the answer"
        return Attempt(None, (f"{where}: {first['msg']}",))
    public = written.public if brief.message.public else None
    if brief.message.public and not (public or "").strip():
        return Attempt(None, ("public: null, but this message is public: write the public text",))
    allowed = (brief.message.author.handle or "",)
    draft, checks = _drafted(brief, masked, written, public, written.private)
    leaks = masked.personal(public or "", allowed)
    unknown = [name for text in (public or "", written.private) for name in masked.unknown(text)]
    own = (
        *_failing("no_personal_data_in_public", [f"[{name}] stands in the public text" for name in leaks]),
        *_failing("no_placeholder", [f"{name} stands for nothing" for name in unknown]),
        *_failing("claims_cited", _badly_cited(brief, masked, written)),
        *_failing("action_follows_decision", _answers_instead(brief, written)),
    )
    checks = (*own, *(one for one in checks if one.check not in {failing.check for failing in own}))
    failed = tuple(one for one in checks if not one.passed)
    if failed:
        return Attempt(None, tuple(f"{one.check}: {one.detail or 'failed'}" for one in failed), checks)
    if written.action == "handoff" and not brief.escalation.escalate:  # a text may not hand over by itself: the reason does
        checks += (Check(check="action_follows_decision", passed=False, detail="the writer asks for a human"),)
    return Attempt(draft.model_copy(update={"checks": checks, "alternatives": _others(brief, masked, written)}))


def sentence_problems(masked: Pseudonyms, made: Made, side: Side, sentence: str) -> list[str]:
    """What is wrong with one sentence that a model has just written, before anybody sees it; `made` knows the sources."""
    public = side == "public"
    leaks = masked.personal(sentence, (made.message.author.handle or "",)) if public else []
    problems = [f"[{name}] stands in the public text" for name in leaks]
    problems += [f"{name} stands for nothing" for name in masked.unknown(sentence)]
    return problems + problems_of_sentence(masked.show(sentence), public=public, made=made)


def _ending(brief: Brief, read: Attempt) -> Iterator[Delta]:
    """What a streamed draft ends with that the model did not write."""
    said = disclosed("…", brief.brand, brief.composed.language).removeprefix("…")
    for side in SIDES if said and read.draft is not None else ():
        text = getattr(read.draft, side)
        if text is not None and text.text.endswith(said):
            yield Delta(side=side, text=said)


def with_warning(draft: Draft, warning: str) -> Draft:
    """The draft with one more warning."""
    return draft.model_copy(update={"warnings": (*draft.warnings, warning)})


def _object(answer: str) -> str:
    """The JSON object in an answer: models without a schema put a fence or a word around it."""
    start, end = answer.find("{"), answer.rfind("}")
    return answer[start : end + 1] if 0 <= start < end else answer


def _failing(name: str, problems: list[str]) -> list[Check]:
    return [Check(check=name, passed=False, detail="; ".join(problems[:3]))] if problems else []


def _badly_cited(brief: Brief, masked: Pseudonyms, written: Written) -> list[str]:
    known = {source.id for source in brief.sources()} | {order.order_id for order in brief.orders}
    return [f"{claim.source!r} is no source" for claim in written.claims if _source_of(claim, masked, known) is None]


def _source_of(claim: Claim, masked: Pseudonyms, known: Collection[str]) -> str | None:
    """The id of the source that a claim names; None: there is none such.

    "A-1001.total.amount" names a part of A-1001.total, and "A-1001.refund" that there is none yet, where the order has none.
    """
    name = masked.show(claim.source).strip()
    while name not in known and "." in name:
        name = name.rpartition(".")[0]
    return name if name in known else None


def _answers_instead(brief: Brief, written: Written) -> list[str]:
    """The decision stands apart from the text: a message that a human takes over gets a holding text."""
    if brief.escalation.escalate and written.action != "handoff":
        return [f"action is {written.action}, but a human takes over: write a holding text with the action handoff"]
    return []


def _drafted(
    brief: Brief, masked: Pseudonyms, written: Written, public: str | None, private: str
) -> tuple[Draft, tuple[Check, ...]]:
    rules = rules_of(brief.message.channel)
    sources = {source.id: source.text for source in brief.sources()}
    claimed = [(source, claim) for claim in written.claims if (source := _source_of(claim, masked, sources)) is not None]
    cited = {source for source, _ in claimed}
    passages = {passage.id for passage in brief.passages}
    told = _text(brief, masked, private, rules.private)
    open_text = _text(brief, masked, public, rules.public) if public is not None else None
    draft = Draft(
        action=written.action,
        engine="writer",
        language=brief.composed.language,
        public=open_text,
        private=told,
        citations=tuple(
            Citation(source=source, quote=masked.show(claim.text)) for source, claim in claimed if source in passages
        ),
        order_fields=tuple(sorted(name for name in cited if name in sources and name not in passages and name != APPROVED)),
    )
    made = made_from(brief, written.action, cited).with_texts(open_text, told)
    return draft, check(made)


def made_from(brief: Brief, action: Action, cited: Collection[str] | None) -> Made:
    """What texts of the model are checked against: what it cited (None: it still writes), the order, the approved draft."""
    sources = {source.id: source.text for source in brief.sources()}
    order, contact = brief.plan.order, brief.brand.identity.contact
    own = f"{order.order_id}." if order is not None else None
    passages = {passage.id: passage for passage in brief.passages}
    named = [name for name in sources if name not in passages and name != APPROVED]
    stated = [name for name in named if cited is None or name in cited or (own is not None and name.startswith(own))]
    planned = {passage.id for passage in brief.plan.passages}
    return Made(
        public=None,
        private=None,
        action=action,
        language=brief.composed.language,
        message=brief.message,
        understanding=brief.understanding,
        context=brief.context,
        escalation=brief.escalation,
        brand=brief.brand,
        plan=brief.plan,
        passages=tuple(passage for name, passage in passages.items() if cited is None or name in cited or name in planned),
        values=(
            *(sources[name] for name in stated),
            *dict.fromkeys(name.rsplit(".", 1)[0] for name in stated),
            sources[APPROVED],
            *(value for value in (contact.email, contact.phone) if value),
        ),
        approved=(sources[APPROVED],),
        cited=tuple(cited) if cited is not None else None,
    )


def _text(brief: Brief, masked: Pseudonyms, text: str, limit: Limit) -> DraftText:
    said = spelt(masked.show(text).strip(), limit.unit)
    return measured(disclosed(said, brief.brand, brief.composed.language), limit)


def _others(brief: Brief, masked: Pseudonyms, written: Written) -> tuple[Alternative, ...]:
    """The alternatives that pass the same checks."""
    found = []
    for other in written.alternatives[: brief.message.options.alternatives]:
        public = other.public if brief.message.public else None
        draft, checks = _drafted(brief, masked, written, public, other.private)
        leaks = masked.personal(public or "", (brief.message.author.handle or "",))
        if all(one.passed for one in checks) and not leaks and not (brief.message.public and not public):
            found.append(Alternative(public=draft.public, private=draft.private))
    return tuple(found)
