"""Indexes for searching that Django has no words for: see dashboard/texts.py, dashboard/search.py.

Whatever rebuilds the table `headway_task` on SQLite must make its triggers and the index of ids
again. `migrate headway 0003` and `migrate headway` make an index of texts that was not allowed
before.
"""

# ruff: noqa: S608 -- every piece of SQL is a constant

import logging

from django.db import DatabaseError, migrations, transaction

log = logging.getLogger(__name__)

_CHARACTER = "[0-9a-f-]"
_ODD_IDS = {
    "sqlite": f"id NOT GLOB '{_CHARACTER * 36}'",
    "postgresql": "id !~ '^[0-9a-f-]{36}$'",
}
_HAS_TEXT = "({0}.label IS NOT NULL OR {0}.exception IS NOT NULL)"
_NOTE = (
    "INSERT INTO headway_text_due (task_id) SELECT {0}.id"
    " WHERE NOT EXISTS (SELECT 1 FROM headway_text_due WHERE task_id = {0}.id);"
)
# FTS5 writes what it has to its tables before each statement of a trigger. So triggers note what is
# to be indexed, and whoever writes tasks has it indexed once for each commit (dashboard/texts.py).
_SQLITE_TEXTS = (
    """
    CREATE VIRTUAL TABLE headway_text_parts
    USING fts5 (label, exception, tokenize = 'trigram', detail = none)
    """,
    # The numbers of rows in headway_task may change with VACUUM; these do not.
    "CREATE TABLE headway_text (id integer PRIMARY KEY, task_id varchar(255) NOT NULL UNIQUE)",
    "CREATE TABLE headway_text_due (task_id varchar(255) PRIMARY KEY) WITHOUT ROWID",
    f"""
    INSERT INTO headway_text (task_id) SELECT id FROM headway_task
    WHERE {_HAS_TEXT.format("headway_task")}
    """,
    """
    INSERT INTO headway_text_parts (rowid, label, exception)
    SELECT headway_text.id, label, exception FROM headway_text
    JOIN headway_task ON headway_task.id = headway_text.task_id
    """,
    f"""
    CREATE TRIGGER headway_text_insert AFTER INSERT ON headway_task
    WHEN {_HAS_TEXT.format("NEW")} BEGIN
        {_NOTE.format("NEW")}
    END
    """,
    f"""
    CREATE TRIGGER headway_text_update AFTER UPDATE OF label, exception ON headway_task
    WHEN NEW.label IS NOT OLD.label OR NEW.exception IS NOT OLD.exception BEGIN
        {_NOTE.format("NEW")}
    END
    """,
    f"""
    CREATE TRIGGER headway_text_delete AFTER DELETE ON headway_task
    WHEN {_HAS_TEXT.format("OLD")} BEGIN
        {_NOTE.format("OLD")}
    END
    """,
)
_POSTGRESQL_TEXTS = (
    "CREATE EXTENSION IF NOT EXISTS pg_trgm",
    *(
        f"CREATE INDEX headway_task_{column}_parts ON headway_task"
        f' USING gin ({column} COLLATE "C" gin_trgm_ops) WHERE {column} IS NOT NULL'
        for column in ("label", "exception")
    ),
)
_DROPS = {
    "sqlite": (
        *(f"DROP TRIGGER IF EXISTS headway_text_{what}" for what in ("insert", "update", "delete")),
        "DROP TABLE IF EXISTS headway_text_parts",
        "DROP TABLE IF EXISTS headway_text_due",
        "DROP TABLE IF EXISTS headway_text",
    ),
    "postgresql": tuple(
        f"DROP INDEX IF EXISTS headway_task_{column}_parts" for column in ("label", "exception")
    ),
}


def index_ids(apps, schema_editor):
    odd = _ODD_IDS.get(schema_editor.connection.vendor)
    if odd is not None:
        schema_editor.execute(f"CREATE INDEX headway_task_odd ON headway_task (id) WHERE {odd}")


def forget_ids(apps, schema_editor):
    schema_editor.execute("DROP INDEX IF EXISTS headway_task_odd")


def index_texts(apps, schema_editor):
    """Without a right to it, or without the extension, searches are slower and nothing fails."""
    connection = schema_editor.connection
    statements = {"sqlite": _SQLITE_TEXTS, "postgresql": _POSTGRESQL_TEXTS}
    try:
        with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
            for statement in statements.get(connection.vendor, ()):
                cursor.execute(statement)
    except DatabaseError as error:
        log.warning("Labels and exceptions are searched without an index: %s", error)


def forget_texts(apps, schema_editor):
    for statement in _DROPS.get(schema_editor.connection.vendor, ()):
        schema_editor.execute(statement)


class Migration(migrations.Migration):
    dependencies = [("headway", "0003_worker_inspected")]

    operations = [
        migrations.RunPython(index_ids, forget_ids),
        migrations.RunPython(index_texts, forget_texts),
    ]
