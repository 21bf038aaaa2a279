"""`millrace models …`: what is asked of the server, and how cards beside each other look."""

from tests.cli.conftest import Millrace
from tests.cli.server import Answer, Server

MODEL = {"description": "", "tags": {"team": "a"}}


def test_tag_sets_and_takes_away(millrace: Millrace, server: Server) -> None:
    server.on("PATCH", "/api/v1/models/bikes", Answer(MODEL))
    assert millrace("models", "tag", "bikes", "team:a", "old-").exit_code == 0
    assert server.asked[-1].json() == {"tags": {"team": "a", "old": None}}


def test_tag_refuses_what_is_none(millrace: Millrace, server: Server) -> None:
    result = millrace("models", "tag", "bikes", "team")
    assert (result.exit_code, server.asked) == (2, [])


def test_describe_sends_what_was_said(millrace: Millrace, server: Server) -> None:
    server.on("PATCH", "/api/v1/models/bikes/versions/3", Answer(MODEL))
    assert millrace("models", "describe", "bikes", "3", "--description", "new").exit_code == 0
    assert server.asked[-1].json() == {"description": "new"}


def test_card_prints_the_markdown(millrace: Millrace, server: Server) -> None:
    server.on("GET", "/api/v1/models/bikes/versions/3/card", Answer(b"# bikes [x]\n", kind="text/markdown"))
    assert millrace("models", "card", "bikes", "3").stdout == "# bikes [x]\n"
    assert server.asked[-1].query == {"format": "markdown"}


def test_search_sends_every_filter(millrace: Millrace, server: Server) -> None:
    server.on("GET", "/api/v1/model-versions", Answer({"items": [], "next_cursor": None}))
    result = millrace("models", "search", "rides", "--metric", "mae<40", "--metric", "r2>0", "--tag", "a:b")
    assert "None found." in result.stdout
    assert server.asked[-1].query == {"limit": "50", "q": "rides", "metric": "mae<40,r2>0", "tag": "a:b"}


def test_compare_shows_intervals_and_the_warning(millrace: Millrace, server: Server) -> None:
    metric = {"name": "mae", "value": 40.5, "low": 39.0, "high": 42.0}
    side = {
        "versions": ["bikes@1", "bikes@2"],
        "warning": "Not the same rows.",
        "metrics": [{"name": "mae", "values": [metric, None]}],
        "params": [{"name": "depth", "values": [3, 5]}],
        "data": [{"dataset": "hours@1"}, {"dataset": "hours@2"}],
        "verdicts": ["pass", None],
        "promotions": [None, None],
        "flavors": ["onnx", "onnx"],
        "sizes": [1000, 2000],
        "latencies": [None, None],
        "slices": [],
        "checks": [],
    }
    server.on("GET", "/api/v1/models/bikes/compare", Answer(side))
    shown = millrace("models", "compare", "bikes", "1", "2").stdout
    assert "Not the same rows." in shown
    assert "40.5 (39 to 42)" in shown
    assert server.asked[-1].query == {"versions": "1,2"}
