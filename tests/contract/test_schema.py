"""Migrations and tables say the same on every database that we support."""

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import create_engine, text

from quitus_collector.adapters.sql.store import SQLStore
from quitus_collector.adapters.sql.tables import metadata
from quitus_collector.errors import StoreError


def test_the_migrations_make_the_tables_that_the_code_expects(database_url: str) -> None:
    store = SQLStore(database_url)
    store.upgrade()
    store.check_schema()
    store.close()

    engine = create_engine(database_url)
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    engine.dispose()


def test_an_empty_database_says_what_to_run(database_url: str) -> None:
    store = SQLStore(database_url)

    with pytest.raises(StoreError, match="is empty: run quitus-collector init"):
        store.check_schema()
    store.close()


def test_a_database_of_a_newer_version_is_left_alone(database_url: str) -> None:
    store = SQLStore(database_url)
    store.upgrade()
    engine = create_engine(database_url)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    engine.dispose()

    with pytest.raises(StoreError, match="newer version of quitus-collector"):
        store.check_schema()
    store.close()


def test_upgrading_twice_changes_nothing(database_url: str) -> None:
    store = SQLStore(database_url)
    store.upgrade()
    store.upgrade()
    store.check_schema()
    store.close()


def test_a_database_that_is_away_is_told_without_its_password() -> None:
    store = SQLStore("postgresql+psycopg://quitus:s3cret@127.0.0.1:1/quitus")

    with pytest.raises(StoreError) as raised:
        store.check_schema()

    assert "127.0.0.1:1/quitus cannot serve" in str(raised.value)
    assert "s3cret" not in str(raised.value)
    assert "\n" not in str(raised.value)
    store.close()
