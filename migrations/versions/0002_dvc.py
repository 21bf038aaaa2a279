"""Objects that DVC clients push."""

import sqlalchemy as sa
from alembic import op

import domain.db

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "dataset_object",
        sa.Column("dataset_id", sa.String(length=36), nullable=False),
        sa.Column("digest", sa.String(length=40), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("pushed_at", domain.db.UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["dataset_id"], ["dataset.id"], name=op.f("fk_dataset_object_dataset_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("dataset_id", "digest", name=op.f("pk_dataset_object")),
    )


def downgrade() -> None:
    op.drop_table("dataset_object")
