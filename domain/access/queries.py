"""Reads of tokens."""

from datetime import datetime

from sqlalchemy import select

from domain.access.actor import Scope
from domain.access.models import Token
from domain.db import AnySession
from domain.pages import Page, PageRequest, paginate


def list_tokens(session: AnySession, page: PageRequest) -> Page[Token]:
    return paginate(session, select(Token), page, key=Token.id)


def predicting_tokens(session: AnySession, *, now: datetime) -> list[Token]:
    """Live tokens with the predict scope."""
    query = select(Token).where(Token.revoked_at.is_(None)).order_by(Token.id)
    return [
        token
        for token in session.scalars(query)
        if Scope.PREDICT in token.scopes and (token.expires_at is None or token.expires_at > now)
    ]


def any_token(session: AnySession) -> bool:
    return session.scalar(select(Token.id).limit(1)) is not None
