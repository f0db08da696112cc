"""Each reading of docs/licensing.md where a rule could be read otherwise; the names say which."""

from typing import Any

from quitus_collector.domain.licensing.situation import Reconciliation
from tests.unit.collector.licensing.documents import reconciled

APP = "p/app@2"


def answer(
    installs: dict[str, list[str]],
    lines: list[dict[str, Any]],
    devices: dict[str, dict[str, Any]] | None = None,
    products: dict[str, dict[str, Any]] | None = None,
    **more: Any,
) -> Reconciliation:
    """`installs` by device; a line without an id, quantity or metric gets E0, 1 and device."""
    names = {p for found in installs.values() for p in found} | {e["product"] for e in lines}
    names |= {each["product"] for each in (*more.get("access", ()), *more.get("peaks", ()))}
    terms = products or {}
    facts = devices or {}
    return reconciled(
        {
            "as_of": "2026-06-30",
            "products": [{"id": p, **terms.get(p, {})} for p in sorted(names | terms.keys())],
            "devices": [{"id": d, **facts.get(d, {})} for d in sorted({*installs, *facts})],
            "installs": [{"device": d, "product": p} for d in installs for p in installs[d]],
            "entitlements": [
                {"id": f"E{n}", "quantity": 1, "metric": "device", **line}
                for n, line in enumerate(lines)
            ],
            **more,
        }
    )


def rights(found: Reconciliation) -> dict[tuple[str, str], str]:
    return {(c.device, c.product): c.right.value for c in found.covered}


def test_versions_a_product_without_one_matches_only_itself() -> None:
    line = {"product": "p/app", "downgrade": True, "maintenance_until": "2030-01-01"}

    assert rights(answer({"d": ["p/app", APP]}, [line])) == {("d", "p/app"): "direct"}


def test_suites_a_component_stands_at_the_version_of_its_suite() -> None:
    suite = {"p/suite@2": {"includes": ["p/app"]}}
    installs = {"d": ["p/app@1", APP, "p/app@3"]}

    plain = answer(installs, [{"product": "p/suite@2"}], products=suite)
    lower = answer(installs, [{"product": "p/suite@2", "downgrade": True}], products=suite)

    assert rights(plain) == {("d", APP): "suite"}
    assert set(rights(lower)) == {("d", APP), ("d", "p/app@1")}


def test_suites_one_unit_is_never_split_over_two_devices() -> None:
    suite = {"p/suite@2": {"includes": ["p/app", "p/other"]}}

    found = answer({"a": [APP], "b": ["p/other@2"]}, [{"product": "p/suite@2"}], products=suite)

    assert len(found.covered) == 1


def test_suites_one_within_another_counts_with_its_components() -> None:
    suites = {"p/all@2": {"includes": ["p/suite"]}, "p/suite@2": {"includes": ["p/app"]}}

    assert rights(answer({"d": [APP]}, [{"product": "p/all@2"}], products=suites))


def test_suites_without_a_version_reach_versions_only_where_listed() -> None:
    suite = {"p/suite": {"includes": ["p/app@2", "p/other"]}}

    found = answer({"d": [APP, "p/other@2"]}, [{"product": "p/suite"}], products=suite)

    assert set(rights(found)) == {("d", APP)}


def test_suites_components_are_those_of_the_suite_that_is_owned() -> None:
    suites = {"p/suite@1": {"includes": ["p/old"]}, "p/suite@2": {"includes": ["p/app"]}}
    line = {"product": "p/suite@2", "downgrade": True}

    assert not rights(answer({"d": ["p/old@1"]}, [line], products=suites))


def test_suites_a_product_without_a_release_day_is_never_maintained() -> None:
    line = {"product": "p/app@1", "maintenance_until": "2030-01-01"}

    assert not rights(answer({"d": [APP]}, [line]))
    assert rights(answer({"d": [APP]}, [line], products={APP: {"released": "2030-01-01"}}))


def test_one_unit_covers_several_versions_on_its_device() -> None:
    found = answer({"d": ["p/app@1", APP]}, [{"product": APP, "downgrade": True, "quantity": 9}])

    assert found.consumed == {"E0": 1}


def test_users_a_unit_covers_nothing_without_a_primary_user() -> None:
    assert not answer({"d": [APP]}, [{"product": APP, "metric": "user"}]).covered


def test_users_may_hold_several_units_each_for_further_devices() -> None:
    devices = {name: {"user": "u"} for name in "abc"}
    line = {"product": APP, "metric": "user", "quantity": 5, "devices_per_user": 2}

    assert answer({name: [APP] for name in "abc"}, [line], devices).consumed == {"E0": 2}


def test_users_a_device_without_one_is_bought_for_by_itself() -> None:
    devices = {"a": {"user": "u"}, "b": {"user": "u"}, "c": {}, "d": {}}
    terms = {APP: {"default_metric": "user", "unit_cost": 10}}

    assert answer({name: [APP] for name in devices}, [], devices, terms).shortfall_cost == 30


def test_users_a_bound_unit_covers_its_device_alone() -> None:
    devices = {"a": {"user": "u"}, "b": {"user": "u"}}
    line = {"product": APP, "metric": "user", "bound_to": "a"}

    assert set(rights(answer({"a": [APP], "b": [APP]}, [line], devices))) == {("a", APP)}


def test_cores_of_several_lines_add_up_where_each_may_cover_the_device() -> None:
    devices = {"a": {"cores": 8, "entity": "X"}, "b": {"cores": 8}}
    half = {"product": APP, "metric": "core", "quantity": 4}
    lines = [half | {"entity": "X"}, half | {"valid_until": "2026-12-31"}]

    assert answer({"a": [APP]}, lines, {"a": devices["a"]}).consumed == {"E0": 4, "E1": 4}
    assert not answer({"b": [APP]}, lines, {"b": devices["b"]}).covered


def test_cores_left_over_lower_the_price_without_being_consumed() -> None:
    terms = {APP: {"default_metric": "core", "unit_cost": 10}}
    line = {"product": APP, "metric": "core", "quantity": 8}

    found = answer({"d": [APP]}, [line], {"d": {"cores": 12}}, terms)

    assert (found.shortfall_cost, found.consumed) == (40, {"E0": 0})


def test_cores_of_hosts_and_upgrades_are_never_left_over() -> None:
    terms = {APP: {"default_metric": "core", "unit_cost": 10}}
    line = {"product": APP, "metric": "core", "quantity": 8}

    for right in ({"virtual_machines": 2}, {"requires_base": "p/app"}):
        found = answer({"d": [APP]}, [line | right], {"d": {"cores": 12}}, terms)
        assert found.shortfall_cost == 120


def test_virtual_machines_binding_and_entity_are_tested_on_the_host() -> None:
    devices = {
        "h": {"entity": "X"},
        "v": {"kind": "virtual", "host": "h", "entity": "Y"},
        "w": {"kind": "virtual"},
    }
    line = {"product": APP, "metric": "core", "quantity": 9, "virtual_machines": 2}

    for right in ({"entity": "X"}, {"bound_to": "h"}):
        found = answer({"v": [APP], "w": [APP]}, [line | right], devices)
        assert rights(found) == {("v", APP): "virtualisation"}


def test_second_use_needs_the_same_person_and_serves_one_portable_device() -> None:
    person = {"user": "u"}
    devices = {"a": person, "b": person | {"portable": True}, "c": person | {"portable": True}}
    devices["d"] = {"portable": True}
    line = {"product": APP, "second_use": True}

    found = answer({name: [APP] for name in devices}, [line], devices)

    assert rights(found) == {("a", APP): "direct", ("b", APP): "second_use"}


def test_second_use_the_holder_needs_no_install_but_its_own_full_licence() -> None:
    devices = {"desk": {"user": "u"}, "lap": {"user": "u", "portable": True}}
    lines = [
        {"product": APP, "second_use": True, "requires_base": "p/base"},
        {"product": "p/base", "bound_to": "desk"},
    ]

    found = answer({"lap": [APP]}, lines, devices)

    assert rights(found) == {("lap", APP): "second_use"}
    assert found.consumed == {"E0": 1, "E1": 1}


def test_second_use_entity_is_tested_on_both_devices_and_binding_excludes_it() -> None:
    devices = {"a": {"user": "u", "entity": "X"}, "b": {"user": "u", "portable": True}}
    line = {"product": APP, "second_use": True}

    for right in ({"entity": "X"}, {"bound_to": "a"}):
        assert set(rights(answer({"a": [APP], "b": [APP]}, [line | right], devices))) == {
            ("a", APP)
        }


def test_upgrades_consume_a_full_licence_in_its_own_metric() -> None:
    lines = [
        {"product": APP, "requires_base": "p/base@1"},
        {"product": "p/base@1", "metric": "core", "quantity": 9},
    ]

    found = answer({"d": [APP, "p/base@1"]}, lines, {"d": {"cores": 4}})

    # The full licence covers nothing else: the base product is covered by four further cores.
    assert found.consumed == {"E0": 1, "E1": 8}


def test_bases_must_be_the_product_itself_whatever_their_downgrade_rights() -> None:
    lines = [
        {"product": APP, "requires_base": "p/base@1"},
        {"product": "p/base@2", "downgrade": True},
    ]

    assert not answer({"d": [APP]}, lines).covered


def test_concurrent_installs_of_a_product_with_a_peak_are_judged_by_the_peak() -> None:
    line = {"product": APP, "metric": "concurrent", "quantity": 2}
    installs = {name: [APP] for name in "abcd"}

    found = answer(installs, [line], peaks=[{"product": APP, "concurrent": 3}])

    assert (found.uncovered, found.covered) == ({APP: 1}, [])


def test_concurrent_without_a_peak_every_install_is_a_use() -> None:
    terms = {APP: {"default_metric": "concurrent"}}

    assert answer({name: [APP] for name in "abc"}, [], products=terms).uncovered == {APP: 3}


def test_uses_only_concurrent_licences_count_them_and_they_count_nothing_else() -> None:
    concurrent, device = {"product": APP, "metric": "concurrent"}, {"product": APP}

    assert answer({"a": [APP]}, [concurrent]).consumed == {"E0": 0}
    found = answer({"a": [APP]}, [device], peaks=[{"product": APP, "concurrent": 1}])
    assert found.consumed == {"E0": 0}


def test_access_is_bought_as_the_cheapest_mix_and_counted_as_lines() -> None:
    access = [{"product": "p/cal@1", "user": f"u{n}", "device": "kiosk"} for n in range(4)]

    found = answer({}, [], products={"p/cal@1": {"unit_cost": 7}}, access=[*access, *access])

    assert found.shortfall_cost == 7
    assert (found.uncovered_access, found.uncovered) == ({"p/cal@1": 4}, {})


def test_access_a_cal_covers_lower_versions_only_with_downgrade() -> None:
    access = [{"product": "p/cal@1", "user": "u", "device": "d"}]
    line = {"product": "p/cal@2", "metric": "user_cal"}

    assert not answer({}, [line], access=access).covered
    (cover,) = answer({}, [line | {"downgrade": True}], access=access).covered
    assert (cover.user, cover.right) == ("u", "downgrade")


def test_cals_have_suites_and_test_entity_and_binding_on_the_device_of_the_line() -> None:
    access = [{"product": "p/cal", "user": "u", "device": name} for name in ("a", "b")]
    line = {"product": "p/cals", "metric": "user_cal"}
    devices = {"a": {"entity": "X"}}
    suite = {"p/cals": {"includes": ["p/cal"]}}

    for right in ({"entity": "X"}, {"bound_to": "a"}):
        found = answer({}, [line | right], devices, suite, access=access)
        assert rights(found) == {("a", "p/cal"): "suite"}


def test_entities_a_device_without_one_is_covered_by_unrestricted_lines_alone() -> None:
    assert not answer({"d": [APP]}, [{"product": APP, "entity": "X"}]).covered
    assert answer({"d": [APP]}, [{"product": APP}], {"d": {"entity": "X"}}).covered


def test_price_is_the_products_own_whatever_would_be_cheaper() -> None:
    terms = {
        "p/suite@2": {"includes": ["p/app", "p/other"], "unit_cost": 1},
        APP: {"unit_cost": 10},
        "p/other@2": {"unit_cost": 10},
    }

    assert answer({"d": [APP, "p/other@2"]}, [], products=terms).shortfall_cost == 20


def test_purchases_are_limited_by_the_smallest_devices_per_user_of_any_line() -> None:
    devices = {f"d{n}": {"user": "u"} for n in range(6)}
    line = {"product": APP, "metric": "user", "quantity": 0}
    lines = [line | {"devices_per_user": 5}, line | {"devices_per_user": 2}]
    terms = {APP: {"default_metric": "user"}}

    assert answer({d: [APP] for d in devices}, lines, devices, terms).shortfall_cost == 3


def test_purchases_for_a_guest_go_by_its_own_cores_and_the_installed_products_minimums() -> None:
    devices = {"h": {"cores": 64}, "v": {"kind": "virtual", "host": "h", "cores": 2}}
    terms = {APP: {"default_metric": "core", "core_minimum_per_device": 4}}

    assert answer({"v": [APP]}, [], devices, terms).shortfall_cost == 4


def test_purchases_only_lines_in_force_under_the_default_metric_are_left_over() -> None:
    terms = {APP: {"default_metric": "core"}}
    line = {"product": APP, "metric": "core", "quantity": 3}

    for other in ({"valid_until": "2026-06-29"}, {"metric": "processor"}):
        found = answer({"d": [APP]}, [line | other], {"d": {"cores": 4, "processors": 9}}, terms)
        assert found.shortfall_cost == 4


def test_purchases_licensing_goes_by_the_minimums_of_the_owned_product() -> None:
    terms = {"p/app@3": {"core_minimum_per_device": 8}, APP: {"core_minimum_per_device": 2}}
    line = {"product": "p/app@3", "metric": "core", "quantity": 9, "downgrade": True}

    assert answer({"d": [APP]}, [line], products=terms).consumed == {"E0": 8}


def test_third_level_units_weigh_their_products_price_and_bases_count() -> None:
    terms = {"p/app@3": {"unit_cost": 5}, "p/app@4": {"unit_cost": 3}, "p/base": {"unit_cost": 3}}
    dear = {"product": "p/app@3", "downgrade": True}
    cheap_with_base = {"product": "p/app@4", "downgrade": True, "requires_base": "p/base"}

    found = answer({"d": [APP]}, [cheap_with_base, {"product": "p/base"}, dear], products=terms)

    assert found.consumed == {"E0": 0, "E1": 0, "E2": 1}


def test_third_level_equal_weights_go_to_fewer_units() -> None:
    free = {"p/app@3": {"unit_cost": 0}, APP: {"unit_cost": 0}, "p/app@1": {"unit_cost": 0}}
    lines = [{"product": APP}, {"product": "p/app@1"}, {"product": "p/app@3", "downgrade": True}]

    found = answer({"d": [APP, "p/app@1"]}, lines, products=free)

    assert found.consumed == {"E0": 0, "E1": 0, "E2": 1}


def test_editions_both_must_state_a_rank() -> None:
    line = {"product": "p/f/pro@2", "edition_downgrade": True}
    ranked = {"p/f/pro@2": {"edition_rank": 2}, "p/f/std@2": {"edition_rank": 0}}

    assert not answer(
        {"d": ["p/f/std@2"]}, [line], products={"p/f/pro@2": ranked["p/f/pro@2"]}
    ).covered
    assert answer({"d": ["p/f/std@2"]}, [line], products=ranked).covered


def test_guests_one_slot_covers_all_their_installs() -> None:
    devices = {"h": {}, "v": {"kind": "virtual", "host": "h"}}
    line = {"product": APP, "metric": "processor", "virtual_machines": 1, "downgrade": True}

    found = answer({"v": [APP, "p/app@1"]}, [line], devices)

    assert set(rights(found).values()) == {"virtualisation"}
    assert found.consumed == {"E0": 1}


def test_rights_the_first_that_applies_is_named() -> None:
    suite = {"p/f/pro@2": {"includes": ["p/f/std"], "edition_rank": 2}}
    suite["p/f/std@2"] = {"edition_rank": 1}
    line = {"product": "p/f/pro@2", "edition_downgrade": True}

    assert rights(answer({"d": ["p/f/std@2"]}, [line], products=suite)) == {
        ("d", "p/f/std@2"): "edition_downgrade"
    }


def test_tie_breaks_bound_before_entity_before_the_earliest_end_before_direct() -> None:
    lower = {"product": "p/app@3", "downgrade": True}
    device = {"d": {"entity": "X"}}
    lines = [
        {"product": APP},
        lower | {"valid_until": "2027-12-31"},
        lower | {"valid_until": "2026-12-31"},
        lower | {"entity": "X"},
        lower | {"bound_to": "d"},
    ]

    for best in (4, 3, 2, 1, 0):
        found = answer({"d": [APP]}, lines[: best + 1], device)
        assert found.consumed[f"E{best}"] == 1


def test_tie_breaks_the_smallest_list_of_covers_decides_at_last() -> None:
    found = answer({"b": [APP], "a": [APP]}, [{"product": APP}])

    assert set(rights(found)) == {("a", APP)}


def test_version_order_digits_are_numbers_and_longer_is_higher() -> None:
    line = {"product": "p/app@2012r2", "downgrade": True}
    installs = {"d": ["p/app@9", "p/app@2012", "p/app@2012r10"]}

    assert set(rights(answer(installs, [line]))) == {("d", "p/app@9"), ("d", "p/app@2012")}
