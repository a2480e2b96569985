from __future__ import annotations

from django.core.management import call_command
from django.db import connection

from cdc_sandbox.demo import schema
from cdc_sandbox.servers import MySQLServer
from portal.tweets.fields import LARGEST_ID
from portal.tweets.models import Author, Tweet

_COLUMNS = (
    "SELECT table_name, column_name, data_type, column_type LIKE '%%unsigned', is_nullable,"
    " datetime_precision, column_key FROM information_schema.columns"
    " WHERE table_schema = %s AND table_name IN ('users', 'tweets')"
    " ORDER BY table_name, ordinal_position"
)


def test_the_models_have_no_change_that_no_migration_makes(rows: MySQLServer) -> None:
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)


def test_the_migrations_make_the_tables_that_the_demo_has_without_a_portal(
    tables: MySQLServer,
) -> None:
    with tables.connect() as source:
        schema.create(source)
    migrated = tables.execute(_COLUMNS, [connection.settings_dict["NAME"]])

    written = tables.execute(_COLUMNS, [schema.SCHEMA])

    # Django's only text without a limit; both are the same string to `cdc`.
    assert [[*each[:2], each[2].replace("longtext", "text"), *each[3:]] for each in migrated] == [
        [*each[:2], each[2].replace("longtext", "text"), *each[3:]] for each in written
    ]


def test_an_id_is_as_large_as_64_bits_are(rows: MySQLServer) -> None:
    author = Author.objects.create(id=LARGEST_ID, screen_name="last", name="Last of all")

    Tweet.objects.create(id=LARGEST_ID, author=author, text="!", in_reply_to_user_id=LARGEST_ID)

    read = Tweet.objects.get(author_id=LARGEST_ID)
    assert (read.id, read.in_reply_to_user_id) == (LARGEST_ID, LARGEST_ID)
    field = Author._meta.get_field("id").formfield()
    assert field is None or field.clean(str(LARGEST_ID)) == LARGEST_ID
