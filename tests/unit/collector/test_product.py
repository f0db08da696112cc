import pytest

from quitus_collector.domain.product import (
    is_lower_version,
    is_product_id,
    version_key,
    version_label,
)


def test_versions_are_ordered_as_licence_managers_order_them() -> None:
    ordered = ["cs5", "cs6", "7", "8", "8.1", "10", "2012", "2012r2", "2016", "2019"]

    assert sorted(ordered, key=version_key) == ordered


def test_a_lower_version_is_one_of_the_same_edition() -> None:
    assert is_lower_version("m/office/standard@2013", of="m/office/standard@2016")
    assert not is_lower_version("m/office/standard@2016", of="m/office/standard@2016")
    assert not is_lower_version("m/office/standard@2013", of="m/office/professional@2016")
    assert not is_lower_version("m/365", of="m/365@2016")


@pytest.mark.parametrize(
    ("version", "label"),
    [("2016", "2016"), ("cs6", "CS6"), ("r2023b", "R2023b"), ("2012r2", "2012 R2"), ("", "")],
)
def test_versions_are_written_as_publishers_write_them(version: str, label: str) -> None:
    assert version_label(version) == label


@pytest.mark.parametrize(
    "text", ["microsoft/office/word@2016", "docker/desktop", "7-zip/7-zip", "a/b@2012r2"]
)
def test_product_ids(text: str) -> None:
    assert is_product_id(text)


@pytest.mark.parametrize(
    "text", ["", "microsoft", "Microsoft/office", "a/b/c/d", "a/b@", "a b/c", "a/b@2016 ", "a//b"]
)
def test_what_is_not_a_product_id(text: str) -> None:
    assert not is_product_id(text)
