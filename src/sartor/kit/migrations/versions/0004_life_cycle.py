"""The life cycle: projects, datasets with their images and uploads, checkpoints of trainings."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "projects",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("organisation_id", sa.Integer, nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("description", sa.Text, nullable=False),
        sa.Column("ip_name", sa.String(200)),
        sa.Column("ip_description", sa.String(500)),
        sa.Column("ip_medium", sa.String(20), nullable=False),
        sa.Column("ip_type", sa.String(30), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_projects"),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], "fk_projects_organisation_id_organisations", ondelete="CASCADE"
        ),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_projects_organisation_id", "projects", ["organisation_id"])
    op.create_table(
        "datasets",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("organisation_id", sa.Integer, nullable=False),
        sa.Column("project_id", sa.Integer, nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("description", sa.Text, nullable=False),
        sa.Column("visual_schema", sa.Text),
        sa.Column("status", sa.String(20), nullable=False),
        sa.Column("upload_type", sa.String(20), nullable=False),
        sa.Column("captions_update_status", sa.String(20), nullable=False),
        sa.Column("captions_job_id", sa.String(36)),
        sa.Column("archive_key", sa.String(200)),
        sa.Column("captions_error", sa.JSON),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_datasets"),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], "fk_datasets_organisation_id_organisations", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], "fk_datasets_project_id_projects", ondelete="CASCADE"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_datasets_organisation_id", "datasets", ["organisation_id"])
    op.create_index("ix_datasets_project_id", "datasets", ["project_id"])
    op.create_table(
        "dataset_images",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("dataset_id", sa.Integer, nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("caption", sa.Text),
        sa.Column("caption_source", sa.String(20)),
        sa.Column("captions_job_id", sa.String(36)),
        sa.Column("source_url", sa.Text),
        sa.Column("image_key", sa.String(200), nullable=False),
        sa.Column("thumbnail_key", sa.String(200), nullable=False),
        sa.Column("width", sa.Integer, nullable=False),
        sa.Column("height", sa.Integer, nullable=False),
        sa.Column("perceptual_hash", sa.String(16), nullable=False),
        sa.Column("entry", sa.Integer),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_dataset_images"),
        sa.ForeignKeyConstraint(
            ["dataset_id"], ["datasets.id"], "fk_dataset_images_dataset_id_datasets", ondelete="CASCADE"
        ),
        sa.UniqueConstraint("dataset_id", "entry", name="uq_dataset_images_dataset_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_dataset_images_dataset_id", "dataset_images", ["dataset_id"])
    op.create_table(
        "bulk_uploads",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("dataset_id", sa.Integer, nullable=False),
        sa.Column("zip_url", sa.Text, nullable=False),
        sa.Column("content_moderation", sa.Boolean, nullable=False),
        sa.Column("status", sa.String(20), nullable=False),
        sa.Column("total", sa.Integer, nullable=False),
        sa.Column("done", sa.Integer, nullable=False),
        sa.Column("failures", sa.JSON, nullable=False),
        sa.Column("error", sa.JSON),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_bulk_uploads"),
        sa.ForeignKeyConstraint(
            ["dataset_id"], ["datasets.id"], "fk_bulk_uploads_dataset_id_datasets", ondelete="CASCADE"
        ),
        sa.UniqueConstraint("dataset_id", name="uq_bulk_uploads_dataset_id"),
    )
    for column in (
        sa.Column("progress", sa.JSON),
        sa.Column("error", sa.JSON),
        sa.Column("base_sha256", sa.String(64)),
        sa.Column("adapter_sha256", sa.String(64)),
        sa.Column("started_at", MOMENT),
        sa.Column("finished_at", MOMENT),
    ):
        op.add_column("models", column)
    op.create_table(
        "model_checkpoints",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("model_id", sa.Integer, nullable=False),
        sa.Column("step", sa.Integer, nullable=False),
        sa.Column("adapter_key", sa.String(200), nullable=False),
        sa.Column("adapter_sha256", sa.String(64), nullable=False),
        sa.Column("samples_key", sa.String(200)),
        sa.Column("score", sa.Float),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_model_checkpoints"),
        sa.ForeignKeyConstraint(
            ["model_id"], ["models.id"], "fk_model_checkpoints_model_id_models", ondelete="CASCADE"
        ),
        sa.UniqueConstraint("model_id", "step", name="uq_model_checkpoints_model_id"),
    )
    op.create_index("ix_model_checkpoints_model_id", "model_checkpoints", ["model_id"])


def downgrade() -> None:
    op.drop_table("model_checkpoints")
    for column in ("adapter_sha256", "finished_at", "started_at", "base_sha256", "error", "progress"):
        op.drop_column("models", column)
    for table in ("bulk_uploads", "dataset_images", "datasets", "projects"):
        op.drop_table(table)
