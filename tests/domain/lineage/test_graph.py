"""The walk alone, on graphs that are written down."""

from collections.abc import Collection

import pytest

from domain.lineage.graph import Edge, Key, Kind, Look, Walk


def run(name: str) -> Key:
    return Key(Kind.RUN, name)


def looks_at(*pairs: tuple[Key, Key], up: bool = False) -> Look:
    def look(keys: Collection[Key], most: int) -> list[Edge]:
        return [Edge(a, b, "made") for a, b in pairs if (b if up else a) in keys][:most]

    return look


CHAIN = [(run(str(place)), run(str(place + 1))) for place in range(6)]


class TestWalk:
    def test_goes_as_many_steps_as_it_is_told(self) -> None:
        walk = Walk(300)
        walk.from_(run("0"), looks_at(*CHAIN), depth=2, up=False)
        assert {key.id: followed for key, followed in walk.nodes.items()} == {"0": True, "1": True, "2": False}
        assert len(walk.edges) == 2
        assert not walk.truncated

    def test_up_is_the_other_way(self) -> None:
        walk = Walk(300)
        walk.from_(run("3"), looks_at(*CHAIN, up=True), depth=20, up=True)
        assert [key.id for key in walk.nodes] == ["3", "2", "1", "0"]

    def test_both_ways_from_one_thing_leave_out_what_only_its_neighbours_share(self) -> None:
        pairs = [(run("data"), run("mine")), (run("data"), run("other"))]
        walk = Walk(300)
        walk.from_(run("mine"), looks_at(*pairs, up=True), depth=5, up=True)
        walk.from_(run("mine"), looks_at(*pairs), depth=5, up=False)
        assert {key.id for key in walk.nodes} == {"data", "mine"}

    def test_ends_where_it_comes_round(self) -> None:
        walk = Walk(300)
        walk.from_(run("a"), looks_at((run("a"), run("b")), (run("b"), run("a"))), depth=20, up=False)
        assert (len(walk.nodes), len(walk.edges)) == (2, 2)

    @pytest.mark.parametrize(("children", "truncated"), [(9, False), (10, True), (500, True)])
    def test_says_when_there_is_more_than_it_may_show(self, children: int, truncated: bool) -> None:
        walk = Walk(10)
        walk.from_(run("a"), looks_at(*((run("a"), run(f"c{n}")) for n in range(children))), depth=3, up=False)
        assert (len(walk.nodes), walk.truncated) == (10, truncated)
        assert all(edge.target in walk.nodes for edge in walk.edges)

    def test_passes_an_endpoint_by_unless_it_is_asked_about(self) -> None:
        endpoint = Key(Kind.ENDPOINT, "e")
        pairs = [(run("old"), endpoint), (endpoint, run("traffic"))]
        passed, asked = Walk(300), Walk(300)
        passed.from_(run("traffic"), looks_at(*pairs, up=True), depth=5, up=True)
        asked.from_(endpoint, looks_at(*pairs, up=True), depth=5, up=True)
        assert {key.id for key in passed.nodes} == {"traffic", "e"}
        assert {key.id for key in asked.nodes} == {"e", "old"}
