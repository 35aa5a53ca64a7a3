"""Webhooks: the deliveries, and the keys that sign them."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("api_tokens", sa.Column("signing_key", sa.LargeBinary))
    op.create_table(
        "webhook_deliveries",
        sa.Column("request_id", sa.String(36), nullable=False),
        sa.Column("organisation_id", sa.Integer, nullable=False),
        sa.Column("token_id", sa.Integer),
        sa.Column("url", sa.Text, nullable=False),
        sa.Column("base", sa.Text, nullable=False),
        sa.Column("job_id", sa.String(36), nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("last_status", sa.Integer),
        sa.Column("last_error", sa.Text),
        sa.Column("attempted_at", MOMENT),
        sa.Column("delivered_at", MOMENT),
        sa.Column("given_up_at", MOMENT),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("request_id", name="pk_webhook_deliveries"),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.id"],
            "fk_webhook_deliveries_organisation_id_organisations",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["token_id"], ["api_tokens.id"], "fk_webhook_deliveries_token_id_api_tokens", ondelete="SET NULL"
        ),
        sa.UniqueConstraint("job_id", name="uq_webhook_deliveries_job_id"),
    )
    op.create_index("ix_webhook_deliveries_organisation_id", "webhook_deliveries", ["organisation_id"])
    op.create_index("ix_webhook_deliveries_token_id", "webhook_deliveries", ["token_id"])


def downgrade() -> None:
    op.drop_table("webhook_deliveries")
    op.drop_column("api_tokens", "signing_key")
