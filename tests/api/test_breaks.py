"""Each kind of change to the API's description: what breaks is told in a sentence, what only adds is not."""

import copy
from collections.abc import Callable
from typing import Any

import pytest

from api.breaks import breaks

Change = Callable[[dict[str, Any]], object]


def _ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


def _content(schema: dict[str, Any]) -> dict[str, Any]:
    return {"application/json": {"schema": schema}}


CREATE: dict[str, Any] = {
    "operationId": "create_ride",
    "tags": ["rides"],
    "security": [{"HTTPBearer": ["write"]}, {"APIKeyCookie": ["write"]}],
    "requestBody": {"required": True, "content": {**_content(_ref("RideCreate")), "application/yaml": {}}},
    "responses": {"201": {"content": _content(_ref("RideRead"))}},
}
DELETE: dict[str, Any] = {
    "operationId": "delete_rides",
    "tags": ["rides"],
    "responses": {"204": {}, "409": {"x-problem-codes": ["conflict", "ride_exists"]}},
}
LIST: dict[str, Any] = {
    "operationId": "list_rides",
    "tags": ["rides"],
    "parameters": [
        {"name": "limit", "in": "query", "schema": {"type": "integer", "minimum": 1, "maximum": 500, "default": 50}},
        {"name": "state", "in": "query", "schema": {"anyOf": [_ref("State"), {"type": "null"}]}},
        {"name": "name", "in": "path", "required": True, "schema": {"type": "string", "maxLength": 100}},
    ],
    "responses": {"200": {"content": _content({"type": "array", "items": _ref("RideRead")})}},
}
RIDE: dict[str, Any] = {
    "type": "object",
    "required": ["station", "bikes"],
    "properties": {
        "station": {"type": "string", "minLength": 1, "maxLength": 100, "pattern": "^[a-z]+$"},
        "bikes": {"type": "integer", "minimum": 0, "maximum": 900},
        "note": {"type": "string", "default": ""},
        "season": {"type": "string", "enum": ["summer", "winter"], "default": "summer"},
        "at": {"anyOf": [{"type": "string"}, {"type": "null"}]},
        "share": {"type": "number"},
        "tags": {"type": "array", "maxItems": 10, "items": {"type": "string"}},
        "facts": {"type": "object", "additionalProperties": {"type": "integer"}},
        "weather": {"oneOf": [_ref("Rain"), _ref("Sun")]},
    },
}
READ: dict[str, Any] = {
    "type": "object",
    "required": ["station", "bikes", "state", "parent"],
    "properties": {
        **copy.deepcopy(RIDE["properties"]),
        "state": _ref("State"),
        "made_at": {"type": "string", "format": "date-time"},
        "parent": {"anyOf": [_ref("RideRead"), {"type": "null"}]},
    },
}
BEFORE: dict[str, Any] = {
    "paths": {"/rides": {"post": CREATE, "delete": DELETE}, "/stations/{name}/rides": {"get": LIST}},
    "components": {
        "schemas": {
            "RideCreate": RIDE,
            "RideRead": READ,
            "State": {"type": "string", "enum": ["open", "ended"]},
            "Rain": {"type": "object", "properties": {"kind": {"const": "rain", "type": "string"}}},
            "Sun": {"type": "object", "properties": {"kind": {"const": "sun", "type": "string"}}},
            "Snow": {"type": "object", "properties": {"kind": {"const": "snow", "type": "string"}}},
        }
    },
}


def _after(change: Change) -> dict[str, Any]:
    document = copy.deepcopy(BEFORE)
    change(document)
    return document


def post(document: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = document["paths"]["/rides"]["post"]
    return found


def delete(document: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = document["paths"]["/rides"]["delete"]
    return found


def get(document: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = document["paths"]["/stations/{name}/rides"]["get"]
    return found


def sent(document: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = document["components"]["schemas"]["RideCreate"]
    return found


def answered(document: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = document["components"]["schemas"]["RideRead"]
    return found


def field(model: dict[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = model["properties"][name]
    return found


RIDE_SENT, RIDE_ANSWERED = "RideCreate as sent, field", "RideRead as answered, field"
OPERATIONS: list[tuple[Change, str]] = [
    (lambda d: d["paths"]["/rides"].pop("post"), "POST /rides (create_ride) is gone."),
    (lambda d: d["paths"]["/rides"].update(put=d["paths"]["/rides"].pop("post")), "POST /rides (create_ride) is gone."),
    (lambda d: post(d).update(operationId="add_ride"), "create_ride is called add_ride now."),
    (lambda d: post(d).update(tags=["trips"]), "create_ride is tagged ['trips'] now, not ['rides']."),
    (
        lambda d: post(d).update(security=[{"HTTPBearer": ["write"]}]),
        "create_ride asks for HTTPBearer with write now.",
    ),
    (
        lambda d: post(d).update(security=[{"HTTPBearer": ["admin"]}, {"APIKeyCookie": ["admin"]}]),
        "create_ride asks for APIKeyCookie with admin or HTTPBearer with admin now.",
    ),
    (lambda d: get(d).update(security=[{"HTTPBearer": ["read"]}]), "list_rides asks for HTTPBearer with read now."),
    (lambda d: get(d)["parameters"].pop(0), "list_rides, query parameter `limit` is gone."),
    (lambda d: get(d)["parameters"][1].update(required=True), "list_rides, query parameter `state` is required now."),
    (
        lambda d: get(d)["parameters"].append({"name": "day", "in": "query", "required": True, "schema": {}}),
        "list_rides, query parameter `day` is new and required.",
    ),
    (
        lambda d: get(d)["parameters"][0]["schema"].update(maximum=100),
        "list_rides, query parameter `limit` has the maximum 100 now, not 500.",
    ),
    (
        lambda d: get(d)["parameters"][0]["schema"].update(default=20),
        "list_rides, query parameter `limit` has the default 20 now, not 50.",
    ),
    (lambda d: get(d).update(requestBody={"required": True, "content": {}}), "list_rides, body is required now."),
    (
        lambda d: post(d)["requestBody"]["content"].pop("application/yaml"),
        "create_ride, body of type application/yaml is not taken any more.",
    ),
    (lambda d: post(d)["responses"].pop("201"), "create_ride, answer 201 is gone."),
    (lambda d: post(d)["responses"].update({"202": {}}), "create_ride, answer 202 is new."),
    (
        lambda d: post(d)["responses"]["201"].update(content={"text/csv": {}}),
        "create_ride, answer 201 of type application/json is gone.",
    ),
    (lambda d: delete(d)["responses"]["409"]["x-problem-codes"].pop(), "The problem code `ride_exists` is gone."),
    (
        lambda d: get(d)["responses"]["200"].update(content=_content(_ref("RideRead"))),
        "list_rides, answer 200 is object now, not array.",
    ),
]
SENT: list[tuple[Change, str]] = [
    (lambda d: sent(d)["properties"].pop("note"), f"{RIDE_SENT} `note` is gone."),
    (lambda d: sent(d)["required"].append("note"), f"{RIDE_SENT} `note` is required now."),
    (
        lambda d: sent(d)["properties"].update(day={"type": "integer"}) or sent(d)["required"].append("day"),
        f"{RIDE_SENT} `day` is required now.",
    ),
    (lambda d: field(sent(d), "bikes").update(type="string"), f"{RIDE_SENT} `bikes` is string now, not integer."),
    (lambda d: field(sent(d), "share").update(type="integer"), f"{RIDE_SENT} `share` is integer now, not number."),
    (lambda d: field(sent(d), "at")["anyOf"].pop(), f"{RIDE_SENT} `at` may not be null any more."),
    (lambda d: field(sent(d), "season")["enum"].pop(), f'{RIDE_SENT} `season` does not take `"winter"` any more.'),
    (lambda d: field(sent(d), "note").update(enum=["a"]), f'{RIDE_SENT} `note` takes only `"a"` now.'),
    (
        lambda d: field(sent(d), "season").update(default="winter"),
        f'{RIDE_SENT} `season` has the default "winter" now, not "summer".',
    ),
    (lambda d: field(sent(d), "bikes").update(minimum=1), f"{RIDE_SENT} `bikes` has the minimum 1 now, not 0."),
    (lambda d: field(sent(d), "bikes").update(maximum=9), f"{RIDE_SENT} `bikes` has the maximum 9 now, not 900."),
    (lambda d: field(sent(d), "note").update(maxLength=5), f"{RIDE_SENT} `note` has the maxLength 5 now."),
    (lambda d: field(sent(d), "tags").update(maxItems=5), f"{RIDE_SENT} `tags` has the maxItems 5 now, not 10."),
    (
        lambda d: field(sent(d), "station").update(pattern="^a$"),
        f'{RIDE_SENT} `station` has the pattern "^a$" now, not "^[a-z]+$".',
    ),
    (lambda d: field(sent(d), "note").update(format="uuid"), f"{RIDE_SENT} `note` has the format uuid now, not None."),
    (
        lambda d: field(sent(d), "tags")["items"].update(maxLength=5),
        f"{RIDE_SENT} `tags`, item has the maxLength 5 now.",
    ),
    (
        lambda d: field(sent(d), "facts")["additionalProperties"].update(minimum=0),
        f"{RIDE_SENT} `facts`, value has the minimum 0 now.",
    ),
    (lambda d: sent(d).update(additionalProperties=False), "RideCreate as sent takes no other fields any more."),
    (lambda d: field(sent(d), "weather")["oneOf"].pop(), f"{RIDE_SENT} `weather` may not be Sun any more."),
]
ANSWERED: list[tuple[Change, str]] = [
    (lambda d: answered(d)["properties"].pop("note"), f"{RIDE_ANSWERED} `note` is gone."),
    (lambda d: answered(d)["required"].remove("bikes"), f"{RIDE_ANSWERED} `bikes` may be missing now."),
    (
        lambda d: field(answered(d), "bikes").update(type="string"),
        f"{RIDE_ANSWERED} `bikes` is string now, not integer.",
    ),
    (
        lambda d: field(answered(d), "bikes").update(type="number"),
        f"{RIDE_ANSWERED} `bikes` is number now, not integer.",
    ),
    (
        lambda d: answered(d)["properties"].update(note={"anyOf": [{"type": "string"}, {"type": "null"}]}),
        f"{RIDE_ANSWERED} `note` may be null now.",
    ),
    (
        lambda d: field(answered(d), "season")["enum"].append("spring"),
        f'{RIDE_ANSWERED} `season` may be `"spring"` now.',
    ),
    (
        lambda d: field(answered(d), "season")["enum"].pop(),
        f'{RIDE_ANSWERED} `season` is never `"winter"` any more.',
    ),
    (
        lambda d: field(answered(d), "season").pop("enum"),
        f'{RIDE_ANSWERED} `season` may be more than `"summer"`, `"winter"` now.',
    ),
    (
        lambda d: field(answered(d), "made_at").pop("format"),
        f"{RIDE_ANSWERED} `made_at` has the format None now, not date-time.",
    ),
    (
        lambda d: field(answered(d), "weather")["oneOf"].append(_ref("Snow")),
        f"{RIDE_ANSWERED} `weather` may be Snow now.",
    ),
]
ADDITIONS: dict[str, Change] = {
    "nothing": lambda d: None,
    "an operation": lambda d: d["paths"].update({"/bikes": {"get": LIST}}),
    "a parameter": lambda d: get(d)["parameters"].append({"name": "day", "in": "query", "schema": {"type": "integer"}}),
    "a problem": lambda d: post(d)["responses"].update({"404": {"x-problem-codes": ["unknown_station"]}}),
    "a range": lambda d: get(d)["responses"].update({"206": {}, "304": {}}),
    "a code that moves": lambda d: get(d)["responses"].update({"409": delete(d)["responses"].pop("409")}),
    "a smaller scope": lambda d: post(d).update(security=[{"HTTPBearer": []}, {"APIKeyCookie": []}]),
    "no token": lambda d: post(d).pop("security"),
    "a way in": lambda d: post(d)["security"].append({"Basic": []}),
    "a body that may be left out": lambda d: post(d)["requestBody"].update(required=False),
    "a type of body": lambda d: post(d)["requestBody"]["content"].update({"text/csv": {}}),
    "a type of answer": lambda d: post(d)["responses"]["201"]["content"].update({"text/csv": {}}),
    "a list of a parameter": lambda d: get(d)["parameters"][1].update(schema={"type": "array", "items": _ref("State")}),
    "an optional field": lambda d: sent(d)["properties"].update(day={"type": "integer"}),
    "a field without need": lambda d: sent(d)["required"].remove("bikes"),
    "wider limits": lambda d: field(sent(d), "bikes").update(minimum=-1, maximum=1_000),
    "no pattern": lambda d: field(sent(d), "station").pop("pattern"),
    "a wider number": lambda d: field(sent(d), "bikes").update(type="number"),
    "null to send": lambda d: field(sent(d), "facts").update(type=None, anyOf=[{"type": "object"}, {"type": "null"}]),
    "a value to send": lambda d: field(sent(d), "season")["enum"].append("spring"),
    "any value to send": lambda d: field(sent(d), "season").pop("enum"),
    "a model to send": lambda d: field(sent(d), "weather")["oneOf"].append(_ref("Snow")),
    "an answered field": lambda d: answered(d)["properties"].update(day={"type": "integer"}),
    "an answer that is always there": lambda d: answered(d)["required"].append("note"),
    "never null": lambda d: field(answered(d), "at")["anyOf"].pop(),
    "a narrower number": lambda d: field(answered(d), "share").update(type="integer"),
    "a description": lambda d: field(answered(d), "note").update(description="d", title="Note", examples=["a"]),
    "another name of a model": lambda d: (
        d["components"]["schemas"].update(Drizzle=d["components"]["schemas"].pop("Rain"))
        or [field(model(d), "weather").update(oneOf=[_ref("Drizzle"), _ref("Sun")]) for model in (sent, answered)]
    ),
    "the names of values": lambda d: d["components"]["schemas"].update(
        State={"anyOf": [{"type": "string", "const": "open"}, {"type": "string", "const": "ended"}]}
    ),
}


class TestBreaks:
    @pytest.mark.parametrize(
        ("change", "says"), [*OPERATIONS, *SENT, *ANSWERED], ids=lambda one: one if isinstance(one, str) else ""
    )
    def test_are_told_once_each(self, change: Change, says: str) -> None:
        found = breaks(BEFORE, _after(change))
        assert [one.says for one in found] == [says]
        assert all(one.fix for one in found)

    @pytest.mark.parametrize("change", ADDITIONS.values(), ids=ADDITIONS)
    def test_are_not_seen_where_something_is_added(self, change: Change) -> None:
        assert breaks(BEFORE, _after(change)) == []

    def test_of_a_model_is_told_of_what_is_sent_and_of_what_is_answered(self) -> None:
        def both(document: dict[str, Any]) -> None:
            document["components"]["schemas"]["State"]["enum"] = ["open", "gone"]

        assert [one.says for one in breaks(BEFORE, _after(both))] == [
            'State as answered is never `"ended"` any more.',
            'State as answered may be `"gone"` now.',
            'State as sent does not take `"ended"` any more.',
        ]

    def test_of_a_path_that_names_its_parameter_otherwise_are_those_of_the_parameter(self) -> None:
        def renamed(document: dict[str, Any]) -> None:
            get(document)["parameters"][2]["name"] = "station"
            document["paths"]["/stations/{station}/rides"] = document["paths"].pop("/stations/{name}/rides")

        assert [one.says for one in breaks(BEFORE, _after(renamed))] == [
            "list_rides, path parameter `name` is gone.",
            "list_rides, path parameter `station` is new and required.",
        ]
