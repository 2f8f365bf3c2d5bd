"""Passwords are never shown: the one place that takes them out of what a user gave to reach a database.

A DSN is shown in errors and on terminals, and terminals are copied into tickets. What looks like a part of a password goes, also where the DSN is
broken (an `@` or a `/` that nobody escaped): too little shown is a nuisance, too much is a leak.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final
from urllib.parse import unquote, unquote_plus

HIDDEN: Final = "***"

# Also one that was mistyped: a slash or the colon is missing.
_SCHEME: Final = re.compile(r"^\s*(?:[a-z][a-z0-9+.-]*://|postgres\w*(?:\+\w+)?[:/]+)", re.IGNORECASE)
_HOSTS: Final = re.compile(r"[^/?#]*\[[^/?#]*|[^:/?#]*(?::\d*)?(?:,[^:/?#]*(?::\d*)?)*(?=[/?#]|$)")
# password, sslpassword, oauth_client_secret, scram_client_key, scram_server_key, and what others call theirs.
_SECRET_NAME: Final = re.compile(r"password|passwd|passphrase|pwd|secret|token|scram_\w*key", re.IGNORECASE)
_QUERY_NAME: Final = re.compile(r"([?&])([^=&?]*)=")
_KEY: Final = re.compile(r"(\w+)\s*=\s*")
# Where the value of one setting ends for certain: at a name that libpq knows. What stands between belongs to a password with a space in it.
_NEXT_KEY: Final = (
    r"\s+(?:host|hostaddr|port|dbname|user|password|passfile|application_name|fallback_application_name|options|service|connect_timeout"
    r"|client_encoding|keepalives\w*|tcp_user_timeout|target_session_attrs|load_balance_hosts|channel_binding|require_auth|replication"
    r"|gssencmode|krbsrvname|gsslib|gssdelegation|ssl\w+|schema)\s*="
)
_UNQUOTED: Final = re.compile(rf"(?!').*?(?=\s*$|{_NEXT_KEY})", re.DOTALL | re.IGNORECASE)
_QUOTED: Final = re.compile(rf"'(?:\\.|[^'\\])*'(?=\s*$|{_NEXT_KEY})", re.DOTALL | re.IGNORECASE)


def redacted(dsn: str) -> str:
    """Return *dsn* (a URL, or ``key=value`` pairs) with `***` for every password in it. Text that is neither comes back as it is."""
    shown = ""
    at = 0
    for start, end in _merged(_spans(dsn)):
        shown += dsn[at:start] + HIDDEN
        at = end
    return shown + dsn[at:]


def scrubbed(text: str, *dsns: str | None) -> str:
    """Return *text*, the words of a driver or a server, without the passwords of *dsns*, should one be among them."""
    found = {form for dsn in dsns if dsn is not None for secret in secrets_in(dsn) for form in _forms(secret)}
    for secret in sorted(found, key=len, reverse=True):
        text = text.replace(secret, HIDDEN)
    return text


def secrets_in(dsn: str) -> tuple[str, ...]:
    """Return what `redacted` hides, as it stands in *dsn*."""
    return tuple(dsn[start:end] for start, end in _merged(_spans(dsn)))


def _forms(secret: str) -> Iterator[str]:
    bare = secret[1:-1] if _QUOTED.fullmatch(secret) else secret
    forms = {secret, bare, unquote(bare), unquote_plus(bare), re.sub(r"\\(.)", r"\1", bare, flags=re.DOTALL)}
    return (form for form in forms if form)


def _spans(dsn: str) -> Iterator[tuple[int, int]]:
    """Yield where passwords stand."""
    scheme = _SCHEME.match(dsn)
    if scheme is None:
        yield from _spans_of_pairs(dsn)
    else:
        yield from _spans_of_user(dsn, scheme.end())
        yield from _spans_of_query(dsn, scheme.end())


def _spans_of_user(url: str, start: int) -> Iterator[tuple[int, int]]:
    # To the last "@" of all: an unescaped one may be a part of the password.
    end = url.rfind("@")
    colon = url.find(":", start)
    if start <= colon < end:
        yield colon + 1, end
    elif end < start <= colon and not _HOSTS.match(url, start):
        # The "@" and the host were left out, or what is no port is none.
        yield colon + 1, len(url)


def _spans_of_query(url: str, start: int) -> Iterator[tuple[int, int]]:
    # A part without "=" may be the rest of a password with an unescaped "&", so only the next name ends one.
    secret_from: int | None = None
    for name in _QUERY_NAME.finditer(url, start):
        if _SECRET_NAME.search(unquote_plus(name[2])):
            secret_from = name.end() if secret_from is None else secret_from
            if name[1] == "&":
                yield secret_from, max(secret_from, name.start())
                secret_from = name.end()
        elif name[1] == "&" and secret_from is not None:
            yield secret_from, name.start()
            secret_from = None
    if secret_from is not None:
        yield secret_from, len(url)


def _spans_of_pairs(dsn: str) -> Iterator[tuple[int, int]]:
    at = 0
    while (key := _KEY.search(dsn, at)) is not None:
        at = key.end()
        end = _end_of_value(dsn, at)
        if _SECRET_NAME.search(key[1]):
            yield at, end
            at = end
        elif dsn[at : at + 1] == "'" and _QUOTED.match(dsn, at):
            at = end


def _end_of_value(dsn: str, at: int) -> int:
    value = _QUOTED.match(dsn, at) or _UNQUOTED.match(dsn, at)
    # A quote that is never closed: all that follows may belong to it.
    return len(dsn) if value is None else value.end()


def _merged(spans: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Yield spans that neither overlap nor touch, in their order; empty ones are left out."""
    begun: tuple[int, int] | None = None
    for start, end in sorted(spans):
        if start == end:
            continue
        if begun is None:
            begun = start, end
        elif start <= begun[1]:
            begun = begun[0], max(end, begun[1])
        else:
            yield begun
            begun = start, end
    if begun is not None:
        yield begun
