"""Conversations and their states, what was changed in a draft, lists of triages, and an audit that is only added to.

Triages that are there come in as conversations. They have no lines in the audit: nobody wrote down then who did what.
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_SERIAL = sa.BigInteger().with_variant(sa.Integer, "sqlite")
_MOMENT = sa.DateTime(timezone=True)
_LISTED = ["escalate", "queue", "priority", "label", "topic", "language", "conversation_id"]

# The latest triage of each conversation; it is answered where the last feedback on that triage says that a reply was sent.
_CONVERSATIONS = """
INSERT INTO conversations (brand, conversation_id, state, version, opened_at, last_message_at, changed_at, answered_at,
                           respond_by, queue, priority, escalate, last_triage_id)
SELECT t.brand, t.conversation_id, CASE WHEN f.action IN ('accepted', 'edited') THEN 'answered' ELSE 'new' END, t.messages,
       t.first_at, t.received_at, COALESCE(f.at, t.created_at), CASE WHEN f.action IN ('accepted', 'edited') THEN f.at END,
       t.respond_by, t.queue, t.priority, t.escalate, t.id
FROM (
  SELECT brand, conversation_id, id, received_at, created_at, respond_by, queue, priority, escalate,
         COUNT(*) OVER (PARTITION BY brand, conversation_id) AS messages,
         MIN(received_at) OVER (PARTITION BY brand, conversation_id) AS first_at,
         ROW_NUMBER() OVER (PARTITION BY brand, conversation_id ORDER BY received_at DESC, id DESC) AS place
  FROM triages
) t
LEFT JOIN feedback f ON f.number = (SELECT MAX(number) FROM feedback WHERE triage_id = t.id)
WHERE t.place = 1
"""
_FILLED = {
    "sqlite": "UPDATE triages SET conversation_id = COALESCE(conversation_id, id), "
    "language = json_extract(response, '$.understanding.language.code')",
    "postgresql": "UPDATE triages SET conversation_id = COALESCE(conversation_id, id), "
    "language = response::json #>> '{understanding,language,code}'",
}
_TRIGGERS = {
    "sqlite": [
        "CREATE TRIGGER audit_update BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'the audit is only added to'); END",
        "CREATE TRIGGER audit_delete BEFORE DELETE ON audit WHEN NOT EXISTS (SELECT 1 FROM audit_guard) "
        "BEGIN SELECT RAISE(ABORT, 'the audit is only added to'); END",
    ],
    "postgresql": [
        "CREATE OR REPLACE FUNCTION audit_refused() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "IF TG_OP = 'DELETE' AND EXISTS (SELECT 1 FROM audit_guard) THEN RETURN OLD; END IF; "
        "RAISE EXCEPTION 'the audit is only added to'; END $$",
        "CREATE TRIGGER audit_row BEFORE UPDATE OR DELETE ON audit FOR EACH ROW EXECUTE FUNCTION audit_refused()",
        "CREATE TRIGGER audit_truncate BEFORE TRUNCATE ON audit FOR EACH STATEMENT EXECUTE FUNCTION audit_refused()",
    ],
}


def upgrade() -> None:
    """Makes the tables, brings triages in, and sets the triggers."""
    dialect = op.get_bind().dialect.name
    op.add_column("feedback", sa.Column("edit", sa.JSON(), nullable=True))
    op.add_column("triages", sa.Column("language", sa.String(length=20), nullable=True))
    op.execute(_FILLED[dialect])
    op.create_index("triages_of_conversation", "triages", ["brand", "conversation_id"])
    op.create_index("triages_due", "triages", ["brand", "respond_by", "id", *_LISTED])
    op.create_index("triages_received", "triages", ["brand", "received_at", "id", *_LISTED])
    op.create_table(
        "conversations",
        sa.Column("brand", sa.String(length=500), nullable=False),
        sa.Column("conversation_id", sa.String(length=500), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("agent", sa.String(length=500), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("opened_at", _MOMENT, nullable=False),
        sa.Column("last_message_at", _MOMENT, nullable=False),
        sa.Column("changed_at", _MOMENT, nullable=False),
        sa.Column("answered_at", _MOMENT, nullable=True),
        sa.Column("resolved_at", _MOMENT, nullable=True),
        sa.Column("respond_by", _MOMENT, nullable=False),
        sa.Column("queue", sa.String(length=100), nullable=False),
        sa.Column("priority", sa.String(length=20), nullable=False),
        sa.Column("escalate", sa.Boolean(), nullable=False),
        sa.Column("last_triage_id", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("brand", "conversation_id"),
    )
    op.create_index("conversations_state", "conversations", ["brand", "state", "changed_at"])
    op.execute(_CONVERSATIONS)
    op.create_table(
        "audit",
        sa.Column("number", _SERIAL, autoincrement=True, nullable=False),
        sa.Column("at", _MOMENT, nullable=False),
        sa.Column("brand", sa.String(length=500), nullable=False),
        sa.Column("actor", sa.String(length=500), nullable=False),
        sa.Column("action", sa.String(length=30), nullable=False),
        sa.Column("triage_id", sa.String(length=64), nullable=True),
        sa.Column("conversation_id", sa.String(length=500), nullable=True),
        sa.Column("detail", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("number"),
        sqlite_autoincrement=True,
    )
    op.create_index("audit_of_triage", "audit", ["triage_id"])
    op.create_index("audit_of_conversation", "audit", ["brand", "conversation_id"])
    op.create_table(
        "audit_guard",
        sa.Column("reason", sa.String(length=100), nullable=False),
        sa.PrimaryKeyConstraint("reason"),
    )
    for statement in _TRIGGERS[dialect]:
        op.execute(statement)
