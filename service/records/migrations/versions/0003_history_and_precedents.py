"""Vectors of what customers wrote, and approved replies. What was recorded before has no vector and is not compared."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Makes the table of precedents, and room for vectors beside triages and contacts."""
    op.add_column("triages", sa.Column("embedder", sa.String(length=64), nullable=True))
    op.add_column("triages", sa.Column("asked", sa.LargeBinary(), nullable=True))
    op.add_column("contacts", sa.Column("asked_digest", sa.String(length=64), nullable=True))
    op.add_column("contacts", sa.Column("embedder", sa.String(length=64), nullable=True))
    op.add_column("contacts", sa.Column("asked", sa.LargeBinary(), nullable=True))
    op.create_table(
        "precedents",
        sa.Column("triage_id", sa.String(length=64), nullable=False),
        sa.Column("brand", sa.String(length=500), nullable=False),
        sa.Column("language", sa.String(length=20), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("embedder", sa.String(length=64), nullable=False),
        sa.Column("asked", sa.LargeBinary(), nullable=False),
        sa.Column("approved_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("triage_id"),
    )
    op.create_index("precedents_of_brand", "precedents", ["brand"])
