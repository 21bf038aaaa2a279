"""Verbs of access: create and revoke tokens, and tell who is behind one."""

from datetime import datetime
from hashlib import sha256
from secrets import token_urlsafe
from typing import Any

from sqlalchemy import Row, bindparam, select

from domain.access.actor import SCOPES, Actor, Role, Scope
from domain.access.events import TokenCreated, TokenRevoked
from domain.access.jobs import PublishAccess
from domain.access.models import Token
from domain.db import AnySession, WriteSession, new_id
from domain.errors import Conflict, Forbidden, Invalid, NotFound
from domain.events.service import emit
from domain.jobs import service as jobs


class TokenExists(Conflict):
    code = "token_exists"


class TokenUnknown(NotFound):
    code = "unknown_token"


class AlreadyExpired(Invalid):
    code = "already_expired"


class ScopeExceedsRole(Forbidden):
    code = "scope_exceeds_role"


def digest(secret: str) -> str:
    """How a token is stored and looked up. The secret has 256 random bits, so a plain hash is enough."""
    return sha256(secret.encode()).hexdigest()


def create_token(
    session: WriteSession,
    *,
    name: str,
    owner: str,
    role: Role,
    scopes: frozenset[Scope] | None = None,
    expires_at: datetime | None = None,
    secret: str | None = None,
) -> tuple[Token, str]:
    """A new token and its secret, which is not to be had again. `scopes` may narrow the role, never widen it."""
    if session.scalar(select(Token).where(Token.name == name)) is not None:
        raise TokenExists(
            f"A token named {name!r} exists.", where="name", fix="Choose another name, or revoke that one."
        )
    if expires_at is not None and expires_at <= session.now():
        raise AlreadyExpired(
            "A token that has expired opens nothing.", where="expires_at", fix="Give a time to come, or none."
        )
    granted = SCOPES[role] if scopes is None else scopes
    if not granted <= SCOPES[role]:
        beyond = ", ".join(sorted(granted - SCOPES[role]))
        raise ScopeExceedsRole(f"The role {role} does not have: {beyond}.", where="scopes")
    secret = secret or f"mlr_{token_urlsafe(32)}"
    token = Token(
        id=new_id(),
        name=name,
        owner=owner,
        role=role,
        scopes=sorted(granted),
        sha256=digest(secret),
        created_at=session.now(),
        created_by=session.actor.name,
        expires_at=expires_at,
    )
    session.add(token)
    session.flush()
    emit(session, TokenCreated(subject=f"tokens/{name}", owner=owner, role=role, scopes=sorted(granted)))
    jobs.submit(session, PublishAccess(), subject="tokens")
    return token, secret


def revoke_token(session: WriteSession, *, name: str) -> Token:
    token = session.scalar(select(Token).where(Token.name == name))
    if token is None:
        raise TokenUnknown(f"There is no token named {name!r}.", where="name")
    if token.revoked_at is None:
        token.revoked_at = session.now()
        emit(session, TokenRevoked(subject=f"tokens/{name}", owner=token.owner))
        jobs.submit(session, PublishAccess(), subject="tokens")
    return token


# What a request needs to know of a token: columns are read in a third of the time of an entity.
HOLDER = (Token.owner, Token.role, Token.scopes, Token.expires_at, Token.revoked_at)
_HOLDER_OF = select(*HOLDER).where(Token.sha256 == bindparam("sha256"))


def identify(session: AnySession, secret: str, *, now: datetime) -> Actor | None:
    """Who holds this secret; None when nobody does, or it has expired or been revoked."""
    return holder(session.execute(_HOLDER_OF, {"sha256": digest(secret)}).first(), now=now)


def holder(token: Row[Any] | None, *, now: datetime) -> Actor | None:
    """The actor in a row that has the columns of `HOLDER`."""
    if token is None or token.revoked_at is not None or (token.expires_at is not None and token.expires_at <= now):
        return None
    return Actor(token.owner, Role(token.role), frozenset(Scope(scope) for scope in token.scopes))
