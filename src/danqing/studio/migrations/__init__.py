"""How the database came to its present tables, step by step, for alembic. `database.open_database` runs what is still to be done."""

HEAD = "0001"
"""The newest step."""
