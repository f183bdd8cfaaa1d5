"""A customer's message in a language the agent reads; personal data is masked on the way and back in its place."""

from __future__ import annotations

import asyncio
from typing import Annotated

from babel import Locale, UnknownLocaleError
from pydantic import Field

from service.draft.brief import fence
from service.draft.pseudonyms import Pseudonyms
from service.errors import Conflict, FieldError, InvalidMessage, NotFound, Unavailable, UnknownBrand
from service.llm.prompts import Prompt
from service.llm.provider import WriterUnavailable
from service.messages import Noun
from service.parts import Parts
from service.records.audit import Act

TRANSLATION = "translation"  # id of the prompt
ROOM = 3  # tokens of an answer a character of a message may need, at most
LEAST_TOKENS = 200


class Wanted(Noun):
    """The language to translate into, ISO 639-1."""

    language: Annotated[str, Field(pattern="^[a-z]{2,3}$")] = "en"


class Translation(Noun):
    """The message in another language."""

    triage_id: str
    language: str
    text: str


async def translated(triage_id: str, wanted: Wanted, parts: Parts, actor: str = "local") -> Translation:
    """The customer's words in the wanted language; raises Conflict without a model and Unavailable where it fails."""
    found = await parts.records.recorded(triage_id)
    if found is None:
        raise NotFound("no triage with this id")
    message, triage = found
    brand = parts.brands.get(message.brand)
    if brand is None:
        raise UnknownBrand(message.brand, list(parts.brands))
    writer = parts.writer(brand)
    if writer is None:
        raise Conflict("no model is configured that could translate: set FIRSTREPLY_LLM_BASE_URL and FIRSTREPLY_LLM_MODEL")
    masked = Pseudonyms(message, triage.context, brand)
    file = writer.prompts[TRANSLATION]
    text = masked.hide(message.content)
    values = {"language": _named(wanted.language), "message": text, "fence": fence([text])}
    room = max(LEAST_TOKENS, ROOM * len(message.content) // 2)
    prompt = Prompt(id=TRANSLATION, version=file.version, messages=file.rendered(values), max_tokens=room)
    deadline = asyncio.get_running_loop().time() + writer.seconds
    try:
        answer = await writer.provider.complete(prompt, brand=brand.name, deadline=deadline)
    except WriterUnavailable as error:
        raise Unavailable(f"the model did not translate ({error.reason}): try again") from None
    act = Act(brand.name, actor, "translated", triage_id, detail={"language": wanted.language})
    await parts.records.audit.add(act)
    return Translation(triage_id=triage_id, language=wanted.language, text=masked.show(answer.text.strip()))


def _named(language: str) -> str:
    try:
        return str(Locale.parse(language).get_display_name("en"))
    except (UnknownLocaleError, ValueError):
        raise InvalidMessage([FieldError("/language", f"{language!r} is no language: an ISO 639-1 code such as en")]) from None
