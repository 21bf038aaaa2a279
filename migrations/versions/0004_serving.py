"""Rollouts by evidence, batch predictions: what serving stands on."""

import sqlalchemy as sa
from alembic import op

import domain.db

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "batch_prediction",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("job_id", sa.String(length=36), nullable=False),
        sa.Column("dataset_version_id", sa.String(length=36), nullable=False),
        sa.Column("model_version_id", sa.String(length=36), nullable=False),
        sa.Column("ask", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("rows", sa.BigInteger(), nullable=True),
        sa.Column("bad_rows", sa.BigInteger(), nullable=True),
        sa.Column("bad", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("output_version_id", sa.String(length=36), nullable=True),
        sa.Column("created_at", domain.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.String(length=200), nullable=False),
        sa.Column("ended_at", domain.db.UtcDateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["dataset_version_id"],
            ["dataset_version.id"],
            name=op.f("fk_batch_prediction_dataset_version_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["job_id"], ["job.id"], name=op.f("fk_batch_prediction_job_id")),
        sa.ForeignKeyConstraint(
            ["model_version_id"], ["model_version.id"], name=op.f("fk_batch_prediction_model_version_id")
        ),
        sa.ForeignKeyConstraint(
            ["output_version_id"],
            ["dataset_version.id"],
            name=op.f("fk_batch_prediction_output_version_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_batch_prediction")),
        sa.UniqueConstraint("job_id", name=op.f("uq_batch_prediction_job_id")),
    )
    with op.batch_alter_table("batch_prediction", schema=None) as batch_op:
        batch_op.create_index("ix_batch_prediction_model_version_id", ["model_version_id"], unique=False)

    op.create_table(
        "version_image",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("version_id", sa.String(length=36), nullable=False),
        sa.Column("job_id", sa.String(length=36), nullable=False),
        sa.Column("target", sa.String(length=300), nullable=False),
        sa.Column("base", sa.String(length=400), nullable=False),
        sa.Column("platform", sa.String(length=70), nullable=False),
        sa.Column("endpoint", sa.String(length=100), nullable=False),
        sa.Column("pushed", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("created_at", domain.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.String(length=200), nullable=False),
        sa.Column("pushed_at", domain.db.UtcDateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["job_id"], ["job.id"], name=op.f("fk_version_image_job_id")),
        sa.ForeignKeyConstraint(["version_id"], ["model_version.id"], name=op.f("fk_version_image_version_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_version_image")),
        sa.UniqueConstraint("job_id", name=op.f("uq_version_image_job_id")),
    )
    with op.batch_alter_table("version_image", schema=None) as batch_op:
        batch_op.create_index("ix_version_image_version_id", ["version_id"], unique=False)

    op.create_table(
        "batch_part",
        sa.Column("batch_id", sa.String(length=36), nullable=False),
        sa.Column("start", sa.BigInteger(), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("md5", sa.String(length=32), nullable=False),
        sa.Column("bad_rows", sa.Integer(), nullable=False),
        sa.Column("bad", sa.JSON(none_as_null=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["batch_id"], ["batch_prediction.id"], name=op.f("fk_batch_part_batch_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("batch_id", "start", name=op.f("pk_batch_part")),
    )
    with op.batch_alter_table("batch_part", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_batch_part_md5"), ["md5"], unique=False)

    with op.batch_alter_table("endpoint", schema=None) as batch_op:
        batch_op.add_column(sa.Column("strategy", sa.JSON(none_as_null=True), nullable=True))

    with op.batch_alter_table("rollout", schema=None) as batch_op:
        batch_op.add_column(sa.Column("strategy", sa.JSON(none_as_null=True), nullable=True))
        batch_op.add_column(sa.Column("step", sa.Integer(), server_default="0", nullable=False))
        batch_op.add_column(sa.Column("step_began_at", domain.db.UtcDateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("analysis", sa.JSON(none_as_null=True), nullable=True))
        batch_op.add_column(sa.Column("quality", sa.JSON(none_as_null=True), nullable=True))
        batch_op.add_column(sa.Column("history", sa.JSON(none_as_null=True), server_default="[]", nullable=False))
        batch_op.add_column(sa.Column("watched_until", domain.db.UtcDateTime(timezone=True), nullable=True))
        batch_op.create_index("ix_rollout_state", ["state"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("rollout", schema=None) as batch_op:
        batch_op.drop_index("ix_rollout_state")
        batch_op.drop_column("watched_until")
        batch_op.drop_column("history")
        batch_op.drop_column("quality")
        batch_op.drop_column("analysis")
        batch_op.drop_column("step_began_at")
        batch_op.drop_column("step")
        batch_op.drop_column("strategy")

    with op.batch_alter_table("endpoint", schema=None) as batch_op:
        batch_op.drop_column("strategy")

    with op.batch_alter_table("batch_part", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_batch_part_md5"))

    op.drop_table("batch_part")
    with op.batch_alter_table("version_image", schema=None) as batch_op:
        batch_op.drop_index("ix_version_image_version_id")

    op.drop_table("version_image")
    with op.batch_alter_table("batch_prediction", schema=None) as batch_op:
        batch_op.drop_index("ix_batch_prediction_model_version_id")

    op.drop_table("batch_prediction")
