"""The first tables: jobs, the pictures they make, and the library with its terms."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Makes the tables. Written out, for what `tables` says may change with a later step."""
    _make_jobs()
    _make_library()


def _make_jobs() -> None:
    op.create_table(
        "jobs",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("kind", sa.String(60), nullable=False),
        sa.Column("payload", sa.Text, nullable=False),
        sa.Column("state", sa.String(12), nullable=False),
        sa.Column("lane", sa.String(8), nullable=False),
        sa.Column("priority", sa.Integer, nullable=False),
        sa.Column("place", sa.BigInteger, nullable=False),
        sa.Column("client", sa.String(200), nullable=False),
        sa.Column("key", sa.String(200)),
        sa.Column("asked", sa.String(64), nullable=False),
        sa.Column("webhook", sa.Text, nullable=False),
        sa.Column("webhook_tries", sa.Integer, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("crashes", sa.Integer, nullable=False),
        sa.Column("wish", sa.String(8), nullable=False),
        sa.Column("created", sa.Double, nullable=False),
        sa.Column("started", sa.Double, nullable=False),
        sa.Column("ended", sa.Double, nullable=False),
        sa.Column("message", sa.Text, nullable=False),
        sa.Column("failure", sa.String(60), nullable=False),
        sa.Column("result", sa.Text, nullable=False),
        sa.Column("work", sa.Double, nullable=False),
        sa.UniqueConstraint("client", "key", name="jobs_of_one_key"),
    )
    op.create_index("jobs_in_line", "jobs", ["state", "lane", "priority", "place"])
    op.create_index("jobs_by_time", "jobs", ["created"])
    op.create_table(
        "job_pictures",
        sa.Column("job", sa.String(32), sa.ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("state", sa.String(8), nullable=False),
        sa.Column("path", sa.Text, nullable=False),
        sa.Column("record", sa.Integer, nullable=False),
        sa.Column("infotext", sa.Text, nullable=False),
    )
    op.create_table(
        "switches",
        sa.Column("name", sa.String(60), primary_key=True),
        sa.Column("value", sa.Text, nullable=False),
    )


def _make_library() -> None:
    op.create_table(
        "pictures",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("path", sa.Text, nullable=False, unique=True),
        sa.Column("taken", sa.Double, nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("modified", sa.Double, nullable=False),
        sa.Column("width", sa.Integer, nullable=False),
        sa.Column("height", sa.Integer, nullable=False),
        sa.Column("source", sa.String(20), nullable=False),
        sa.Column("prompt", sa.Text, nullable=False),
        sa.Column("negative_prompt", sa.Text, nullable=False),
        sa.Column("model", sa.Text, nullable=False),
        sa.Column("seed", sa.String(20), nullable=False),
        sa.Column("recipe", sa.Text, nullable=False),
        sa.Column("infotext", sa.Text, nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("order_digest", sa.String(64), nullable=False),
        sa.Column("order_number", sa.Integer, nullable=False),
        sa.Column("interrupted", sa.Boolean, nullable=False),
        sa.Column("favourite", sa.Boolean, nullable=False),
        sa.Column("rating", sa.Integer, nullable=False),
        sa.Column("boards", sa.Text, nullable=False),
        sa.Column("tags", sa.Text, nullable=False),
        sa.Column("trashed", sa.Double),
        sa.Column("likeness", sa.BigInteger),
        sa.Column("vector_model", sa.String(120), nullable=False),
        sa.Column("vector", sa.LargeBinary),
        sqlite_autoincrement=True,
    )
    op.create_index("pictures_by_time", "pictures", ["trashed", "taken", "id"])
    op.create_index("pictures_by_digest", "pictures", ["digest"])
    _make_terms()


def _make_terms() -> None:
    picture = sa.ForeignKey("pictures.id", ondelete="CASCADE")
    op.create_table(
        "terms",
        sa.Column("term", sa.String(160).with_variant(sa.String(160, collation="C"), "postgresql"), primary_key=True),
        sa.Column("taken", sa.Double, primary_key=True),
        sa.Column("picture", sa.Integer, picture, primary_key=True),
        sqlite_with_rowid=False,
    )
    op.create_index("terms_of_picture", "terms", ["picture"])
    op.create_table(
        "numbers",
        sa.Column("name", sa.String(80), primary_key=True),
        sa.Column("value", sa.Double, primary_key=True),
        sa.Column("picture", sa.Integer, sa.ForeignKey("pictures.id", ondelete="CASCADE"), primary_key=True),
        sqlite_with_rowid=False,
    )
    op.create_index("numbers_of_picture", "numbers", ["picture", "name"])
