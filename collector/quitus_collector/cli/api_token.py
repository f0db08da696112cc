"""Commands on the tokens that programs call the console's API with."""

import argparse
from datetime import timedelta

from quitus_collector.cli.arguments import OK, Commands, collector_of, duration, label
from quitus_collector.domain.account import Permission
from quitus_collector.services import api_tokens, duties


def add(commands: Commands) -> None:
    """Adds this module's commands."""
    parser = commands.add_parser("api-token", help="tokens of programs that call the API")
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    make = actions.add_parser("make", help="make a token and print it, for the only time")
    make.add_argument("label", metavar="LABEL", help="what it is for: the audit log names it so")
    make.add_argument(
        "--scope", action="append", required=True, choices=[*Permission], type=Permission
    )
    make.add_argument("--valid-for", type=duration, default=timedelta(days=90), metavar="90d")
    make.set_defaults(command=_make)
    actions.add_parser("list", help="the tokens, without their secrets").set_defaults(command=_list)
    revoke = actions.add_parser("revoke", help="end a token at once")
    revoke.add_argument("token", metavar="ID")
    revoke.add_argument("--reason", type=label, default="", help="for the audit log")
    revoke.set_defaults(command=_revoke)


def _make(arguments: argparse.Namespace) -> int:
    collector = collector_of(arguments)
    _, secret = api_tokens.make(
        collector.store,
        collector.clock,
        arguments.label,
        arguments.scope,
        arguments.valid_for,
        actor=collector.actor,
        apart=collector.config.approval.apart,
    )
    print(secret)
    return OK


def _list(arguments: argparse.Namespace) -> int:
    collector = collector_of(arguments)
    now = collector.clock.now()
    with collector.store.reading() as work:
        apart = collector.config.approval.apart
        tokens = [(e, duties.scopes_of(work, e, apart=apart)) for e in work.api_tokens.list()]
    for each, scopes_now in tokens:
        scopes = ", ".join(sorted(each.scopes))
        state = "" if each.is_good(now) else "revoked" if each.revoked_at else "over"
        if not state and scopes_now != each.scopes:
            left = ", ".join(sorted(scopes_now)) or "nothing"
            state = f"opens {left} now: {each.made_by} may do no more"
        until = f"until {each.expires_at:%Y-%m-%d}"
        print(f"{each.id}  {each.label:24}  {scopes:40}  {until}  {state}".rstrip())
    return OK


def _revoke(arguments: argparse.Namespace) -> int:
    collector = collector_of(arguments)
    revoked = api_tokens.revoke(
        collector.store,
        collector.clock,
        arguments.token,
        actor=collector.actor,
        reason=arguments.reason,
    )
    print(f"{revoked.label} is revoked")
    return OK
