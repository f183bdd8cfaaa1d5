"""Scopes, limits and ends of API keys, receipts of erasures, and when daily work was done last."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

EVERY_SCOPE = ["ingest", "read", "feedback", "admin"]  # what a key could do before there were scopes


def upgrade() -> None:
    """Makes the columns and tables."""
    op.add_column("api_keys", sa.Column("scopes", sa.JSON(), nullable=True))
    op.add_column("api_keys", sa.Column("per_minute", sa.Integer(), nullable=True))
    op.add_column("api_keys", sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("api_keys", sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True))
    op.execute(sa.table("api_keys", sa.column("scopes", sa.JSON())).update().values(scopes=EVERY_SCOPE))
    with op.batch_alter_table("api_keys") as keys:
        keys.alter_column("scopes", existing_type=sa.JSON(), nullable=False)
    op.create_table(
        "erasures",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("brand", sa.String(length=500), nullable=False),
        sa.Column("customer", sa.String(length=64), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("erased", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("erasures_of_brand", "erasures", ["brand", "customer"])
    op.create_table(
        "schedule",
        sa.Column("work", sa.String(length=100), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("work"),
    )
