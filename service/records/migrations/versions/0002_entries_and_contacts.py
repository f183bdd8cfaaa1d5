"""Macros and products beside FAQs, and earlier contacts. FAQs keep their vectors."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Makes the table of contacts and moves each FAQ's columns into one."""
    op.create_table(
        "contacts",
        sa.Column("brand", sa.String(length=500), nullable=False),
        sa.Column("contact_id", sa.String(length=500), nullable=False),
        sa.Column("customer_id", sa.String(length=500), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("brand", "contact_id"),
    )
    op.create_index("contacts_of_customer", "contacts", ["brand", "customer_id", "at"])
    op.add_column("triages", sa.Column("topic", sa.String(length=100), nullable=True))
    op.add_column("triages", sa.Column("order_id", sa.String(length=500), nullable=True))
    old = _faqs(op.get_bind())
    op.drop_table("faqs")
    op.create_table(
        "faqs",
        sa.Column("brand", sa.String(length=500), nullable=False),
        sa.Column("id", sa.String(length=500), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("entry", sa.String(length=500), nullable=False),
        sa.Column("language", sa.String(length=20), nullable=False),
        sa.Column("content", sa.JSON(), nullable=False),
        sa.Column("origin", sa.String(length=20), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("embedder", sa.String(length=64), nullable=False),
        sa.Column("vectors", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("brand", "id"),
    )
    if old:
        op.bulk_insert(_TABLE, old)


_TABLE = sa.table(
    "faqs", *(sa.column(name) for name in ("brand", "id", "kind", "entry", "language", "origin", "digest", "embedder")),
    sa.column("content", sa.JSON), sa.column("vectors", sa.LargeBinary),
)  # fmt: skip
_CONTENT = (
    "id",
    "entry",
    "language",
    "topic",
    "title",
    "answer",
    "short",
    "questions",
    "url",
    "valid_until",
    "audience",
    "origin",
)


def _faqs(connection: sa.Connection) -> list[dict[str, object]]:
    """The FAQs as they were, each with its vectors, in the new shape."""
    table = sa.Table("faqs", sa.MetaData(), autoload_with=connection)
    rows = connection.execute(sa.select(table)).mappings().all()
    return [
        {name: row[name] for name in ("brand", "id", "entry", "language", "origin", "digest", "embedder", "vectors")}
        | {"kind": "faq", "content": {name: row[name] for name in _CONTENT} | {"kind": "faq"}}
        for row in rows
    ]
