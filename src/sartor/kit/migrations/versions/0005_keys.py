"""Whether a dataset or an image names a key of the storage, without reading every row."""

from alembic import op

revision = "0005"
down_revision = "0004"

INDEXED = (("datasets", "archive_key"), ("dataset_images", "image_key"), ("dataset_images", "thumbnail_key"))


def upgrade() -> None:
    for table, column in INDEXED:
        op.create_index(f"ix_{table}_{column}", table, [column])


def downgrade() -> None:
    for table, column in INDEXED:
        op.drop_index(f"ix_{table}_{column}", table)
