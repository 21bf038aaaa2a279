"""Results of model checks that are used again, and reports on one suite or other rows."""

import sqlalchemy as sa
from alembic import op

import domain.db

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:

    op.create_table(
        "model_check_result",
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("result", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("kept_at", domain.db.UtcDateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_model_check_result")),
    )
    with op.batch_alter_table("model_check_result", schema=None) as batch_op:
        batch_op.create_index("ix_model_check_result_kept_at", ["kept_at"], unique=False)

    with op.batch_alter_table("model_check_report", schema=None) as batch_op:
        batch_op.add_column(sa.Column("suite", sa.String(length=100), nullable=True))
        batch_op.add_column(sa.Column("dataset", sa.String(length=200), nullable=True))


def downgrade() -> None:

    with op.batch_alter_table("model_check_report", schema=None) as batch_op:
        batch_op.drop_column("dataset")
        batch_op.drop_column("suite")

    with op.batch_alter_table("model_check_result", schema=None) as batch_op:
        batch_op.drop_index("ix_model_check_result_kept_at")

    op.drop_table("model_check_result")
