"""Bringing the database of an older format to the present one, in place."""

import sqlite3

from ingest.checksums import CHUNK, DOCUMENT, of_row
from ingest.tables import INDEXES


def upgrade(connection: sqlite3.Connection) -> None:
    """From format 1, whose rows had no checksums and fewer indexes. Does nothing to a newer one.

    To be called within a transaction, so that a killed upgrade has not begun.
    """
    for table, names in (("documents", DOCUMENT), ("chunks", CHUNK)):
        columns = connection.execute(f"SELECT name FROM pragma_table_info('{table}')").fetchall()
        if "checksum" in [column["name"] for column in columns]:
            continue
        connection.execute(f"ALTER TABLE {table} ADD COLUMN checksum INTEGER")
        ids = connection.execute(f"SELECT id FROM {table}").fetchall()
        for (number,) in ids:
            row = connection.execute(f"SELECT * FROM {table} WHERE id = ?", (number,)).fetchone()
            connection.execute(
                f"UPDATE {table} SET checksum = ? WHERE id = ?", (of_row(row, names), number)
            )
    for index in INDEXES:
        connection.execute(index)
