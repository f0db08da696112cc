"""Commands of the web console: serving it, and who may sign in."""

import argparse
import os
from collections.abc import Callable
from pathlib import Path

from quitus_collector import logs
from quitus_collector.adapters.authority.folder import LiveAuthority
from quitus_collector.cli.arguments import OK, Commands, collector_of, label
from quitus_collector.domain.account import Role
from quitus_collector.wiring import accounts
from quitus_collector.wiring.collector import Collector


def add(commands: Commands) -> None:
    """Adds this module's commands."""
    console = commands.add_parser("console", help="serve the web console until stopped")
    console.add_argument("--listen", metavar="HOST:PORT", help="where browsers find it")
    console.set_defaults(command=_console, lasts=True)

    account = commands.add_parser("account", help="who may sign in to the console")
    actions = account.add_subparsers(required=True, metavar="ACTION")
    new = actions.add_parser("add", help="make an account, and print its first password")
    new.add_argument("name", metavar="NAME", help="to sign in with")
    new.add_argument("--role", action="append", required=True, choices=[*Role], type=Role)
    new.add_argument("--full-name", default="", type=label, help="as documents have it")
    new.add_argument("--function", default="", type=label)
    new.add_argument("--email", default="", type=label)
    new.add_argument("--reason", default="", type=label, help="needed for who approves")
    new.set_defaults(command=_add)

    listed = actions.add_parser("list", help="all accounts")
    listed.set_defaults(command=_list)

    reset = actions.add_parser("reset", help="print another first password; no second factor")
    reset.add_argument("name", metavar="NAME")
    reset.add_argument("--reason", default="", type=label, help="needed for who approves")
    reset.set_defaults(command=_reset)

    unlock = actions.add_parser("unlock", help="forget wrong passwords and codes")
    unlock.add_argument("name", metavar="NAME")
    unlock.set_defaults(command=_unlock)

    change = actions.add_parser("change", help="give other roles, shut out or let in again")
    change.add_argument("name", metavar="NAME")
    change.add_argument("--role", action="append", choices=[*Role], type=Role)
    state = change.add_mutually_exclusive_group()
    state.add_argument("--disable", dest="disabled", action="store_true", default=None)
    state.add_argument("--enable", dest="disabled", action="store_false", default=None)
    change.add_argument("--reason", default="", type=label)
    change.set_defaults(command=_change)


def _console(arguments: argparse.Namespace) -> int:
    # Loaded for this alone: it takes longer than most commands.
    from quitus_collector.web import app, serving, tasks
    from quitus_collector.wiring.console import Console

    collector = collector_of(arguments)
    logs.configure(collector.config.logs)
    console = Console(collector)
    certificate = serving.Certificate(_pair(collector))
    # Told at once, and not by the first page.
    _ = console.door

    def ready(port: int) -> None:
        host = collector.config.names[0]
        print(f"console on https://{host}:{port}/", flush=True)

    with console.working(tasks.of(console), lambda: tasks.foresee(console)):
        serving.serve(
            app.create(console),
            arguments.listen or collector.config.console.address,
            certificate,
            ready,
        )
    return OK


def _pair(collector: Collector) -> Callable[[Path], tuple[Path, Path]]:
    """Where the console's certificate and key are: given, or issued by the own authority."""
    settings = collector.config.console
    if settings.certificate and settings.key:
        given = settings.certificate, settings.key
        return lambda _folder: given
    live = LiveAuthority(
        collector.config.authority, collector.config.names, collector.clock, collector.validity
    )

    def issued(folder: Path) -> tuple[Path, Path]:
        shown = live.server()
        files = folder / "certificate.pem", folder / "key.pem"
        for file, content in zip(files, (shown.chain, shown.private_key), strict=True):
            with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
                out.write(content)
        return files

    return issued


def _add(arguments: argparse.Namespace) -> int:
    account, password = accounts.add(
        collector_of(arguments),
        arguments.name,
        arguments.full_name,
        arguments.role,
        function=arguments.function,
        email=arguments.email,
        reason=arguments.reason,
    )
    print(f"{account.name} has the first password {password} (good for 7 days)")
    return OK


def _list(arguments: argparse.Namespace) -> int:
    collector = collector_of(arguments)
    with collector.store.reading() as work:
        found = work.accounts.list()
    for each in found:
        roles = ", ".join(sorted(each.roles))
        state = "disabled" if each.disabled_at else ""
        factor = "second factor" if each.sealed_secret else ""
        print(f"{each.name:24}  {roles:32}  {factor:13}  {state}".rstrip())
    return OK


def _reset(arguments: argparse.Namespace) -> int:
    password = accounts.reset(collector_of(arguments), arguments.name, reason=arguments.reason)
    print(f"{arguments.name} has the first password {password} (good for 7 days)")
    return OK


def _unlock(arguments: argparse.Namespace) -> int:
    unlocked = accounts.unlock(collector_of(arguments), arguments.name)
    print(f"{unlocked.name} is unlocked")
    return OK


def _change(arguments: argparse.Namespace) -> int:
    changed = accounts.change(
        collector_of(arguments),
        arguments.name,
        roles=arguments.role,
        is_disabled=arguments.disabled,
        reason=arguments.reason,
    )
    print(f"{changed.name}: {', '.join(sorted(changed.roles))}")
    return OK
