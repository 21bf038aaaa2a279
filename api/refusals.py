"""What a route can refuse: the errors its code can raise, read off the code itself. Called by `api.description`.

Followed are the route and its dependencies, every function of ours they name, and methods of objects whose
type is written down. An error that is caught is not followed further, nor are reactions: they refuse nothing, but keep
what they could not do as data.
"""

import ast
import inspect
import sys
import types
import typing
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from fastapi.dependencies.models import Dependant
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from adapters.object_store.local import LocalStore
from adapters.object_store.protocol import ObjectStore
from api.errors import CODES, status_of
from domain.db import ReadSession, WriteSession
from domain.errors import DomainError
from domain.reactions import react

_OURS = ("api.", "domain.", "adapters.")


@dataclass(frozen=True, order=True)
class Refusal:
    """A status and the stable code that comes with it."""

    status: int
    code: str
    error: type[DomainError] | None = field(default=None, compare=False)


# What is made here can be refused by what stands behind it; `api.errors` has the same answers.
_BEHIND: dict[type, frozenset[Refusal]] = {
    RequestValidationError: frozenset({Refusal(422, "invalid_request")}),
    ReadSession: frozenset({Refusal(503, "database_unavailable")}),
    WriteSession: frozenset({Refusal(503, "database_unavailable"), Refusal(409, "conflict")}),
}
# A protocol has no code to read; this is what stands behind it.
_MADE_BY: dict[type, type] = {ObjectStore: LocalStore}


def refusals_of(dependant: Dependant, *beside: Callable[..., Any]) -> frozenset[Refusal]:
    """Those of a route (its tree of dependencies), and of the functions `beside` that run around it."""
    return frozenset().union(*(_refusals(call, None) for call in (*_calls(dependant), *beside)))


def _calls(dependant: Dependant) -> Iterator[Callable[..., Any]]:
    if dependant.call is not None:
        yield dependant.call
    for one in (*dependant.path_params, *dependant.query_params, *dependant.body_params):
        yield from _validators(one.field_info.annotation)
    for inner in dependant.dependencies:
        yield from _calls(inner)


def _validators(annotation: Any) -> Iterator[Callable[..., Any]]:
    """Of the models that a value is checked by, at any depth."""
    return iter(_validators_of(annotation))


@cache
def _validators_of(annotation: Any) -> tuple[Callable[..., Any], ...]:
    found: dict[Callable[..., Any], None] = {}
    seen: set[Any] = set()
    waiting = [annotation]
    while waiting:
        kind = waiting.pop()
        if not isinstance(kind, type) or typing.get_args(kind):
            waiting += typing.get_args(kind)
        elif issubclass(kind, BaseModel) and kind not in seen:
            seen.add(kind)
            waiting += [one.annotation for one in kind.model_fields.values()]
            made = kind.__pydantic_decorators__
            for decorators in (made.field_validators, made.model_validators):
                found.update(dict.fromkeys(_plain(one.func) for one in decorators.values()))
    return tuple(found)


def _plain(call: Any) -> Any:
    return inspect.unwrap(getattr(call, "__func__", call))


_under_way: set[tuple[Any, type | None]] = set()


def _refusals(call: Any, owner: type | None) -> frozenset[Refusal]:
    """Those of a function, or of a method as `owner` has it."""
    plain = _plain(call)
    if not isinstance(plain, types.FunctionType) or not plain.__module__.startswith(_OURS) or plain is react:
        return frozenset()
    if (plain, owner) in _under_way:
        return frozenset()
    _under_way.add((plain, owner))
    try:
        return _read(plain, owner)
    finally:
        _under_way.discard((plain, owner))


@cache
def _read(function: types.FunctionType, owner: type | None) -> frozenset[Refusal]:
    node = _syntax(function.__module__).get(function.__qualname__)
    if node is None:
        return frozenset()
    known = {name: _classes(hint) for name, hint in _hints(function).items()}
    code = function.__code__
    given = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    known = {name: known.get(name, []) for name in given} | known
    if owner is not None and code.co_argcount:
        known[given[0]] = [owner]
    return _Reading(function.__globals__, known).of([node])


@cache
def _read_table(module: str, name: str) -> frozenset[Refusal]:
    """Those of the functions in a table at the top of a module."""
    node = _syntax(module).get(name)
    return _Reading(vars(sys.modules[module]), {}).of([node]) if node is not None else frozenset()


@cache
def _syntax(module: str) -> dict[str, ast.AST]:
    """The syntax of each function of a module by its qualified name, and of each value at the top."""
    found: dict[str, ast.AST] = {}

    def look(body: Iterable[ast.stmt], prefix: str) -> None:
        for node in body:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                found[prefix + node.name] = ast.Module(node.body, [])
            elif isinstance(node, ast.ClassDef):
                look(node.body, f"{prefix}{node.name}.")
            elif isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
                target = node.targets[0] if isinstance(node, ast.Assign) else node.target
                if isinstance(target, ast.Name):
                    found[prefix + target.id] = node.value

    look(ast.parse(inspect.getsource(sys.modules[module])).body, "")
    return found


@cache
def _hints(of: Any) -> Mapping[str, Any]:
    """Annotations, evaluated; none where they are for the type checker only."""
    try:
        return typing.get_type_hints(of)
    except (NameError, TypeError):
        return {}


def _classes(annotation: Any) -> list[type]:
    """The classes of ours that an annotation can stand for: of `Contents | None`, `Iterator[Contents]`."""
    if isinstance(annotation, type) and not typing.get_args(annotation):
        return [_MADE_BY.get(annotation, annotation)] if annotation.__module__.startswith(_OURS) else []
    return [one for inner in typing.get_args(annotation) for one in _classes(inner)]


class _Reading:
    """A function (or a table of some) being read from top to bottom, with what is known of its variables."""

    def __init__(self, outside: dict[str, Any], known: dict[str, list[type]]) -> None:
        self._globals = outside
        self._types = known

    def of(self, nodes: Iterable[ast.AST]) -> frozenset[Refusal]:
        found: set[Refusal] = set()
        waiting = [*nodes][::-1]
        while waiting:  # in the order of the text
            node = waiting.pop()
            if isinstance(node, ast.Try):
                found |= self._of_try(node)
                continue
            waiting += [*ast.iter_child_nodes(node)][::-1]
            if isinstance(node, ast.Assign | ast.withitem | ast.For | ast.AnnAssign | ast.NamedExpr):
                self._note(node)
            elif isinstance(node, ast.Call):
                found |= self._of_call(node)
            elif isinstance(node, ast.IfExp):  # one of two kinds, raised further down
                kinds = map(self._value, (node.body, node.orelse))
                found |= {_refusal(kind) for kind in kinds if isinstance(kind, type) and issubclass(kind, DomainError)}
            elif isinstance(node, ast.Name | ast.Attribute):
                for call, owner in self._named(node):
                    found |= _refusals(call, owner)
                if isinstance(node, ast.Name) and isinstance(self._value(node), Mapping | Sequence):
                    found |= _read_table(self._globals["__name__"], node.id)
        return frozenset(found)

    def _of_try(self, node: ast.Try) -> frozenset[Refusal]:
        found = self.of(node.body)
        for handler in node.handlers:
            again = any(isinstance(one, ast.Raise) and _is_again(one.exc, handler.name) for one in ast.walk(handler))
            named = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type] if handler.type else []
            caught = tuple(kind for kind in map(self._value, named) if isinstance(kind, type))
            if not again:
                found = frozenset(one for one in found if one.error is None or not issubclass(one.error, caught))
        return found | self.of([*node.handlers, *node.orelse, *node.finalbody])

    def _of_call(self, node: ast.Call) -> frozenset[Refusal]:
        made = self._value(node.func)
        if not isinstance(made, type):
            return frozenset()
        if issubclass(made, DomainError):
            return frozenset({_refusal(made)})
        if issubclass(made, HTTPException):
            status = node.args[0].value if node.args and isinstance(node.args[0], ast.Constant) else 500
            return frozenset({Refusal(int(str(status)), CODES.get(int(str(status)), "error"))})
        behind = next((refusals for kind, refusals in _BEHIND.items() if issubclass(made, kind)), frozenset())
        makers = [call for name in ("__init__", "__post_init__") if (call := vars(made).get(name))]
        return behind.union(*(_refusals(call, made) for call in makers))

    def _note(self, node: ast.Assign | ast.withitem | ast.For | ast.AnnAssign | ast.NamedExpr) -> None:
        """Remember of what type a variable is now."""
        target: ast.expr | None
        value: ast.expr | None
        if isinstance(node, ast.withitem):
            target, value = node.optional_vars, node.context_expr
        elif isinstance(node, ast.For):
            target, value = node.target, node.iter
        else:
            target, value = node.targets[0] if isinstance(node, ast.Assign) else node.target, node.value
        if isinstance(target, ast.Name) and value is not None:
            self._types[target.id] = self._types_of(value)

    def _named(self, node: ast.Name | ast.Attribute) -> Iterator[tuple[Any, type | None]]:
        """The functions an expression stands for, with the class whose method each is."""
        value = self._value(node)
        if value is not None:
            owner = self._value(node.value) if isinstance(node, ast.Attribute) else None
            yield value, owner if isinstance(owner, type) else None
        elif isinstance(node, ast.Attribute):
            for kind in self._types_of(node.value):
                member = getattr(kind, node.attr, None)
                yield (member.fget if isinstance(member, property) else member), kind

    def _value(self, node: ast.expr) -> Any:
        """What a name stands for, where it is known before anything runs: a function, a class, a module."""
        if isinstance(node, ast.Name):
            return None if node.id in self._types else self._globals.get(node.id)
        if isinstance(node, ast.Subscript):
            return self._value(node.value)
        if isinstance(node, ast.Attribute):
            base = self._value(node.value)
            return getattr(base, node.attr, None) if isinstance(base, types.ModuleType | type) else None
        return None

    def _types_of(self, node: ast.expr) -> list[type]:
        """The classes of ours whose instance an expression may be."""
        if isinstance(node, ast.Await):
            return self._types_of(node.value)
        if isinstance(node, ast.Name) and node.id in self._types:
            return self._types[node.id]
        if isinstance(node, ast.Attribute):
            return [one for kind in self._types_of(node.value) for one in _member(kind, node.attr)]
        if isinstance(node, ast.Call) and isinstance(made := self._value(node.func), type):
            return [made]
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Attribute):
            named = [_plain(call) for call, _ in self._named(node.func)]
            return [one for call in named if callable(call) for one in _classes(_hints(call).get("return"))]
        return []


def _refusal(error: type[DomainError]) -> Refusal:
    return Refusal(status_of(error), error.code, error)


def _is_again(raised: ast.expr | None, caught: str | None) -> bool:
    """Whether what is raised is what was caught, or another of its kind: `raise type(error)(…) from error`."""
    if raised is None:
        return True
    if isinstance(raised, ast.Call) and isinstance(raised.func, ast.Call) and raised.func.args:
        raised = raised.func.args[0]
    return isinstance(raised, ast.Name) and raised.id == caught


def _member(kind: type, name: str) -> list[type]:
    member = getattr(kind, name, None)
    if isinstance(member, property):
        return _classes(_hints(member.fget).get("return"))
    return _classes(_hints(kind).get(name))
