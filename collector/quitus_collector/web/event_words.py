"""What the audit log calls events, for people."""

from collections.abc import Mapping

from quitus_collector.adapters.kept_sentences import again
from quitus_collector.adapters.messages import Messages
from quitus_collector.domain.account import Role
from quitus_collector.domain.audit import Kind
from quitus_collector.services.wording import N_
from quitus_collector.web.wording import PERMISSIONS, say

EVENTS: Mapping[Kind, str] = {
    Kind.ENROLLED: N_("device enrolled"),
    Kind.REFUSED: N_("refused at the door"),
    Kind.RENEWED: N_("certificate renewed"),
    Kind.REENTERED: N_("device entered again"),
    Kind.REVOKED: N_("device revoked"),
    Kind.RESTORED: N_("device restored"),
    Kind.REMOVED: N_("device removed"),
    Kind.FORGOTTEN: N_("device forgotten"),
    Kind.PURGED: N_("history purged"),
    Kind.TOKEN_MADE: N_("join token made"),
    Kind.TOKEN_REVOKED: N_("join token revoked"),
    Kind.QUARANTINED: N_("device put in quarantine"),
    Kind.SETTLED: N_("device settled"),
    Kind.REQUESTED: N_("enrolment requested"),
    Kind.APPROVED: N_("enrolment approved"),
    Kind.DENIED: N_("enrolment denied"),
    Kind.RULE_MADE: N_("rule made"),
    Kind.AGENT_OFFERED: N_("agent offered"),
    Kind.AGENT_WITHDRAWN: N_("agent withdrawn"),
    Kind.AUTHORITY_MADE: N_("authority made"),
    Kind.AUTHORITY_RENEWED: N_("authority renewed"),
    Kind.ROOT_PREPARED: N_("root prepared"),
    Kind.ROOT_ACTIVATED: N_("root activated"),
    Kind.ROOT_RETIRED: N_("root retired"),
    Kind.COMPANY_TRUSTED: N_("company authority trusted"),
    Kind.COMPANY_DISTRUSTED: N_("company authority distrusted"),
    Kind.COMPANY_REVOCATIONS: N_("revocation lists taken in"),
    Kind.BACKUP_MADE: N_("backup made"),
    Kind.BACKUP_RESTORED: N_("backup restored"),
    Kind.PLACED: N_("device placed"),
    Kind.EXEMPTED: N_("exemption added"),
    Kind.EXEMPTION_REMOVED: N_("exemption removed"),
    Kind.ENTITY_NAMED: N_("legal entity named"),
    Kind.READ: N_("contested rule read"),
    Kind.POOLS_CHANGED: N_("pools changed"),
    Kind.PRICES_CHANGED: N_("prices changed"),
    Kind.PROOF_ADDED: N_("proof added"),
    Kind.PROOF_REMOVED: N_("proof removed"),
    Kind.DRAFTED: N_("declaration drafted"),
    Kind.REVIEWED: N_("declaration reviewed"),
    Kind.AMENDED: N_("declaration changed"),
    Kind.DECLARATION_APPROVED: N_("declaration approved"),
    Kind.SEALED: N_("declaration sealed"),
    Kind.SUBMITTING: N_("declaration being submitted"),
    Kind.SUBMITTED: N_("declaration submitted"),
    Kind.UNCERTAIN: N_("declaration uncertain"),
    Kind.NOT_SENT: N_("declaration not sent"),
    Kind.PORTAL_REFUSED: N_("declaration refused"),
    Kind.WITHDRAWN: N_("declaration withdrawn"),
    Kind.RECEIPT_SEALED: N_("receipt sealed"),
    Kind.LETTER_REGISTERED: N_("letter registered"),
    Kind.LETTER_SCANNED: N_("scan of a letter kept"),
    Kind.LETTER_REMINDED: N_("letter reminded"),
    Kind.LETTER_ANSWERED: N_("letter answered"),
    Kind.EXPECTED: N_("expected devices listed"),
    Kind.ACCOUNT_MADE: N_("account made"),
    Kind.ACCOUNT_CHANGED: N_("account changed"),
    Kind.SIGNED_IN: N_("signed in"),
    Kind.SIGNED_OUT: N_("signed out"),
    Kind.SESSION_ENDED: N_("session ended"),
    Kind.UNLOCKED: N_("account unlocked"),
    Kind.EXPORTED: N_("exported or downloaded"),
    Kind.PASSWORD_CHANGED: N_("password changed"),
    Kind.SECOND_FACTOR_SET: N_("second factor set"),
    Kind.API_TOKEN_MADE: N_("API token made"),
    Kind.API_TOKEN_REVOKED: N_("API token revoked"),
    Kind.CATALOGUE_UPDATED: N_("catalogue updated"),
}

# What the log calls who did something begins with what that is.
WHO: Mapping[str, str] = {
    "account": N_("account {name}"),
    "operator": N_("operator {name}"),
    "device": N_("device {name}"),
    "token": N_("program {name}"),
}


def who(actor: str, messages: Messages) -> str:
    """Who did it or to whom it was done, for people."""
    kind, _, name = actor.partition(" ")
    return messages.text(WHO[kind], name=name) if name and kind in WHO else actor


# What details of entries are called; the others are named as the log has them.
DETAILS: Mapping[str, str] = {
    "address": N_("address"),
    "answer": N_("answer"),
    "approvals_fallen": N_("approvals fallen"),
    "as": N_("as"),
    "before": N_("before"),
    "by": N_("by"),
    "by_an_author": N_("by an author"),
    "channel": N_("channel"),
    "class": N_("class"),
    "condition": N_("condition"),
    "devices": N_("devices"),
    "disabled": N_("disabled"),
    "ending": N_("certificate ends soon"),
    "entitlement": N_("entitlement"),
    "entity": N_("entity"),
    "event": N_("event"),
    "evidence": N_("evidence"),
    "file": N_("file"),
    "group": N_("group"),
    "hostname": N_("host name"),
    "kind": N_("kind"),
    "level": N_("level"),
    "lines": N_("lines"),
    "made_at": N_("made at"),
    "name": N_("name"),
    "names": N_("names"),
    "nature": N_("nature"),
    "on": N_("on"),
    "portal": N_("portal"),
    "product": N_("product"),
    "programs": N_("programs that lose scopes"),
    "publisher": N_("publisher"),
    "q": N_("search"),
    "reading": N_("reading"),
    "reason": N_("reason"),
    "reasons": N_("reasons"),
    "receipt": N_("receipt"),
    "reference": N_("reference"),
    "rival": N_("rival"),
    "role": N_("role"),
    "roles": N_("roles"),
    "scopes": N_("scopes"),
    "sessions_ended": N_("sessions ended"),
    "since": N_("since"),
    "site": N_("site"),
    "state": N_("state"),
    "support": N_("support"),
    "text": N_("search"),
    "times": N_("times"),
    "unread": N_("unread"),
    "until": N_("until"),
    "uses": N_("uses"),
    "view": N_("digest of the view"),
    "what": N_("what"),
}


def detail(name: str, value: str, messages: Messages) -> str:
    """One detail of an entry, for people: what was kept in English is said in their language."""
    if name in ("roles", "role"):
        known = {each.value: each for each in Role}
        said = [say(messages, known[e]) if e in known else e for e in value.split(", ")]
        value = ", ".join(said)
    elif name == "scopes":
        scopes = {each.value: said for each, said in PERMISSIONS.items()}
        value = ", ".join(messages.text(scopes.get(each, each)) for each in value.split(", "))
    else:
        value = again(messages.language, value)
    return messages.text(
        "{name}: {value}", name=messages.text(DETAILS.get(name, name)), value=value
    )
