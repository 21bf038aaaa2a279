"""The token table. The secret itself is shown once and never stored."""

from datetime import datetime
from typing import Any

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from domain.access.actor import Role
from domain.db import Base, Id


class Token(Base):
    """A credential of `owner`. `scopes` is the role's set, or less."""

    __tablename__ = "token"

    id: Mapped[Id]
    name: Mapped[str] = mapped_column(String(100), unique=True)
    owner: Mapped[str] = mapped_column(String(100))
    role: Mapped[Role] = mapped_column(String(20))
    scopes: Mapped[list[Any]]
    sha256: Mapped[str] = mapped_column(String(64), unique=True)
    created_at: Mapped[datetime]
    created_by: Mapped[str] = mapped_column(String(200))
    expires_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
