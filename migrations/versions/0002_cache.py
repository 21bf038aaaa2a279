"""Comparisons of versions have a key.

Revision ID: 0002_cache
Revises: 0001
"""

import sqlalchemy as sa
from alembic import op

revision = "0002_cache"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _make(with_key=True)


def downgrade() -> None:
    _make(with_key=False)


def _make(*, with_key: bool) -> None:
    """The table anew: what it holds is computed again when somebody asks."""
    op.drop_table("dataset_diff")
    op.create_table(
        "dataset_diff",
        sa.Column("before_id", sa.String(length=36), nullable=False),
        sa.Column("after_id", sa.String(length=36), nullable=False),
        *([sa.Column("key_digest", sa.String(length=32), nullable=False)] if with_key else []),
        sa.Column("diff", sa.JSON(none_as_null=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["after_id"], ["dataset_version.id"], name=op.f("fk_dataset_diff_after_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["before_id"], ["dataset_version.id"], name=op.f("fk_dataset_diff_before_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint(
            "before_id", "after_id", *(["key_digest"] if with_key else []), name=op.f("pk_dataset_diff")
        ),
    )
