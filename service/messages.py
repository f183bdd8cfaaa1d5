"""The nouns: a message comes in, a triage goes out. Frozen values, no I/O, nothing of ours imported.

>>> message = Message(text="Wo ist mein Paket??", channel="instagram")
>>> message.visibility
'public'

The field names are the API contract; the same types are the request and the response.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

MAX_TEXT = 10_000  # characters of one message; a longer one is refused, never cut
MAX_TURNS = 100  # earlier turns of a conversation that one request may carry
MAX_DEPTH = 20  # levels of objects and arrays; the contract needs four
MAX_FIELD = 500  # characters of an id, a handle, a name

Channel = Literal[
    "x", "instagram", "facebook", "messenger", "whatsapp", "tiktok", "telegram", "threads", "reddit", "line",
    "linkedin", "youtube", "sms", "google_review", "google_play", "app_store", "trustpilot", "review",
    "webchat", "email", "other",
]  # fmt: skip
PRIVATE_CHANNELS = frozenset({"messenger", "whatsapp", "telegram", "line", "sms", "webchat", "email"})
Visibility = Literal["public", "private"]
Label = Literal["frustration", "information_seeking", "praise", "other"]
LABELS: tuple[Label, ...] = ("frustration", "information_seeking", "praise", "other")
Level = Literal["none", "mild", "moderate", "strong"]
LEVELS: tuple[Level, ...] = ("none", "mild", "moderate", "strong")
Trajectory = Literal["rising", "steady", "falling", "resolved"]
Urgency = Literal["low", "normal", "high", "critical"]
URGENCIES: tuple[Urgency, ...] = ("low", "normal", "high", "critical")
Addressed = Literal["direct", "mention", "about_us", "not_us", "spam"]
ADDRESSED: tuple[Addressed, ...] = ("direct", "mention", "about_us", "not_us", "spam")
Action = Literal["reply", "ask", "handoff", "none"]
Tone = Literal["warm", "neutral", "formal", "brief"]
Unit = Literal["chars", "bytes", "weighted", "utf16", "septets"]
ReasonCode = Literal[
    "explicit_human_request", "legal_threat", "regulator_complaint", "safety_risk", "self_harm", "fraud_or_security",
    "data_privacy_request", "press_or_influencer", "repeat_contact", "churn_risk", "strong_frustration",
    "discrimination_or_harassment", "vulnerable_customer", "high_value_loss", "payment_dispute", "prompt_injection",
    "unsupported_language", "low_confidence", "no_grounding", "draft_check_failed", "processing_error",
]  # fmt: skip
FactName = Literal["late_order", "rising", "vip"]
OrderStatus = Literal[
    "placed", "packed", "in_transit", "out_for_delivery", "delivered", "delayed", "lost", "damaged", "return_in_transit",
    "returned", "refund_pending", "refunded", "partly_refunded", "cancelled", "preorder", "payment_failed",
]  # fmt: skip

Issue = Literal[
    "damaged", "wrong_item", "missing_item", "double_charge", "not_received", "faulty", "cancelled_by_us",
]  # fmt: skip

_YEARS = "the time must lie between the years 2000 and 2100, in UTC"
_INVISIBLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufeff]")
_SURROGATE = re.compile(r"[\ud800-\udfff]")


def clean(text: str) -> str:
    """Text as it can be stored and read: no control characters (line break and tab stay), no lone surrogates, NFC.

    Direction marks and joiners stay: right-to-left text and joined emoji need them.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return unicodedata.normalize("NFC", _SURROGATE.sub("\ufffd", _INVISIBLE.sub("", text)))


def _clean_all(value: Any, depth: int = 0) -> Any:
    if depth > MAX_DEPTH:
        raise ValueError(f"nested more than {MAX_DEPTH} deep")
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, list):
        return [_clean_all(item, depth + 1) for item in value]
    if isinstance(value, dict):
        return {_clean_all(key, depth): _clean_all(item, depth + 1) for key, item in value.items()}
    return value


def _utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _given(moment: datetime) -> datetime:
    try:
        moment = _utc(moment)
    except OverflowError:
        raise ValueError(_YEARS) from None
    if not 2000 <= moment.year <= 2100:
        raise ValueError(_YEARS)
    return moment


Moment = Annotated[datetime, AfterValidator(_given)]  # from a caller
Instant = Annotated[datetime, AfterValidator(_utc)]  # of ours, such as a deadline that follows from a caller's
Score = Annotated[float, Field(ge=0, le=1)]
ShortText = Annotated[str, Field(max_length=MAX_FIELD)]
LongText = Annotated[str, Field(max_length=MAX_TEXT)]


class Noun(BaseModel):
    """A frozen value; unknown fields are refused by name."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Author(Noun):
    """Who wrote; `customer_id` is vouched for by the caller's key."""

    handle: ShortText | None = None
    name: ShortText | None = None
    customer_id: ShortText | None = None
    followers: int | None = Field(default=None, ge=0)


class Turn(Noun):
    """One earlier message of the conversation."""

    role: Literal["customer", "brand"]
    text: LongText
    at: Moment | None = None


class Attachment(Noun):
    """Something sent along; a transcript counts as text."""

    kind: ShortText
    url: Annotated[str, Field(max_length=4_000)] | None = None
    transcript: LongText | None = None


class Options(Noun):
    """What the caller wants of this triage."""

    draft: bool = True
    tone: Tone = "warm"
    alternatives: int = Field(default=0, ge=0, le=3)
    # By an agent: "shorter", or a point to add. Left out of what is written down where there is none, so that a request from
    # before there were instructions is still the same one.
    instruction: Annotated[str, Field(max_length=1_000)] | None = Field(default=None, exclude_if=lambda wish: wish is None)


class Message(Noun):
    """One incoming social message; only `text` is required, and it may be empty beside an attachment."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "text": "Zum dritten Mal: wo bleibt mein Paket?!",
                    "brand": "demo",
                    "channel": "instagram",
                    "author": {"handle": "@lena", "customer_id": "C-1042"},
                }
            ]
        }
    )

    text: LongText
    id: ShortText | None = None
    brand: ShortText = "demo"
    channel: Channel = "other"
    visibility: Visibility | None = None  # set from the channel when absent; public where that is unsure
    author: Author = Author()
    conversation_id: ShortText | None = None
    thread: Annotated[tuple[Turn, ...], Field(max_length=MAX_TURNS)] = ()
    attachments: Annotated[tuple[Attachment, ...], Field(max_length=20)] = ()
    language: Annotated[str, Field(max_length=20)] | None = None
    received_at: Moment = Field(default_factory=lambda: datetime.now(UTC))
    metadata: Annotated[dict[ShortText, Annotated[str, Field(max_length=4_000)]], Field(max_length=100)] = {}
    options: Options = Options()

    @model_validator(mode="before")
    @classmethod
    def _readable(cls, data: Any) -> Any:
        data = _clean_all(data)
        if isinstance(data, dict):
            data = {key: value for key, value in data.items() if value is not None or key == "text"}
            channel = data.get("channel", "other")
            if isinstance(channel, str):
                data.setdefault("visibility", "private" if channel in PRIVATE_CHANNELS else "public")
        return data

    @model_validator(mode="after")
    def _has_content(self) -> Message:
        if not self.text.strip() and not self.attachments:
            raise ValueError("text is empty: send the message's text, or an attachment")
        return self

    @property
    def content(self) -> str:
        """What the customer said: the text, else the attachments' transcripts."""
        if self.text.strip():
            return self.text
        return "\n".join(a.transcript for a in self.attachments if a.transcript)

    def with_read(self, read: tuple[Attachment, ...]) -> Message:
        """The message with what a model read of its attachments."""
        by_url = {one.url: one for one in read}
        attachments = tuple(by_url.get(one.url, one) if one.transcript is None else one for one in self.attachments)
        return self.model_copy(update={"attachments": attachments}) if read else self

    @property
    def public(self) -> bool:
        """Whether others can read this conversation."""
        return self.visibility != "private"


class Scored(Noun):
    """A label of a closed list with its probability."""

    label: str
    score: Score


class Language(Noun):
    """ISO 639-1 code, or "und" where it can't be told; `supported` means drafts are written in it."""

    code: str
    score: Score
    supported: bool


class Signal(Noun):
    """Words that mean something by themselves; `start` and `end` are character offsets into the message's content."""

    code: str
    evidence: str
    start: int | None = None
    end: int | None = None


class Understanding(Noun):
    """What the customer feels and wants."""

    label: Label
    scores: dict[Label, Score]
    also: tuple[Label, ...] = ()
    frustration_level: Level
    trajectory: Trajectory
    topic: Scored
    urgency: Urgency
    addressed: Scored
    language: Language
    signals: tuple[Signal, ...] = ()
    confidence: Score

    def has(self, label: Label) -> bool:
        """Whether the label is the main one or among the others."""
        return label == self.label or label in self.also

    def signal(self, code: str) -> Signal | None:
        """The first signal with this code."""
        return next((signal for signal in self.signals if signal.code == code), None)


class Passage(Noun):
    """A piece of the brand's knowledge; `score` is a calibrated relevance, `short` its form for public replies."""

    id: str
    title: str
    text: str
    language: str
    score: Score
    url: str | None = None
    topic: str | None = None
    short: str | None = None
    wordings: tuple[str, ...] = Field(default=(), exclude=True)  # the text said in other words
    issue: str | None = Field(default=None, exclude=True)  # what went wrong for a customer who complains and is answered by it


class Macro(Noun):
    """A pre-approved reply for a recurring situation; `score` is the calibrated likeness to messages it was written for."""

    id: str
    language: str
    texts: tuple[str, ...]
    publics: tuple[str, ...]
    score: Score


class Item(Noun):
    """One line of an order; price of one piece in the order's currency."""

    name: ShortText
    sku: ShortText | None = None
    quantity: int = Field(default=1, ge=1)
    price: float | None = Field(default=None, ge=0)


class Money(Noun):
    """An amount in a currency (ISO 4217)."""

    amount: float = Field(ge=0)
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]


class Refund(Noun):
    """Money on its way back (`at`: the day it is due) or back (`at`: the day it went out)."""

    amount: float = Field(ge=0)
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
    at: ShortText | None = None
    status: Literal["pending", "done"] = "pending"


class OrderEvent(Noun):
    """One step of an order's timeline."""

    at: ShortText
    event: ShortText


class Order(Noun):
    """One order of this customer; days are ISO dates. `why` says how it was picked, `late` whether it is late now."""

    order_id: ShortText
    customer_id: ShortText
    status: OrderStatus
    placed_at: ShortText | None = None
    promised_at: ShortText | None = None
    shipped_at: ShortText | None = None
    due_at: ShortText | None = None
    delivered_at: ShortText | None = None
    items: tuple[Item, ...] = ()
    total: Money | None = None
    carrier: ShortText | None = None
    tracking: ShortText | None = None
    refund: Refund | None = None
    replacement_at: ShortText | None = None  # day a replacement leaves the warehouse
    held_until: ShortText | None = None  # last day an unpaid order is kept
    issue: Issue | None = None  # what went wrong with it beside its status
    note: Annotated[str, Field(max_length=2_000)] | None = None
    timeline: tuple[OrderEvent, ...] = ()
    late: bool = False
    why: str | None = None


class Customer(Noun):
    """A customer of a brand; `handles` by channel."""

    customer_id: ShortText
    name: ShortText | None = None
    email: ShortText | None = None
    language: ShortText | None = None
    country: ShortText | None = None
    handles: dict[ShortText, ShortText] = {}
    vip: bool = False
    since: ShortText | None = None


Outcome = Literal["escalated", "drafted", "accepted", "edited", "rejected"]


class Contact(Noun):
    """A contact from before this service was there, with its conversation; imported so that nobody has to explain twice."""

    contact_id: ShortText
    customer_id: ShortText
    at: Moment
    label: Label
    level: Level = "none"
    topic: ShortText | None = None
    order_id: ShortText | None = None
    channel: Channel = "other"
    visibility: Visibility = "private"
    outcome: Outcome = "drafted"
    thread: Annotated[tuple[Turn, ...], Field(max_length=MAX_TURNS)] = ()


class PastTriage(Noun):
    """An earlier contact of this customer: a triage, or an imported contact under its own id.

    `same_question`: the message asks it again; `likeness` is the cosine of the two then.
    """

    triage_id: str
    at: Instant
    label: Label
    outcome: Outcome
    topic: str | None = None
    order_id: str | None = None
    same_question: bool = False
    likeness: Score | None = None
    escalated: bool = False  # whatever became of the draft
    resolved: bool = False  # the customer said that all was well, or the conversation was resolved
    customer_id: str | None = Field(default=None, exclude=True)  # whose it is
    message_id: str | None = Field(default=None, exclude=True)
    conversation_id: str | None = Field(default=None, exclude=True)
    asked: bytes = Field(default=b"", exclude=True, repr=False)  # float16 [n, d], what was written, as the embedder gave it
    embedder: str | None = Field(default=None, exclude=True)  # fingerprint of that embedder


class Known(Noun):
    """A customer with what the records hold of theirs; no customer where nobody is known to have written."""

    customer: Customer | None = None
    orders: tuple[Order, ...] = ()
    history: tuple[PastTriage, ...] = ()


class Precedent(Noun):
    """An approved reply to a similar message, personal data masked; `score` is the likeness of the messages."""

    triage_id: str
    text: str
    score: Score
    language: str


class Suggestion(Noun):
    """A product or help article that fits, for the agent; a draft names it to a happy customer only."""

    id: str
    title: str
    why: str
    kind: Literal["product", "help"] = "product"
    url: str | None = None
    personal: bool = Field(default=False, exclude=True)  # rests on what the customer bought: never for a public text


class Context(Noun):
    """What the draft may stand on: the brand's passages and this customer's own orders and history."""

    passages: tuple[Passage, ...] = ()
    orders: tuple[Order, ...] = ()
    history: tuple[PastTriage, ...] = ()
    precedents: tuple[Precedent, ...] = ()
    suggestions: tuple[Suggestion, ...] = ()
    customer: Customer | None = Field(default=None, exclude=True)  # for the private text; not part of the answer
    macro: Macro | None = Field(default=None, exclude=True)  # the draft names it where it uses it
    answers: tuple[tuple[Passage, ...], ...] = Field(default=(), exclude=True)  # passages per question of the message
    warnings: tuple[str, ...] = Field(default=(), exclude=True)  # what could not be looked up; the triage carries them
    asked: bytes = Field(default=b"", exclude=True, repr=False)  # float16 [1, d], the message, recorded with the triage
    codes: tuple[str, ...] = Field(default=(), exclude=True)  # of models, parts and faults in the message: no order numbers


class DraftText(Noun):
    """A text with its length as the channel counts it."""

    text: str
    length: int
    limit: int | None
    unit: Unit


class Citation(Noun):
    """The words of a source that a draft rests on."""

    source: str
    quote: str


class Check(Noun):
    """One check of a draft."""

    check: str
    passed: bool
    detail: str | None = None


class Alternative(Noun):
    """Another wording of the same draft."""

    public: DraftText | None = None
    private: DraftText | None = None


class Delta(Noun):
    """The next words of a draft that is being written; joined they are the text. `reset`: what came before is taken back."""

    side: Literal["public", "private"] = "private"
    text: str = ""
    reset: bool = False


class Draft(Noun):
    """A reply an agent can accept, edit or reject; nothing is ever sent by this service."""

    action: Action
    engine: Literal["composer", "writer"]
    language: str
    public: DraftText | None = None
    private: DraftText | None = None
    citations: tuple[Citation, ...] = ()
    order_fields: tuple[str, ...] = ()
    macro: str | None = None
    alternatives: tuple[Alternative, ...] = ()
    checks: tuple[Check, ...] = ()
    warnings: tuple[str, ...] = ()


class Reason(Noun):
    """Why a human should look: `hard` always escalates, `soft` adds to a score."""

    code: ReasonCode
    kind: Literal["hard", "soft"]
    evidence: str | None = None
    detail: str | None = None


class Fact(Noun):
    """What is known of the customer or the order and weighs on a frustrated message that has a reason; 0: it adds nothing."""

    fact: FactName
    weight: Score = 0.0
    detail: str


class Escalation(Noun):
    """Whether a human must take over, why, where to and until when."""

    escalate: bool
    score: Score
    reasons: tuple[Reason, ...] = ()
    facts: tuple[Fact, ...] = ()
    queue: str
    priority: Urgency
    respond_by: Instant
    warn_at: Instant | None = None  # null only in triages of earlier versions


class Versions(Noun):
    """What made this triage."""

    service: str
    embedder: str
    classifier: str
    knowledge: str
    policy: str
    prompt: str | None = None


class Triage(Noun):
    """The whole answer to one message."""

    id: str
    message_id: str | None = None
    brand: str
    conversation_id: str | None = None
    metadata: dict[str, str] = {}
    received_at: Instant
    attachments: tuple[Attachment, ...] = ()  # those that a model read, with what it read
    understanding: Understanding
    context: Context
    draft: Draft | None = None
    escalation: Escalation
    versions: Versions
    timings_ms: dict[str, float]
    warnings: tuple[str, ...] = ()


FeedbackReason = Literal[
    "wrong_facts", "wrong_tone", "incomplete", "wrong_language", "not_needed", "should_escalate", "other",
]  # fmt: skip


class Correction(Noun):
    """What a triage should have found; what is left out was right, or was not looked at. `topic` is one of the brand's."""

    label: Label | None = None
    level: Level | None = None
    topic: ShortText | None = None
    urgency: Urgency | None = None
    language: Annotated[str, Field(pattern=r"^[a-z]{2,3}$")] | None = None
    escalate: bool | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Correction:
        if not self.said:
            raise ValueError("nothing is corrected: give label, level, topic, urgency, language or escalate as it should be")
        return self

    @property
    def said(self) -> dict[str, Any]:
        """The fields that are corrected."""
        return self.model_dump(exclude_none=True)


class Feedback(Noun):
    """What an agent did with a draft; `approve` makes the reply a precedent for messages like this one.

    `reasons` say from a closed list why it was edited or rejected, `reason` in free words; `wrong` what the triage should
    have found.
    """

    action: Literal["accepted", "edited", "rejected"]
    text: LongText | None = None
    agent: ShortText | None = None
    reason: Annotated[str, Field(max_length=2_000)] | None = None
    reasons: Annotated[tuple[FeedbackReason, ...], Field(max_length=7)] = ()
    wrong: Correction | None = None
    approve: bool = False

    @model_validator(mode="before")
    @classmethod
    def _readable(cls, data: Any) -> Any:
        return _clean_all(data)

    @model_validator(mode="after")
    def _complete(self) -> Feedback:
        if self.action == "edited" and not (self.text or "").strip():
            raise ValueError("text is missing: an edited draft comes with the text as sent")
        if self.action == "rejected" and self.approve:
            raise ValueError("approve is for a reply that was sent: leave it out, or say accepted or edited")
        return self
