"""Databases as they were before a revision: what each one added is taken away, so that an upgrade is tested with data."""

from __future__ import annotations

from sqlalchemy import Connection

# By revision: its tables, its columns by table, its indexes on tables that were there.
ADDED: dict[str, tuple[tuple[str, ...], dict[str, tuple[str, ...]], tuple[str, ...]]] = {
    "0003": (
        ("precedents",), {"triages": ("asked", "embedder"), "contacts": ("asked", "embedder", "asked_digest")}, (),
    ),
    "0004": (("llm_spending",), {}, ()),
    "0005": (("redrafts",), {}, ()),
    "0006": (("connections", "inbox", "idempotency", "workers"), {}, ()),
    "0007": (
        ("conversations", "audit", "audit_guard"), {"triages": ("language",), "feedback": ("edit",)},
        ("triages_due", "triages_received", "triages_of_conversation"),
    ),
    "0008": (("endpoints", "deliveries"), {"inbox": ("crashes",)}, ()),
    "0009": (("erasures", "schedule"), {"api_keys": ("scopes", "per_minute", "expires_at", "last_used_at")}, ()),
    "0010": (("agents", "agent_sessions"), {}, ()),
    "0011": ((), {"triages": ("channel",)}, ("conversations_waiting",)),
}  # fmt: skip
TABLES_SINCE_0003 = {table for tables, _, _ in ADDED.values() for table in tables}


def back_to(connection: Connection, revision: str) -> None:
    """Takes away what the revisions behind this one added."""
    for name in sorted((name for name in ADDED if name > revision), reverse=True):
        tables, columns, indexes = ADDED[name]
        for table in tables:
            connection.exec_driver_sql(f"DROP TABLE {table}")
        for index in indexes:
            connection.exec_driver_sql(f"DROP INDEX {index}")
        for table, added in columns.items():
            for column in added:
                connection.exec_driver_sql(f"ALTER TABLE {table} DROP COLUMN {column}")
    connection.exec_driver_sql(f"UPDATE alembic_version SET version_num = '{revision}'")
