"""How far two versions of a model fit: what was sent is still taken, what is answered was known. For `api.breaks`."""

import json
from collections.abc import Iterator
from itertools import chain
from typing import Any

Schema = dict[str, Any]

_KEEP = "Keep it, marked as deprecated, beside the new."
_LOWER = ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties")
_UPPER = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties")
_REF = "#/components/schemas/"


class Schemas:
    """The models of two documents, and what was `found` to break: where, what, and what to do instead."""

    def __init__(self, old: Schema, new: Schema) -> None:
        self._old = old.get("components", {}).get("schemas", {})
        self._new = new.get("components", {}).get("schemas", {})
        self._compared: set[tuple[str, str, bool]] = set()
        self.found: list[tuple[str, str, str]] = []

    def compare(self, old: Schema, new: Schema, where: str, *, sent: bool) -> None:
        """Compare what is at one place. `sent` by the client, or else answered to it."""
        if "$ref" in old and "$ref" in new:
            pair = (old["$ref"], new["$ref"], sent)
            if pair in self._compared:
                return
            self._compared.add(pair)
            where = f"{old['$ref'].removeprefix(_REF)} as {'sent' if sent else 'answered'}"
        before, after = _options(old, self._old), _options(new, self._new)
        if len(before) == len(after) == 1:
            self._compare_one(before[0], after[0], where, sent=sent)
            return
        # Each that may be sent has to be taken; each that may be answered has to be known.
        for one in before if sent else after:
            other = self._match(one, after, of_old=True) if sent else self._match(one, before, of_old=False)
            if other is None:
                said = _called(one)
                if sent:
                    self._tell(where, f"may not be {said} any more", "Go on taking it.")
                else:
                    self._tell(where, f"may be {said} now", "Answer with what clients know, or in a field of its own.")
            elif sent:
                self.compare(one, other, where, sent=True)
            else:
                self.compare(other, one, where, sent=False)

    def compare_defaults(self, old: Schema, new: Schema, where: str) -> None:
        if "default" in old and not _same_default(old["default"], new.get("default")):
            was, now = json.dumps(old["default"]), json.dumps(new.get("default"))
            self._tell(
                where, f"has the default {now} now, not {was}", "Who leaves it out relies on what it was: keep it."
            )

    def _match(self, one: Schema, others: list[Schema], *, of_old: bool) -> Schema | None:
        """The alternative that stands for `one`: of its name, or of its tags, or of its type (or a wider one)."""
        mine, theirs = (self._old, self._new) if of_old else (self._new, self._old)
        inside = _resolved(one, mine)
        same = (other for other in others if _called(other) == _called(one))
        alike = (
            other
            for other in others
            if _tags(_resolved(other, theirs)) == _tags(inside) and _fits(inside, _resolved(other, theirs))
        )
        return next(chain(same, alike), None)

    def _tell(self, where: str, what: str, fix: str) -> None:
        self.found.append((where, what, fix))

    def _compare_one(self, old: Schema, new: Schema, where: str, *, sent: bool) -> None:
        old, new = _resolved(old, self._old), _resolved(new, self._new)
        if _type(old) != _type(new) and not _fits(*((old, new) if sent else (new, old))):
            self._tell(
                where, f"is {_called(new)} now, not {_called(old)}", "Keep the type, and add a field for the other."
            )
            return
        self._compare_values(old, new, where, sent=sent)
        if sent:
            self._compare_limits(old, new, where)
        if "properties" in old or "properties" in new:
            self._compare_fields(old, new, where, sent=sent)
        for inside, said in (("items", "item"), ("additionalProperties", "value")):
            if isinstance(old.get(inside), dict) and isinstance(new.get(inside), dict):
                self.compare(old[inside], new[inside], f"{where}, {said}", sent=sent)

    def _compare_values(self, old: Schema, new: Schema, where: str, *, sent: bool) -> None:
        before, after = _values(old), _values(new)
        if sent and after is not None:
            if before is None:
                self._tell(where, f"takes only {_listed(after)} now", "Go on taking what it took.")
            elif gone := before - after:
                self._tell(where, f"does not take {_listed(gone)} any more", "Go on taking it.")
        elif not sent and before is not None:
            if after is None:
                self._tell(where, f"may be more than {_listed(before)} now", "Answer with what clients know.")
                return
            if more := after - before:
                self._tell(
                    where, f"may be {_listed(more)} now", "Clients know the values it had: tell more in a new field."
                )
            if gone := before - after:
                self._tell(
                    where, f"is never {_listed(gone)} any more", "Who waits for it waits in vain: go on answering it."
                )
        before_format, after_format = old.get("format"), new.get("format")
        if before_format != after_format and (after_format if sent else before_format) is not None:
            self._tell(where, f"has the format {after_format} now, not {before_format}", "Keep the format.")

    def _compare_limits(self, old: Schema, new: Schema, where: str) -> None:
        tighter = [
            *(key for key in _LOWER if key in new and (key not in old or new[key] > old[key])),
            *(key for key in _UPPER if key in new and (key not in old or new[key] < old[key])),
            *(key for key in ("pattern", "multipleOf") if key in new and new[key] != old.get(key)),
        ]
        for key in tighter:
            was = f", not {json.dumps(old[key])}" if key in old else ""
            self._tell(where, f"has the {key} {json.dumps(new[key])} now{was}", "Go on taking what it took.")
        if old.get("additionalProperties", True) is not False and new.get("additionalProperties") is False:
            self._tell(where, "takes no other fields any more", "Go on taking them.")

    def _compare_fields(self, old: Schema, new: Schema, where: str, *, sent: bool) -> None:
        before, after = old.get("properties", {}), new.get("properties", {})
        required_before, required_after = set(old.get("required", ())), set(new.get("required", ()))
        for name, schema in before.items():
            field = f"{where}, field `{name}`"
            if name not in after:
                self._tell(field, "is gone", _KEEP)
                continue
            self.compare(schema, after[name], field, sent=sent)
            if sent:
                self.compare_defaults(schema, after[name], field)
            elif name in required_before - required_after:
                self._tell(field, "may be missing now", "Go on answering with it, if only with null where it could be.")
        for name in sorted(required_after - required_before) if sent else ():
            self._tell(f"{where}, field `{name}`", "is required now", "Give it a default.")


def _same_default(old: Any, new: Any) -> bool:
    """A default that is an object may have more fields now."""
    if isinstance(old, dict) and isinstance(new, dict):
        return all(name in new and _same_default(value, new[name]) for name, value in old.items())
    return bool(old == new)


def _resolved(schema: Schema, schemas: Schema) -> Schema:
    while "$ref" in schema:
        schema = schemas[schema["$ref"].removeprefix(_REF)]
    return schema


def _options(schema: Schema, schemas: Schema) -> list[Schema]:
    """The alternatives of a union, what is none being its own. All values named one by one make one alternative."""
    found = list(_alternatives(schema, schemas))
    named = [one for one in found if _values(_resolved(one, schemas)) is not None]
    if len(named) < 2:
        return found
    values = {value for one in named for value in _values(_resolved(one, schemas)) or ()}
    return [*(one for one in found if one not in named), {"enum": [json.loads(value) for value in values]}]


def _alternatives(schema: Schema, schemas: Schema) -> Iterator[Schema]:
    inside = _resolved(schema, schemas)
    inner = inside.get("anyOf") or inside.get("oneOf")
    if inner:
        for one in inner:
            yield from _alternatives(one, schemas)
    else:
        yield schema


def _tags(schema: Schema) -> dict[str, str]:
    """The fields that tell a model from the others of its union."""
    return {name: json.dumps(one["const"]) for name, one in schema.get("properties", {}).items() if "const" in one}


def _type(schema: Schema) -> str | None:
    kind: str | None = schema.get("type")
    if kind is None and (values := _values(schema)) is not None:
        return "string" if all(value.startswith('"') for value in values) else None
    return kind


def _fits(narrow: Schema, wide: Schema) -> bool:
    """Whether every value of one type is a value of the other."""
    of, to = _type(narrow), _type(wide)
    return of == to or (to is None and _values(wide) is None) or (of, to) == ("integer", "number")


def _values(schema: Schema) -> set[str] | None:
    """The only values there are, as JSON."""
    if "const" in schema:
        return {json.dumps(schema["const"])}
    return {json.dumps(value) for value in schema["enum"]} if "enum" in schema else None


def _listed(values: set[str]) -> str:
    return ", ".join(f"`{value}`" for value in sorted(values))


def _called(schema: Schema) -> str:
    if "$ref" in schema:
        return str(schema["$ref"]).removeprefix(_REF)
    if "const" in schema:
        return json.dumps(schema["const"])
    return str(_type(schema) or "anything")
