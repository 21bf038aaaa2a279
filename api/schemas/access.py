"""Tokens and who am I."""

from datetime import datetime

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from domain.access.actor import Role, Scope
from domain.datasets.specs import Name


class TokenCreate(BaseModel):
    """A token for `owner` (the name that audit rows carry); `scopes` may narrow the role."""

    model_config = ConfigDict(extra="forbid")

    name: Name
    owner: Name | None = None
    role: Role
    scopes: set[Scope] | None = None
    expires_at: AwareDatetime | None = None


class TokenRead(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    name: str
    owner: str
    role: Role
    scopes: list[Scope]
    created_at: datetime
    created_by: str
    expires_at: datetime | None
    revoked_at: datetime | None


class TokenCreated(TokenRead):
    """Has the secret, which is shown this once."""

    token: str


class SessionCreate(BaseModel):
    token: str = Field(min_length=1, max_length=200)


class WhoAmI(BaseModel):
    name: str
    role: Role
    scopes: list[Scope]


class ScopeRead(BaseModel):
    scope: Scope
    allows: str


class RoleRead(BaseModel):
    """A role: whom it is meant for, and its scopes, the smallest first."""

    role: Role
    meant_for: str
    scopes: list[ScopeRead]
