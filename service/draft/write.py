"""One draft for one message: planned, composed, checked; what fails its checks becomes a holding text."""

from __future__ import annotations

from dataclasses import replace

from service.brands import Brand
from service.draft.checks import check
from service.draft.composer import Composed, Composer, passage_text
from service.draft.phrases import Phrases
from service.draft.plan import Plan, plan
from service.messages import Alternative, Check, Citation, Context, Draft, Escalation, Message, Understanding

FALLBACK = "en"  # drafts for a language without phrases


def write_draft(
    message: Message,
    understanding: Understanding,
    context: Context,
    escalation: Escalation,
    brand: Brand,
    languages: dict[str, Phrases],
) -> Draft:
    """The draft; its `checks` hold what failed even where the text was replaced."""
    planned = plan(message, understanding, context, escalation)
    phrases, warnings = _phrases(understanding, brand, languages)
    if planned.action == "none":
        return Draft(action="none", engine="composer", language=phrases.language)
    composer = Composer(message, understanding, context, escalation, brand, phrases, planned)
    composed, checks = _checked(composer)
    failed = [c for c in checks if not c.passed]
    if failed:
        warnings.append("draft_replaced_by_holding_text")
        composer = replace(composer, plan=Plan("handoff", planned.kind))
        composed, again = _checked(composer)
        checks = (*failed, *(c for c in again if c.check not in {f.check for f in failed}))
    if any(p.language != phrases.language for p in composer.plan.passages):
        warnings.append("passage_in_another_language")
    return Draft(
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


def _phrases(understanding: Understanding, brand: Brand, languages: dict[str, Phrases]) -> tuple[Phrases, list[str]]:
    language = understanding.language
    if language.supported and language.code in languages:
        return languages[language.code], []
    fallback = languages.get(brand.identity.default_language) or languages[FALLBACK]
    return fallback, [] if language.code == "und" else ["language_not_supported"]


def _checked(composer: Composer) -> tuple[Composed, tuple[Check, ...]]:
    composed = composer.compose()
    contact = composer.brand.identity.contact
    sources = [
        *(passage_text(passage) for passage in composer.plan.passages),
        *(value for piece in composed.pieces for value in piece.facts),
        *composer.phrases.with_numbers,
        *(value for value in (contact.email, contact.phone) if value),
    ]
    checks = check(
        composed.public,
        composed.private,
        language=composer.phrases.language,
        sources=sources,
        context=composer.context,
        message=composer.message,
        brand=composer.brand,
        foreign_quotes=_foreign_quotes(composer, composed),
    )
    return composed, checks


def _foreign_quotes(composer: Composer, composed: Composed) -> list[str]:
    foreign = {passage.id for passage in composer.plan.passages if passage.language != composer.phrases.language}
    return [piece.citation.quote for piece in composed.pieces if piece.citation and piece.citation.source in foreign]


def _alternatives(composer: Composer, count: int) -> tuple[Alternative, ...]:
    found = []
    for variant in range(1, count + 1):
        composed, checks = _checked(replace(composer, variant=variant))
        if all(c.passed for c in checks):
            found.append(Alternative(public=composed.public, private=composed.private))
    return tuple(found)


def _unique(citations: list[Citation]) -> tuple[Citation, ...]:
    return tuple({(c.source, c.quote): c for c in citations}.values())
