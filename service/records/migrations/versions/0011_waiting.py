"""The channel of each message beside its triage, and an index of the conversations that wait for somebody."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

WAITING = sa.text("state IN ('new', 'claimed')")


def upgrade() -> None:
    """Makes both; the channel is read from the messages that are there."""
    op.add_column("triages", sa.Column("channel", sa.String(length=50), nullable=True))
    sqlite = op.get_bind().dialect.name == "sqlite"
    channel = "json_extract(request, '$.channel')" if sqlite else "CAST(request AS json) ->> 'channel'"
    op.execute(sa.table("triages", sa.column("channel")).update().values(channel=sa.literal_column(channel)))
    op.create_index(
        "conversations_waiting", "conversations", ["brand", "respond_by", "conversation_id"],
        sqlite_where=WAITING, postgresql_where=WAITING,
    )  # fmt: skip
