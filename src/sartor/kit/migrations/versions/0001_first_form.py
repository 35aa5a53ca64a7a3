"""The first form: organisations and tokens, models, generation requests, leases."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "organisations",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_organisations"),
        sa.UniqueConstraint("name", name="uq_organisations_name"),
    )
    op.create_table(
        "api_tokens",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("organisation_id", sa.Integer, nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("revoked_at", MOMENT),
        sa.PrimaryKeyConstraint("id", name="pk_api_tokens"),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], "fk_api_tokens_organisation_id_organisations", ondelete="CASCADE"
        ),
        sa.UniqueConstraint("digest", name="uq_api_tokens_digest"),
    )
    op.create_index("ix_api_tokens_organisation_id", "api_tokens", ["organisation_id"])
    op.create_table(
        "models",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("organisation_id", sa.Integer),
        sa.Column("slug", sa.String(100)),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("description", sa.Text, nullable=False),
        sa.Column("status", sa.String(20), nullable=False),
        sa.Column("training_version", sa.String(20), nullable=False),
        sa.Column("training_mode", sa.String(20), nullable=False),
        sa.Column("training_parameters", sa.JSON, nullable=False),
        sa.Column("checkpoint_steps", sa.JSON, nullable=False),
        sa.Column("active_model_version", sa.String(100), nullable=False),
        sa.Column("visual_schema", sa.JSON, nullable=False),
        sa.Column("adapter", sa.String(300)),
        sa.Column("project_id", sa.Integer),
        sa.Column("dataset_id", sa.Integer),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_models"),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], "fk_models_organisation_id_organisations", ondelete="CASCADE"
        ),
        sa.UniqueConstraint("slug", name="uq_models_slug"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_models_organisation_id", "models", ["organisation_id"])
    op.create_table(
        "generation_requests",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("organisation_id", sa.Integer, nullable=False),
        sa.Column("model_id", sa.Integer, nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("prompt", sa.Text),
        sa.Column("given_structured_prompt", sa.Text),
        sa.Column("seed", sa.BigInteger, nullable=False),
        sa.Column("options", sa.JSON, nullable=False),
        sa.Column("status", sa.String(20), nullable=False),
        sa.Column("stage", sa.String(30), nullable=False),
        sa.Column("step", sa.Integer, nullable=False),
        sa.Column("steps", sa.Integer, nullable=False),
        sa.Column("structured_prompt", sa.Text),
        sa.Column("notes", sa.JSON, nullable=False),
        sa.Column("image_key", sa.String(200)),
        sa.Column("fingerprint", sa.JSON),
        sa.Column("error", sa.JSON),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("started_at", MOMENT),
        sa.Column("finished_at", MOMENT),
        sa.PrimaryKeyConstraint("id", name="pk_generation_requests"),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.id"],
            "fk_generation_requests_organisation_id_organisations",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["model_id"], ["models.id"], "fk_generation_requests_model_id_models", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_generation_requests_model_id", "generation_requests", ["model_id"])
    op.create_index("ix_generation_requests_finished_at", "generation_requests", ["finished_at"])
    op.create_index("ix_generation_requests_outstanding", "generation_requests", ["organisation_id", "status"])
    op.create_table(
        "leases",
        sa.Column("executor_id", sa.String(64), nullable=False),
        sa.Column("expires_at", sa.Float, nullable=False),
        sa.PrimaryKeyConstraint("executor_id", name="pk_leases"),
    )
    op.create_index("ix_leases_expires_at", "leases", ["expires_at"])


def downgrade() -> None:
    for table in ("leases", "generation_requests", "models", "api_tokens", "organisations"):
        op.drop_table(table)
