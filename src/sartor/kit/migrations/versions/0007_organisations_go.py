"""Organisations that are being deleted. Their ids, and their tokens', are not given again, which SQLite does until it
is told not to."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

DELETED_AT = sa.Column("deleted_at", sa.DateTime(timezone=True))


def upgrade() -> None:
    if op.get_bind().dialect.name != "sqlite":
        op.add_column("organisations", DELETED_AT)
        return
    # The tables are made anew. What names one is not deleted with the old one: foreign keys are off in a migration.
    numbered = {"sqlite_autoincrement": True}
    with op.batch_alter_table("organisations", recreate="always", table_kwargs=numbered) as organisations:
        organisations.add_column(DELETED_AT)
    with op.batch_alter_table("api_tokens", recreate="always", table_kwargs=numbered):
        pass


def downgrade() -> None:
    op.drop_column("organisations", "deleted_at")
