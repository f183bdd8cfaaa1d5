"""What a message brings along made readable: voice notes transcribed, pictures described, where a model can."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import PurePosixPath
from urllib.parse import urlsplit

import structlog
from babel import Locale

from service.draft.writer import Writer
from service.fetch import NotFetched, fetched
from service.llm.prompts import Prompt, PromptFile
from service.llm.provider import WriterUnavailable
from service.messages import Attachment, Message

SPOKEN = frozenset({"audio", "voice", "voice_note"})
SEEN = frozenset({"image", "photo", "picture"})
MOST_READ = 3  # attachments of one message that a model reads
MOST_BYTES = 25 * 1024 * 1024  # of a voice note; OpenAI's audio endpoint takes no more
LONGEST = 2_000  # characters of what is read
IMAGE = "image"  # id of the prompt
log = structlog.get_logger()


async def read_along(message: Message, writer: Writer | None) -> Message:
    """The message with transcripts for the attachments that have none; as it was where nothing can be read.

    A picture beside words is for the agent alone: what it shows is no word of the customer.
    """
    if writer is None:
        return message
    wanted = [a for a in message.attachments if a.transcript is None and a.url and _reads(writer, a)][:MOST_READ]
    if not wanted:
        return message
    deadline = asyncio.get_running_loop().time() + writer.seconds
    texts = await asyncio.gather(*(_text(one, message, writer, deadline) for one in wanted))
    found = {id(one): text for one, text in zip(wanted, texts, strict=True) if text}
    read = tuple(
        one.model_copy(update={"transcript": found[id(one)][:LONGEST]}) if id(one) in found else one
        for one in message.attachments
    )
    return message.model_copy(update={"attachments": read})


def _reads(writer: Writer, attachment: Attachment) -> bool:
    kind = attachment.kind.casefold()
    return (kind in SPOKEN and writer.provider.audio_model is not None) or (kind in SEEN and writer.sees)


async def _text(attachment: Attachment, message: Message, writer: Writer, deadline: float) -> str | None:
    url = attachment.url or ""
    try:
        if attachment.kind.casefold() in SEEN:
            prompt = picture_prompt(writer.prompts, url, message.language or "en")
            return (await writer.provider.complete(prompt, brand=message.brand, deadline=deadline)).text.strip()
        audio = await fetched(url, most=MOST_BYTES, deadline=deadline, private_hosts=writer.media_hosts)
        name = PurePosixPath(urlsplit(url).path).name or "voice.ogg"
        return (await writer.provider.transcribe(audio, name, brand=message.brand, deadline=deadline)).strip()
    except (NotFetched, WriterUnavailable) as error:
        log.warning("attachment_not_read", kind=attachment.kind, reason=str(error))
        return None


def picture_prompt(prompts: Mapping[str, PromptFile], url: str, language: str) -> Prompt:
    """What a model that sees is asked about a picture, which it fetches itself."""
    file = prompts[IMAGE]
    system, user = file.rendered({"language": str(Locale.parse(language, sep="-").get_display_name("en"))})
    content = [{"type": "text", "text": user["content"]}, {"type": "image_url", "image_url": {"url": url}}]
    return Prompt(id=IMAGE, version=file.version, messages=(system, {"role": "user", "content": content}), max_tokens=200)
