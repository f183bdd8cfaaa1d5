"""The tables. Migrations under migrations/versions make them; a test compares both."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)  # fmt: skip

metadata = MetaData()
_LISTED = ("escalate", "queue", "priority", "label", "topic", "language", "conversation_id")
_Serial = BigInteger().with_variant(Integer, "sqlite")  # SQLite numbers only INTEGER keys by itself

brands = Table(
    "brands",
    metadata,
    Column("name", String(500), primary_key=True),
    Column("folder_digest", String(64), nullable=True),  # of the folder last imported; null for a brand without one
    Column("created_at", DateTime(timezone=True), nullable=False),
)

faqs = Table(
    "faqs",
    metadata,
    Column("brand", String(500), primary_key=True),
    Column("id", String(500), primary_key=True),
    Column("kind", String(20), nullable=False),  # faq, macro or product
    Column("entry", String(500), nullable=False),  # the same for all languages of one entry
    Column("language", String(20), nullable=False),
    Column("content", JSON, nullable=False),  # the whole entry
    Column("origin", String(20), nullable=False),  # "folder" rows follow the brand's folder, "import" rows stay
    Column("digest", String(64), nullable=False),
    Column("embedder", String(64), nullable=False),
    Column("vectors", LargeBinary, nullable=False),  # float32 [passages + queries, dimension]
)

customers = Table(
    "customers",
    metadata,
    Column("brand", String(500), primary_key=True),
    Column("customer_id", String(500), primary_key=True),
    Column("data", JSON, nullable=False),
)

handles = Table(
    "handles",
    metadata,
    Column("brand", String(500), primary_key=True),
    Column("channel", String(50), primary_key=True),
    Column("handle", String(500), primary_key=True),
    Column("customer_id", String(500), nullable=False),
)

orders = Table(
    "orders",
    metadata,
    Column("brand", String(500), primary_key=True),
    Column("order_id", String(500), primary_key=True),
    Column("customer_id", String(500), nullable=False),
    Column("data", JSON, nullable=False),
    Index("orders_of_customer", "brand", "customer_id"),
)

contacts = Table(
    "contacts",
    metadata,
    Column("brand", String(500), primary_key=True),
    Column("contact_id", String(500), primary_key=True),
    Column("customer_id", String(500), nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("data", JSON, nullable=False),
    Column("asked_digest", String(64), nullable=True),  # of what the customer wrote: the same is not embedded again
    Column("embedder", String(64), nullable=True),
    Column("asked", LargeBinary, nullable=True),  # float16 [turns, dimension]
    Index("contacts_of_customer", "brand", "customer_id", "at"),
)

triages = Table(
    "triages",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("brand", String(500), nullable=False),
    Column("message_id", String(500), nullable=True),
    Column("conversation_id", String(500), nullable=True),  # never null: of a message without one it is the triage's own id
    Column("customer_id", String(500), nullable=True),
    Column("received_at", DateTime(timezone=True), nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("label", String(30), nullable=False),
    Column("topic", String(100), nullable=True),
    Column("order_id", String(500), nullable=True),  # the order it was about
    Column("escalate", Boolean, nullable=False),
    Column("queue", String(100), nullable=False),
    Column("priority", String(20), nullable=False),
    Column("respond_by", DateTime(timezone=True), nullable=False),
    Column("request", Text, nullable=False),
    Column("response", Text, nullable=False),
    Column("embedder", String(64), nullable=True),
    Column("asked", LargeBinary, nullable=True),  # float16 [1, dimension]; null for a message without words
    Column("language", String(20), nullable=True),  # of the message; null where the triage does not say
    Column("channel", String(50), nullable=True),  # of the message
    Index("triages_of_customer", "brand", "customer_id", "received_at"),
    Index("triages_of_conversation", "brand", "conversation_id"),
    # Each holds all that a list is narrowed by, so that rows which are not listed are never read.
    Index("triages_due", "brand", "respond_by", "id", *_LISTED),
    Index("triages_received", "brand", "received_at", "id", *_LISTED),
)

redrafts = Table(
    "redrafts",
    metadata,
    Column("triage_id", String(64), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("brand", String(500), nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("data", JSON, nullable=False),
)

feedback = Table(
    "feedback",
    metadata,
    Column("number", _Serial, primary_key=True, autoincrement=True),
    Column("triage_id", String(64), nullable=False, index=True),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("action", String(20), nullable=False),
    Column("data", JSON, nullable=False),
    Column("edit", JSON, nullable=True),  # which draft the text as sent came from, and what was changed in it
)

precedents = Table(
    "precedents",
    metadata,
    Column("triage_id", String(64), primary_key=True),  # whose message it answered; the message itself is not kept here
    Column("brand", String(500), nullable=False),
    Column("language", String(20), nullable=False),  # of the reply
    Column("text", Text, nullable=False),  # the reply as sent, personal data masked
    Column("embedder", String(64), nullable=False),
    Column("asked", LargeBinary, nullable=False),  # float16 [1, dimension], the message
    Column("approved_at", DateTime(timezone=True), nullable=False),
    Index("precedents_of_brand", "brand"),
)

changes = Table(
    "changes",
    metadata,
    Column("number", _Serial, primary_key=True, autoincrement=True),
    Column("brand", String(500), nullable=False),
    Column("faq_id", String(500), nullable=True),  # an entry's id or a precedent's; null: the brand itself is new or changed
    sqlite_autoincrement=True,  # a number is never used twice, so that a follower misses nothing
)

llm_spending = Table(
    "llm_spending",
    metadata,
    Column("brand", String(500), primary_key=True),
    Column("day", Date, primary_key=True),  # UTC
    Column("tokens", BigInteger, nullable=False),  # of the model, read and written, what is reserved for calls under way too
    Column("millionths", BigInteger, nullable=False),  # of the currency that the prices are set in
)

api_keys = Table(
    "api_keys",
    metadata,
    Column("number", _Serial, primary_key=True, autoincrement=True),
    Column("name", String(500), nullable=False),
    Column("digest", String(64), nullable=False),  # SHA-256 of the key; the key itself is shown once and kept nowhere
    Column("brand", String(500), nullable=True),  # null: every brand
    Column("scopes", JSON, nullable=False),  # what it may be used for
    Column("per_minute", Integer, nullable=True),  # most requests; null: what the setting says
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("expires_at", DateTime(timezone=True), nullable=True),  # the end of one that was rotated
    Column("last_used_at", DateTime(timezone=True), nullable=True),  # within a minute
    Column("revoked_at", DateTime(timezone=True), nullable=True),
    UniqueConstraint("digest", name="api_keys_digest"),
)

connections = Table(
    "connections",
    metadata,
    Column("name", String(100), primary_key=True),  # part of the address that its webhooks are sent to
    Column("source", String(50), nullable=False),  # whose webhooks they are, such as standard
    Column("brand", String(500), nullable=False),
    Column("secrets", JSON, nullable=False),  # [{"secret", "until"}], the newest first; a signature needs the secret itself
    Column("created_at", DateTime(timezone=True), nullable=False),
)

inbox = Table(
    "inbox",
    metadata,
    Column("number", _Serial, primary_key=True, autoincrement=True),  # the order of acceptance
    Column("id", String(64), nullable=False),  # msg_…, the only thing a workflow knows of a message
    Column("brand", String(500), nullable=False),
    Column("source", String(200), nullable=False),  # api, or the kind and name of a connection
    Column("external_id", String(500), nullable=False),
    Column("conversation_id", String(500), nullable=True),
    Column("lane", String(64), nullable=False),  # SHA-256 of brand and conversation: one after the other
    Column("burst", String(64), nullable=False),  # SHA-256 of brand, conversation and author: read together
    Column("message", Text, nullable=False),  # as it was accepted
    Column("accepted_at", DateTime(timezone=True), nullable=False),
    Column("due_at", DateTime(timezone=True), nullable=False),  # not before: more of the burst may come
    Column("state", String(20), nullable=False),
    Column("attempt", Integer, nullable=False),  # how often it was given to a workflow
    Column("crashes", Integer, nullable=False, server_default="0"),  # processes that ended while they had it under way
    Column("queued_at", DateTime(timezone=True), nullable=True),
    Column("done_at", DateTime(timezone=True), nullable=True),
    Column("triage_id", String(64), nullable=True),
    Column("superseded_by", String(64), nullable=True),  # the id of a later message of the burst or the conversation
    Column("error", Text, nullable=True),  # why the last attempt failed; no message text
    UniqueConstraint("id", name="inbox_id"),
    UniqueConstraint("brand", "source", "external_id", name="inbox_external_id"),
    Index("inbox_open", "state", "due_at"),
    Index("inbox_lane", "lane", "number"),
    sqlite_autoincrement=True,
)

idempotency = Table(
    "idempotency",
    metadata,
    Column("brand", String(500), primary_key=True),
    Column("route", String(200), primary_key=True),
    Column("key", String(255), primary_key=True),
    Column("digest", String(64), nullable=False),  # SHA-256 of the body it came with
    Column("answer", Text, nullable=False),  # the body of the answer, as JSON; it holds ids only
    Column("expires_at", DateTime(timezone=True), nullable=False),
    Index("idempotency_expiry", "expires_at"),
)

workers = Table(
    "workers",
    metadata,
    Column("executor_id", String(100), primary_key=True),  # of one process, never used again
    Column("started_at", DateTime(timezone=True), nullable=False),
    Column("seen_at", DateTime(timezone=True), nullable=False),
)

WAITING = text("state IN ('new', 'claimed')")  # as text: an index of some rows is used where the words are the same
conversations = Table(
    "conversations",
    metadata,
    Column("brand", String(500), primary_key=True),
    Column("conversation_id", String(500), primary_key=True),
    Column("state", String(20), nullable=False),  # as in service/conversations.py, never stale
    Column("agent", String(500), nullable=True),
    Column("version", Integer, nullable=False),  # counts changes
    Column("opened_at", DateTime(timezone=True), nullable=False),
    Column("last_message_at", DateTime(timezone=True), nullable=False),
    Column("changed_at", DateTime(timezone=True), nullable=False),
    Column("answered_at", DateTime(timezone=True), nullable=True),
    Column("resolved_at", DateTime(timezone=True), nullable=True),
    Column("respond_by", DateTime(timezone=True), nullable=False),
    Column("queue", String(100), nullable=False),
    Column("priority", String(20), nullable=False),
    Column("escalate", Boolean, nullable=False),
    Column("last_triage_id", String(64), nullable=False),
    Index("conversations_state", "brand", "state", "changed_at"),
    # Most are resolved, and what waits is asked for all the time.
    Index("conversations_waiting", "brand", "respond_by", "conversation_id", sqlite_where=WAITING, postgresql_where=WAITING),
)

audit = Table(
    "audit",
    metadata,
    Column("number", _Serial, primary_key=True, autoincrement=True),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("brand", String(500), nullable=False),
    Column("actor", String(500), nullable=False),  # the agent named, else the API key's name
    Column("action", String(30), nullable=False),
    Column("triage_id", String(64), nullable=True),
    Column("conversation_id", String(500), nullable=True),
    Column("detail", JSON, nullable=False),  # codes, ids and numbers, never a text
    Index("audit_of_triage", "triage_id"),
    Index("audit_of_conversation", "brand", "conversation_id"),
    sqlite_autoincrement=True,
)

# A row in it, written and removed in the same transaction, is what lets an erasure past the triggers of `audit`.
audit_guard = Table(
    "audit_guard",
    metadata,
    Column("reason", String(100), primary_key=True),
)

endpoints = Table(
    "endpoints",
    metadata,
    Column("id", String(64), primary_key=True),  # end_…
    Column("brand", String(500), nullable=False),
    Column("url", Text, nullable=False),
    Column("secrets", JSON, nullable=False),  # [{"secret", "until"}], the newest first, as of a connection
    Column("events", JSON, nullable=False),  # names of what is told, such as triage.done
    Column("with_triage", Boolean, nullable=False),  # whether the whole triage is sent, or ids and the decision alone
    Column("enabled", Boolean, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Index("endpoints_of_brand", "brand"),
)

deliveries = Table(
    "deliveries",
    metadata,
    Column("number", _Serial, primary_key=True, autoincrement=True),
    Column("id", String(64), nullable=False),  # dlv_…, the webhook's id: the same at each attempt
    Column("endpoint_id", String(64), nullable=False),
    Column("brand", String(500), nullable=False),
    Column("event", String(100), nullable=False),
    Column("triage_id", String(64), nullable=True),  # null: a test
    Column("message_id", String(64), nullable=True),  # of the inbox; null: the triage was waited for
    Column("state", String(20), nullable=False),  # what became of the message: done or dead
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("status", String(20), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("next_at", DateTime(timezone=True), nullable=False),  # not before; while one is sent, when it counts as lost
    Column("last_code", Integer, nullable=True),  # the HTTP status that was answered
    Column("last_error", Text, nullable=True),
    Column("done_at", DateTime(timezone=True), nullable=True),
    UniqueConstraint("id", name="deliveries_id"),
    UniqueConstraint("endpoint_id", "event", "triage_id", name="deliveries_once"),
    Index("deliveries_open", "status", "next_at"),
    sqlite_autoincrement=True,
)

erasures = Table(
    "erasures",
    metadata,
    Column("id", String(64), primary_key=True),  # era_…
    Column("brand", String(500), nullable=False),
    Column("customer", String(64), nullable=False),  # SHA-256 of the id, or of channel and handle: nothing personal stays
    Column("at", DateTime(timezone=True), nullable=False),
    Column("erased", JSON, nullable=False),  # rows by table
    Index("erasures_of_brand", "brand", "customer"),
)

schedule = Table(
    "schedule",
    metadata,
    Column("work", String(100), primary_key=True),  # what is done from time to time by one process of all
    Column("last_at", DateTime(timezone=True), nullable=False),
)

agents = Table(
    "agents",
    metadata,
    Column("name", String(100), primary_key=True),
    Column("display_name", String(100), nullable=False),
    Column("role", String(20), nullable=False),  # agent | lead
    Column("brands", JSON(none_as_null=True), nullable=True),  # null: every brand
    Column("password", String(300), nullable=False),  # scrypt with its parameters and salt, as in records/passwords.py
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("disabled_at", DateTime(timezone=True), nullable=True),
)

agent_sessions = Table(
    "agent_sessions",
    metadata,
    Column("digest", String(64), primary_key=True),  # SHA-256 of the token that the browser holds
    Column("agent", String(100), nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("seen_at", DateTime(timezone=True), nullable=False),  # within SEEN_WITHIN
    Index("agent_sessions_of_agent", "agent"),
)
