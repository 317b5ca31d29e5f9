"""The tables of the studio's database, one SQL for SQLite and PostgreSQL. `migrations` makes them; a test holds the two together."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

metadata = MetaData()

# Compared byte by byte on both databases: a search for everything that begins with a word is a range of terms.
TERM = String(160).with_variant(String(160, collation="C"), "postgresql")

jobs = Table(
    "jobs",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("kind", String(60), nullable=False),
    Column("payload", Text, nullable=False),
    Column("state", String(12), nullable=False),
    Column("lane", String(8), nullable=False),
    Column("priority", Integer, nullable=False),
    Column("place", BigInteger, nullable=False),
    Column("client", String(200), nullable=False),
    Column("key", String(200)),
    Column("asked", String(64), nullable=False),
    Column("webhook", Text, nullable=False),
    Column("webhook_tries", Integer, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("crashes", Integer, nullable=False),
    Column("wish", String(8), nullable=False),
    Column("created", Double, nullable=False),
    Column("started", Double, nullable=False),
    Column("ended", Double, nullable=False),
    Column("message", Text, nullable=False),
    Column("failure", String(60), nullable=False),
    Column("result", Text, nullable=False),
    Column("work", Double, nullable=False),
    UniqueConstraint("client", "key", name="jobs_of_one_key"),
    Index("jobs_in_line", "state", "lane", "priority", "place"),
    Index("jobs_by_time", "created"),
)
"""`place` orders jobs of one priority; `asked` is the sha256 of what was submitted; `work` is a measure of how much it is."""

job_pictures = Table(
    "job_pictures",
    metadata,
    Column("job", String(32), ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("state", String(8), nullable=False),
    Column("path", Text, nullable=False),
    Column("record", Integer, nullable=False),
    Column("infotext", Text, nullable=False),
)
"""A row is there before the file is: "writing", then "kept"; "skipped" for one that the user didn't want."""

switches = Table(
    "switches",
    metadata,
    Column("name", String(60), primary_key=True),
    Column("value", Text, nullable=False),
)

pictures = Table(
    "pictures",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("path", Text, nullable=False, unique=True),
    Column("taken", Double, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("modified", Double, nullable=False),
    Column("width", Integer, nullable=False),
    Column("height", Integer, nullable=False),
    Column("source", String(20), nullable=False),
    Column("prompt", Text, nullable=False),
    Column("negative_prompt", Text, nullable=False),
    Column("model", Text, nullable=False),
    Column("seed", String(20), nullable=False),
    Column("recipe", Text, nullable=False),
    Column("infotext", Text, nullable=False),
    Column("digest", String(64), nullable=False),
    Column("order_digest", String(64), nullable=False),
    Column("order_number", Integer, nullable=False),
    Column("interrupted", Boolean, nullable=False),
    Column("favourite", Boolean, nullable=False),
    Column("rating", Integer, nullable=False),
    Column("boards", Text, nullable=False),
    Column("tags", Text, nullable=False),
    Column("trashed", Double),
    Column("likeness", BigInteger),
    Column("vector_model", String(120), nullable=False),
    Column("vector", LargeBinary),
    Index("pictures_by_time", "trashed", "taken", "id"),
    Index("pictures_by_digest", "digest"),
    sqlite_autoincrement=True,
)
"""`path` is relative to the outputs folder when it lies there, and always where the file is, in the trash too.

`seed` is text, for it may have 64 bits and no sign; `likeness` is the perceptual hash; `vector` is float16 of length 1.
"""

terms = Table(
    "terms",
    metadata,
    Column("term", TERM, primary_key=True),
    Column("taken", Double, primary_key=True),
    Column("picture", Integer, ForeignKey("pictures.id", ondelete="CASCADE"), primary_key=True),
    Index("terms_of_picture", "picture"),
    sqlite_with_rowid=False,
)
"""Words of the prompt, pairs of Chinese and Korean signs, and `name=value` of every parameter.

`taken` stands here too, so that one index gives the newest pictures of a term without a sort.
"""

numbers = Table(
    "numbers",
    metadata,
    Column("name", String(80), primary_key=True),
    Column("value", Double, primary_key=True),
    Column("picture", Integer, ForeignKey("pictures.id", ondelete="CASCADE"), primary_key=True),
    Index("numbers_of_picture", "picture", "name"),
    sqlite_with_rowid=False,
)
"""Parameters that are numbers, for "at least" and "at most"."""
