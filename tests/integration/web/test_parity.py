"""Programs can do all that people do on the pages, or it is said here why they cannot."""

from typing import NamedTuple

from fastapi.routing import APIRoute

from quitus_collector.domain.account import Permission
from quitus_collector.web.api import application as api
from quitus_collector.web.app import PAGES, guards
from quitus_collector.web.routing import routes_of


class People(NamedTuple):
    """What only a person does, and why."""

    why: str


OWN = People("it is about one's own session, password or second factor: a token has none of them")
FORM = People("it asks for what a call has in its body")
APPROVAL = People("a person answers for what is disclosed, and has to have seen it")
PAGE = People("it leads to other pages")

# What each page shows and each form does, by the calls that do it for programs. A page or a form
# that is added has to be added here too, with its call or with the reason why there is none.
TABLE: dict[tuple[str, str], tuple[str, ...] | People] = {
    ("GET", "/"): ("get_position", "list_measurements", "list_campaigns", "list_devices"),
    ("GET", "/account"): OWN,
    ("GET", "/account/password"): OWN,
    ("POST", "/account/password"): OWN,
    ("POST", "/account/new-password"): OWN,
    ("POST", "/account/alerts"): OWN,
    ("POST", "/account/factor"): OWN,
    ("POST", "/account/language"): OWN,
    ("GET", "/sign-in/code"): OWN,
    ("POST", "/sign-in/code"): OWN,
    ("POST", "/sign-in/again/code"): OWN,
    ("GET", "/sign-in/again/back"): OWN,
    ("POST", "/sign-out"): OWN,
    ("GET", "/administration"): PAGE,
    ("GET", "/administration/accounts"): ("list_accounts",),
    ("POST", "/administration/accounts"): ("make_account",),
    ("GET", "/administration/accounts/{account_id}"): ("list_accounts",),
    ("POST", "/administration/accounts/{account_id}/roles"): ("change_account",),
    ("POST", "/administration/accounts/{account_id}/access"): ("change_account",),
    ("POST", "/administration/accounts/{account_id}/reset"): ("reset_account",),
    ("POST", "/administration/accounts/{account_id}/unlock"): ("unlock_account",),
    ("GET", "/administration/catalogue"): ("get_catalogue", "list_own_rules"),
    ("POST", "/administration/catalogue"): ("update_catalogue", "recognise_fleet"),
    ("GET", "/administration/jobs"): ("list_jobs_of_all",),
    ("GET", "/administration/policies"): ("list_policies",),
    ("GET", "/administration/retention"): ("get_retention",),
    ("POST", "/administration/retention"): ("purge_history",),
    ("GET", "/administration/tokens"): ("list_tokens",),
    ("POST", "/administration/tokens"): ("make_token",),
    ("POST", "/administration/tokens/{token_id}/revoke"): ("revoke_token",),
    ("GET", "/audit"): ("list_audit",),
    ("GET", "/audit/export"): ("export_audit",),
    ("POST", "/audit/verify"): ("verify_audit",),
    ("GET", "/campaigns"): ("list_campaigns",),
    ("GET", "/campaigns/new"): FORM,
    ("POST", "/campaigns/new"): ("register_campaign", "attach_letter_file"),
    ("GET", "/campaigns/{letter}"): ("get_campaign", "list_letter_files"),
    ("POST", "/campaigns/{letter}/reminders"): ("remind",),
    ("POST", "/campaigns/{letter}/answers"): ("reply", "draft_answer"),
    ("GET", "/campaigns/{letter}/scan"): ("get_letter_file",),
    ("GET", "/declarations"): ("list_declarations",),
    ("GET", "/declarations/new"): FORM,
    ("POST", "/declarations/new"): ("draft",),
    ("GET", "/declarations/compare"): ("compare",),
    ("GET", "/declarations/{filing_id}"): ("get_declaration", "get_document"),
    ("POST", "/declarations/{filing_id}/read"): ("review",),
    ("POST", "/declarations/{filing_id}/remarks"): ("remark",),
    ("POST", "/declarations/{filing_id}/remarks/remove"): ("unremark",),
    ("GET", "/declarations/{filing_id}/disclosure"): ("get_view", "list_portals"),
    ("POST", "/declarations/{filing_id}/approve"): APPROVAL,
    ("GET", "/declarations/{filing_id}/submission"): ("get_declaration",),
    ("POST", "/declarations/{filing_id}/seal"): ("seal",),
    ("POST", "/declarations/{filing_id}/submit"): ("submit",),
    ("POST", "/declarations/{filing_id}/ask"): ("ask",),
    ("POST", "/declarations/{filing_id}/submitted"): ("say_outcome",),
    ("POST", "/declarations/{filing_id}/not-submitted"): ("say_outcome",),
    ("POST", "/declarations/{filing_id}/seal-receipt"): ("seal_receipt",),
    ("POST", "/declarations/{filing_id}/withdraw"): ("withdraw",),
    ("POST", "/declarations/{filing_id}/discard"): ("discard",),
    ("GET", "/declarations/{filing_id}/files/{name}"): ("get_paper",),
    ("GET", "/declarations/{filing_id}/evidence"): ("get_paper",),
    ("POST", "/declarations/{filing_id}/verify"): ("verify_kept",),
    ("POST", "/declarations/{filing_id}/reopen"): ("recount",),
    ("GET", "/devices"): ("list_devices", "export_devices"),
    ("GET", "/devices/requests"): ("list_enrolment_requests",),
    ("POST", "/devices/requests/{request_id}"): ("decide_enrolment",),
    ("GET", "/devices/{device_id}"): ("get_device", "list_installs", "get_placement"),
    ("GET", "/devices/{device_id}/history"): ("list_device_history",),
    ("GET", "/devices/{device_id}/cyclonedx"): ("get_components",),
    ("POST", "/devices/{device_id}/settle"): ("settle_device",),
    ("POST", "/devices/{device_id}/place"): ("place_device",),
    ("POST", "/devices/{device_id}/access"): ("revoke_device", "restore_device"),
    ("GET", "/exports/campaigns"): ("list_campaigns",),
    ("GET", "/exports/declarations"): ("list_declarations",),
    ("GET", "/exports/devices"): ("export_devices",),
    ("GET", "/exports/products"): ("export_products",),
    ("GET", "/exports/unknown"): ("export_unknown",),
    ("GET", "/jobs"): ("list_jobs",),
    ("GET", "/jobs/{job_id}"): ("get_job",),
    ("GET", "/jobs/{job_id}/progress"): ("get_job",),
    ("GET", "/pools"): ("list_entitlements",),
    ("GET", "/pools/export"): ("export_pools",),
    ("GET", "/pools/import"): FORM,
    ("POST", "/pools/import"): ("preview_import",),
    ("GET", "/pools/import/{digest}"): ("preview_import",),
    ("POST", "/pools/import/{digest}"): ("preview_import", "take_in"),
    ("GET", "/pools/line"): ("get_entitlement", "get_entitlement_history", "list_proofs"),
    ("GET", "/pools/new"): FORM,
    ("POST", "/pools/new"): ("add_entitlement",),
    ("POST", "/pools/line"): ("edit_entitlement",),
    ("POST", "/pools/line/remove"): ("remove_entitlement",),
    ("POST", "/pools/proofs"): ("add_proof",),
    ("POST", "/pools/proofs/remove"): ("remove_proof",),
    ("GET", "/pools/proofs/{sha256}"): ("get_proof",),
    ("POST", "/pools/proofs/verify"): ("verify_proofs",),
    ("GET", "/position"): ("get_position", "get_readings"),
    ("GET", "/position/export"): ("export_position",),
    ("GET", "/position/line"): ("ask_reasons",),
    ("GET", "/prices"): ("list_prices",),
    ("GET", "/prices/export"): ("export_prices",),
    ("GET", "/prices/import"): FORM,
    ("POST", "/prices/import"): ("preview_prices",),
    ("GET", "/prices/import/{digest}"): ("preview_prices",),
    ("POST", "/prices/import/{digest}"): ("preview_prices", "take_in_prices"),
    ("GET", "/prices/offer"): ("get_offer", "get_offer_history"),
    ("POST", "/prices/offer/remove"): ("remove_offer",),
    ("GET", "/products"): ("list_products", "export_products"),
    ("GET", "/simulator"): FORM,
    ("POST", "/simulator"): ("simulate",),
    ("POST", "/simulator/remedies"): ("ask_advice",),
    ("GET", "/simulator/results/{job_id}"): ("simulate", "ask_advice"),
    ("GET", "/unknown"): ("list_unknown", "export_unknown"),
    ("GET", "/unknown/rule"): ("preview_decision",),
    ("POST", "/unknown/rule"): ("decide",),
    ("GET", "/verify"): FORM,
    ("POST", "/verify"): ("verify", "verify_device"),
}
FORMS = [path for method, path in TABLE if method == "POST"]


def of_console() -> dict[tuple[str, str], Permission | None]:
    """What there is for who has signed in, and what each asks for."""
    found = {}
    for router in PAGES:
        for route in routes_of(router):
            (guard,) = guards(route)
            for method in route.methods:
                found[method, route.path] = guard.permission
    return found


def of_programs() -> dict[str, APIRoute]:
    """Calls by their names in the description."""
    return {str(route.operation_id): route for router in api.ROUTERS for route in routes_of(router)}


def test_every_page_and_every_form_has_its_call_or_a_reason() -> None:
    assert set(of_console()) == set(TABLE)


def test_the_calls_that_are_named_exist_and_none_is_left_over() -> None:
    named = {each for calls in TABLE.values() if not isinstance(calls, People) for each in calls}

    assert named == set(of_programs())


def test_a_call_asks_for_what_its_form_asks_for() -> None:
    programs, console = of_programs(), of_console()

    for path in FORMS:
        calls = TABLE["POST", path]
        if isinstance(calls, People):
            continue
        scopes = {each: api.scope_of(programs[each]) for each in calls}
        assert scopes == dict.fromkeys(calls, console["POST", path]), path


def test_no_call_approves() -> None:
    assert not [each for each in of_programs() if "approv" in each]
