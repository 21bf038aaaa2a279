"""Tokens, the dashboard's session, and who am I."""

from fastapi import APIRouter, Request, Response
from starlette.exceptions import HTTPException

from api.deps import Admin, PageDep, ReadDep, Reader, RuntimeDep, WriteDep
from api.schemas.access import RoleRead, ScopeRead, SessionCreate, TokenCreate, TokenCreated, TokenRead, WhoAmI
from api.schemas.pages import PageRead
from domain.access import queries, service
from domain.access.actor import ALLOWS, MEANT_FOR, SCOPES, Role, Scope
from domain.access.origins import COOKIE

router = APIRouter(tags=["access"])
public = APIRouter(tags=["access"])


@router.post("/tokens", status_code=201)
def create_token(body: TokenCreate, session: WriteDep, _: Admin) -> TokenCreated:
    """Create a token. The secret is in this answer and nowhere else."""
    token, secret = service.create_token(
        session,
        name=body.name,
        owner=body.owner or body.name,
        role=body.role,
        scopes=frozenset(body.scopes) if body.scopes is not None else None,
        expires_at=body.expires_at,
    )
    return TokenCreated(**TokenRead.model_validate(token).model_dump(), token=secret)


@router.get("/tokens")
def list_tokens(session: ReadDep, page: PageDep, _: Admin) -> PageRead[TokenRead]:
    """Tokens without their secrets, newest first."""
    return PageRead[TokenRead].of(queries.list_tokens(session, page), TokenRead.model_validate)


@router.delete("/tokens/{name}")
def revoke_token(name: str, session: WriteDep, _: Admin) -> TokenRead:
    """Revoke a token: the API refuses it at once, serving within a few seconds."""
    return TokenRead.model_validate(service.revoke_token(session, name=name))


@router.get("/whoami")
def whoami(actor: Reader) -> WhoAmI:
    """Who the token of this request belongs to."""
    return WhoAmI(name=actor.name, role=actor.role, scopes=sorted(actor.scopes))


@router.get("/roles")
def list_roles(_: Reader) -> list[RoleRead]:
    """The roles there are, and what their scopes allow."""
    return [
        RoleRead(
            role=role,
            meant_for=MEANT_FOR[role],
            scopes=[ScopeRead(scope=one, allows=ALLOWS[one]) for one in Scope if one in SCOPES[role]],
        )
        for role in Role
    ]


@public.post("/session")
def create_session(body: SessionCreate, request: Request, response: Response, runtime: RuntimeDep) -> WhoAmI:
    """Exchange a token for a cookie that scripts cannot read and other sites cannot send."""
    with runtime.reading() as session:
        actor = service.identify(session, body.token, now=runtime.clock())
    if actor is None:
        raise HTTPException(401, "The token is unknown, expired or revoked.")
    secure = request.url.scheme == "https"
    response.set_cookie(COOKIE, body.token, httponly=True, secure=secure, samesite="strict", max_age=30 * 86_400)
    return WhoAmI(name=actor.name, role=actor.role, scopes=sorted(actor.scopes))


@public.delete("/session", status_code=204)
def delete_session(response: Response) -> None:
    """Forget the cookie."""
    response.delete_cookie(COOKIE, httponly=True, samesite="strict")
