"""Which of the passages that were found answer a message, and which of them say what the order doesn't."""

from __future__ import annotations

from collections.abc import Sequence

from service.draft.states import photo_here
from service.messages import Context, Message, Order, Passage, Understanding
from service.understand.understanding import SURE_TOPIC

ORDER_TOPICS = frozenset({"delivery", "order", "returns", "refund", "payment", "warranty"})
# How an order was picked where the message's own words point at it.
POINTED_AT = frozenset({"number_in_text", "product_in_text", "amount_in_text", "kind_in_text", "state_in_text", "due_today"})
# Relevance from which the best passage is an answer where its topic is the message's, too: on the suites right ten times in
# sixteen between this and what counts as an answer by itself, and never where nothing answers.
LIKELY = 0.2
OWN = 0.15  # the same where the message points at an order of theirs, too
HINTED = 0.1  # relevance from which a passage is told where the order's state speaks for it
GUIDE = 0.5  # relevance from which a guide to a product answers one of several questions, each of which has a topic of its own
_ON_ITS_WAY = frozenset({
    "placed", "packed", "in_transit", "in_transit_late", "out_for_delivery", "overdue", "delayed", "preorder", "date_moved",
})  # fmt: skip
_LATE = frozenset({"in_transit_late", "overdue", "delayed", "lost", "date_moved"})
_BY_PHOTO = frozenset({"damaged", "wrong_item", "missing_item"})
_SETTLED = frozenset({"replacement", "refund_due", "refund_pending", "refund_overdue", "refunded"})
_SENT_BACK = frozenset({"return_in_transit", "returned", "refund_pending", "refunded", "partly_refunded"})
_PAID_BACK = frozenset({"refunded", "partly_refunded"})
# By a passage's topic, the states of an order that are worth telling beside it; none for other topics.
_WORTH_TELLING: dict[str, frozenset[str]] = {
    "delivery": _ON_ITS_WAY | {"lost", "not_received"},
    "order": _ON_ITS_WAY | {"lost", "payment_failed", "cancelled", "cancelled_by_us"},
    "payment": _SETTLED | _PAID_BACK | {"payment_failed", "double_charge"},
    "refund": _SETTLED | _PAID_BACK | {"return_in_transit", "returned", "lost", "cancelled", "cancelled_by_us", "damaged"},
    "returns": frozenset({
        *_ON_ITS_WAY, "delivered", "damaged", "wrong_item", "missing_item", "return_in_transit", "returned",
        "partly_refunded",
    }),
    "product": _ON_ITS_WAY,
    "warranty": frozenset({"delivered", "damaged", "faulty", "wrong_item"}),
}  # fmt: skip


def answering(understanding: Understanding, context: Context) -> tuple[tuple[Passage, ...], ...]:
    """The passages that answer each question, the best first; where none does, the likeliest one of all."""
    several = len(context.answers) > 1
    found = tuple(tuple(p for p in hits if _at_home(p, understanding, several=several)) for hits in context.answers)
    if any(found):
        return found
    topic = understanding.topic
    likely = next((p for p in context.passages if p.topic == topic.label and _at_home(p, understanding, several=several)), None)
    least = OWN if context.orders and context.orders[0].why in POINTED_AT else LIKELY
    if likely is not None and likely.score >= least and topic.score >= SURE_TOPIC and not understanding.has("frustration"):
        return ((likely,),)
    return found


def _at_home(passage: Passage, understanding: Understanding, *, several: bool) -> bool:
    """Not where it only shares a product's name: an offer is no answer to a question about an order, nor is a product's guide."""
    topic = understanding.topic
    if topic.score < SURE_TOPIC or topic.label not in ORDER_TOPICS:
        return True
    if passage.id.startswith("offer-"):
        return topic.label == "payment"
    if passage.topic != "product" or topic.label == "warranty":
        return True
    return several and passage.score >= GUIDE


def contradicted(passage: Passage, order: Order, states: Sequence[str], understanding: Understanding) -> bool:
    """Whether the order shows that the passage is about something else: a late parcel where this one is on time."""
    state, known, topic = states[0], set(states), understanding.topic
    if passage.topic == "product":  # a guide to what came damaged, or to what isn't there yet
        return state in _BY_PHOTO or (state in _ON_ITS_WAY and (topic.label != "product" or topic.score < SURE_TOPIC))
    if passage.topic == "refund" and (order.status == "cancelled" or (order.refund and order.status not in _SENT_BACK)):
        return True  # it speaks of a return, and there is none
    if passage.topic == "returns" and passage.issue is None and order.status in _SENT_BACK:
        return True
    match passage.issue:
        case "late":
            return state not in _LATE
        case "not_received":
            return state in _ON_ITS_WAY
        case "refund_wait":
            return bool(known & _PAID_BACK)
        case "sold_out":
            return True
        case None if passage.topic == "delivery":
            return state not in _ON_ITS_WAY
    other = topic.score >= SURE_TOPIC and passage.topic != topic.label and {passage.topic, topic.label} != {"returns", "refund"}
    return other and passage.topic in ORDER_TOPICS and passage.score < GUIDE and state not in _BY_PHOTO


def about_state(context: Context, order: Order) -> Passage | None:
    """Of a return the passage about refunds, however little else speaks for it: the order's state does."""
    if order.status not in _SENT_BACK:
        return None
    return next((p for p in context.passages if p.issue == "refund_wait" and p.score >= HINTED), None)


def told_by(passage: Passage, order: Order, states: Sequence[str], message: Message, understanding: Understanding) -> bool:
    """Whether the order itself says what the passage would: where a parcel is, or how its trouble was settled."""
    state, known = states[0], set(states)
    match passage.issue:
        case "late":
            return state != "lost" or understanding.topic.label != "refund"
        case "not_received":
            return True
        case "double_charge":
            return bool(known & (_PAID_BACK | _SETTLED))
        case None if passage.topic == "delivery":
            asks_where = understanding.signal("order_status") is not None or understanding.has("frustration")
            return asks_where or passage.score < GUIDE
    if state in _BY_PHOTO and passage.topic in ("returns", "warranty"):
        return bool(known & _SETTLED) or photo_here(order, message)
    return False


def worth_telling(states: Sequence[str], passages: Sequence[Passage], understanding: Understanding, questions: int) -> bool:
    """Whether the order's state belongs beside the answers: a question is left for it, or what is asked rests on it."""
    asked = understanding.has("frustration") or understanding.signal("order_status") is not None
    if not passages or asked or questions > len(passages):
        return True
    if passages[0].id.startswith("offer-"):  # it may have been found for the product's name alone
        return True
    return bool(_WORTH_TELLING.get(passages[0].topic or "", frozenset()) & set(states))
