"""One draft for one message: planned, composed, checked; what fails its checks becomes a holding text.

Where the brand has a writer, its draft comes instead of the composer's; the composer's is ready before, for when it doesn't.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace

from service.brands import Brand
from service.draft.brief import Brief
from service.draft.checks import Made, check
from service.draft.composer import Composed, Composer
from service.draft.deltas import deltas_of
from service.draft.instructions import tone_of
from service.draft.phrases import Phrases
from service.draft.plan import Plan, plan
from service.draft.writer import APPROVED_ONLY, NotWritten, Writer, with_warning
from service.messages import Alternative, Check, Citation, Context, Delta, Draft, Escalation, Message, Understanding

FALLBACK = "en"  # drafts for a language without phrases


async def write_draft(
    message: Message,
    understanding: Understanding,
    context: Context,
    escalation: Escalation,
    brand: Brand,
    writer: Writer | None = None,
    *,
    streamed: bool = False,
    before: tuple[Draft, ...] = (),
) -> AsyncGenerator[Delta | Draft, None]:
    """The draft, by the writer where there is one and its text passes the checks; `streamed`: after its sentences.

    It is worded otherwise than those `before`.
    """
    composed, planned = compose(message, understanding, context, escalation, brand, brand.phrases, variant=len(before))
    if writer is not None and _for_writer(composed, planned, brand):
        brief = Brief(message, understanding, context, escalation, brand, planned, composed, before)
        async with aclosing(writer.write(brief, streamed=streamed)) as written:
            async for step in written:
                if isinstance(step, NotWritten):
                    composed = _instead(composed, step)
                else:
                    yield step
                    if isinstance(step, Draft):
                        return
    wish = message.options.instruction
    if wish and tone_of(wish) is None:
        composed = with_warning(composed, "instruction_not_followed")
    if streamed:
        for delta in deltas_of(composed):
            yield delta
    yield composed


def _instead(composed: Draft, missing: NotWritten) -> Draft:
    """The composer's draft that says why it is there and what failed before."""
    failed = {one.check for one in missing.checks}
    checks = (*missing.checks, *(one for one in composed.checks if one.check not in failed))
    return with_warning(composed.model_copy(update={"checks": checks}), missing.warning)


def _for_writer(composed: Draft, planned: Plan, brand: Brand) -> bool:
    """Whether a model may word it: macros, grave matters and brands that allow approved words alone are the composer's."""
    return (
        brand.identity.drafts == "all"
        and composed.action != "none"
        and composed.macro is None
        and planned.kind not in APPROVED_ONLY
    )


def compose(
    message: Message,
    understanding: Understanding,
    context: Context,
    escalation: Escalation,
    brand: Brand,
    languages: dict[str, Phrases],
    *,
    variant: int = 0,
) -> tuple[Draft, Plan]:
    """The composer's draft with its plan; its `checks` hold what failed even where the text was replaced."""
    planned = plan(message, understanding, context, escalation)
    phrases, warnings = _phrases(understanding, brand, languages)
    if planned.action == "none":
        return Draft(action="none", engine="composer", language=phrases.language), planned
    if brand.identity.drafts == "macros_only" and planned.macro is None and planned.action != "handoff":
        planned = Plan("handoff")
        warnings.append("no_macro_fits")
    composer = Composer(message, understanding, context, escalation, brand, phrases, planned, variant)
    composed, checks = _checked(composer)
    failed = [c for c in checks if not c.passed]
    if failed:
        warnings.append("draft_replaced_by_holding_text")
        composer = replace(composer, plan=Plan("handoff", planned.kind))
        composed, again = _checked(composer)
        checks = (*failed, *(c for c in again if c.check not in {f.check for f in failed}))
    if any(p.language != phrases.language for p in composer.plan.passages):
        warnings.append("passage_in_another_language")
    draft = Draft(
        action=composer.plan.action,
        engine="composer",
        language=phrases.language,
        public=composed.public,
        private=composed.private,
        macro=composer.plan.macro.id if composer.plan.macro else None,
        citations=_unique([piece.citation for piece in composed.pieces if piece.citation]),
        order_fields=tuple(dict.fromkeys(field for piece in composed.pieces for field in piece.order_fields)),
        alternatives=_alternatives(composer, message.options.alternatives),
        checks=checks,
        warnings=tuple(warnings),
    )
    return draft, composer.plan


def _phrases(understanding: Understanding, brand: Brand, languages: dict[str, Phrases]) -> tuple[Phrases, list[str]]:
    language = understanding.language
    if language.supported and language.code in languages:
        return languages[language.code], []
    fallback = languages.get(brand.identity.default_language) or languages[FALLBACK]
    return fallback, [] if language.code == "und" else ["language_not_supported"]


def _checked(composer: Composer) -> tuple[Composed, tuple[Check, ...]]:
    composed = composer.compose()
    return composed, check(_made(composer, composed))


def _made(composer: Composer, composed: Composed) -> Made:
    """The composer's texts with what they rest on; its phrases and the brand's own answers stand approved."""
    contact = composer.brand.identity.contact
    macro = composer.plan.macro
    return Made(
        public=composed.public,
        private=composed.private,
        action=composer.plan.action,
        language=composer.phrases.language,
        message=composer.message,
        understanding=composer.understanding,
        context=composer.context,
        escalation=composer.escalation,
        brand=composer.brand,
        plan=composer.plan,
        passages=composer.plan.passages,
        values=(
            *(value for piece in composed.pieces for value in piece.facts),
            *composer.phrases.with_numbers,
            *(value for value in (contact.email, contact.phone) if value),
        ),
        approved=(
            *(piece.text for piece in composed.pieces if piece.citation is None),
            *((*macro.texts, *macro.publics) if macro is not None else ()),
            *(piece.text for piece in composed.pieces if macro is not None and piece.citation is not None),
        ),
        foreign_quotes=_foreign_quotes(composer, composed),
    )


def _foreign_quotes(composer: Composer, composed: Composed) -> tuple[str, ...]:
    foreign = {passage.id for passage in composer.plan.passages if passage.language != composer.phrases.language}
    return tuple(piece.citation.quote for piece in composed.pieces if piece.citation and piece.citation.source in foreign)


def _alternatives(composer: Composer, count: int) -> tuple[Alternative, ...]:
    found = []
    for further in range(1, count + 1):
        composed, checks = _checked(replace(composer, variant=composer.variant + further))
        if all(c.passed for c in checks):
            found.append(Alternative(public=composed.public, private=composed.private))
    return tuple(found)


def _unique(citations: list[Citation]) -> tuple[Citation, ...]:
    return tuple({(c.source, c.quote): c for c in citations}.values())
