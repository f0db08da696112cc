"""Migrations and tables say the same on every database that we support."""

import re
from pathlib import Path
from urllib.parse import quote

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import create_engine, text

from quitus_collector.adapters.sql.store import SQLStore
from quitus_collector.adapters.sql.tables import metadata
from quitus_collector.errors import StoreError, UsageError


def is_no_partition(_: object, name: str, kind: str, _reflected: bool, _model: object) -> bool:
    """Partitions are the database's own: they have all that their table has."""
    return kind != "table" or not re.fullmatch(r"\w+_\d", name)


def test_the_migrations_make_the_tables_that_the_code_expects(database_url: str) -> None:
    store = SQLStore(database_url, create=True)
    store.upgrade()
    store.check_schema()
    store.close()

    engine = create_engine(database_url)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"include_object": is_no_partition})
        assert compare_metadata(context, metadata) == []
    engine.dispose()


def test_an_empty_database_says_what_to_run(database_url: str) -> None:
    store = SQLStore(database_url, create=True)

    with pytest.raises(StoreError, match="is empty: run quitus-collector init"):
        store.check_schema()
    store.close()


def test_a_database_of_a_newer_version_is_left_alone(database_url: str) -> None:
    store = SQLStore(database_url, create=True)
    store.upgrade()
    engine = create_engine(database_url)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    engine.dispose()

    with pytest.raises(StoreError, match="newer version of quitus-collector"):
        store.check_schema()
    # As after `helm rollback`: it says so, and leaves it as it is.
    with pytest.raises(StoreError, match="newer version of quitus-collector"):
        store.upgrade()
    store.close()


def test_upgrading_twice_changes_nothing(database_url: str) -> None:
    store = SQLStore(database_url, create=True)
    store.upgrade()
    store.upgrade()
    store.check_schema()
    store.close()


def test_a_file_that_is_gone_is_not_made_anew(tmp_path: Path) -> None:
    store = SQLStore(f"sqlite:///{tmp_path / 'quitus.db'}")

    with pytest.raises(StoreError, match=r"quitus\.db cannot serve: unable to open database file"):
        store.check_schema()

    assert list(tmp_path.iterdir()) == []


def test_a_folder_may_have_any_name(tmp_path: Path) -> None:
    folder = tmp_path / "we?ird #1 & été"
    folder.mkdir()

    store = SQLStore(f"sqlite:///{quote(str(folder / 'quitus.db'))}", create=True)
    store.upgrade()
    store.close()

    assert (folder / "quitus.db").exists()


@pytest.mark.parametrize(
    "url",
    [
        "mysql://u:s3cret@h/x",
        "mysql://u@h/x?password=s3cret",
        "nonsense s3cret",
        "postgresql://u:s3cret@h:port/x",
        "postgresql://u:p@s3cret@h/x",
    ],
)
def test_a_refused_url_is_told_without_its_password(url: str) -> None:
    with pytest.raises(UsageError) as raised:
        SQLStore(url)

    assert "s3cret" not in str(raised.value)


def test_both_usual_spellings_of_postgresql_are_understood() -> None:
    for scheme in ("postgres", "postgresql", "postgresql+psycopg"):
        assert SQLStore(f"{scheme}://u:s3cret@h/x").name == "postgresql+psycopg://u:***@h/x"
    named = SQLStore("postgresql://u@h/x?password=s3cret&sslmode=require").name
    assert named == "postgresql+psycopg://u@h/x?sslmode=require"


def test_a_database_that_is_away_is_told_without_its_password() -> None:
    store = SQLStore("postgresql+psycopg://quitus:s3cret@127.0.0.1:1/quitus")

    with pytest.raises(StoreError) as raised:
        store.check_schema()

    assert "127.0.0.1:1/quitus cannot serve" in str(raised.value)
    assert "s3cret" not in str(raised.value)
    assert "\n" not in str(raised.value)
    store.close()
