"""`millrace data diff`: waits for a comparison that is new, and shows it."""

import re
from typing import Any

from tests.cli.conftest import Millrace
from tests.cli.server import Answer, Server

DIFF = "/api/v1/datasets/bikes/versions/2/diff"


def _job(state: str) -> dict[str, Any]:
    return {"id": "j1", "kind": "diff_versions", "state": state, "progress": 0.5, "message": "", "error": None}


class TestDiff:
    def test_waits_for_a_comparison_that_is_new(self, millrace: Millrace, server: Server) -> None:
        change = {
            "rows_before": 10,
            "rows_after": 12,
            "key": [],
            "rows_added": 2,
            "rows_removed": 0,
            "rows_changed": 0,
            "changes": {},
            "changed": [],
            "added": [{"temp": 0.5}],
            "removed": [],
            "columns_added": ["yr"],
            "columns_removed": [],
            "columns_retyped": {"cnt": ["integer", "number"]},
            "shifts": [{"name": "temp", "psi": 8.038, "nulls_before": 0, "nulls_after": 0}],
        }
        server.on("GET", DIFF, Answer(_job("queued"), 202), Answer(change))
        server.on("GET", "/api/v1/jobs/j1", Answer(_job("succeeded")))
        said = millrace("data", "diff", "bikes", "1", "2").stdout
        assert server.asked[0].query == {"against": "1"}
        assert "10 to 12" in said
        assert "temp=0.5" in said
        assert "cnt: integer to number" in said
        assert "8.038" in said
        assert "changed" not in said

    def test_by_a_key_shows_what_was_and_what_is(self, millrace: Millrace, server: Server) -> None:
        change = {
            "rows_before": 10,
            "rows_after": 10,
            "key": ["at", "id"],
            "rows_added": 0,
            "rows_removed": 0,
            "rows_changed": 3,
            "changes": {"cnt": 3},
            "changed": [{"key": {"at": "noon", "id": 7}, "before": {"cnt": 1}, "after": {"cnt": 2}}],
            "added": [],
            "removed": [],
            "columns_added": [],
            "columns_removed": [],
            "columns_retyped": {},
            "shifts": [],
        }
        server.on("GET", DIFF, Answer(change))
        said = millrace("data", "diff", "bikes", "1", "2", "--key", "id", "--key", "at").stdout
        assert server.asked[0].query == {"against": "1", "key": "id,at"}
        assert "cnt=3" in said
        assert re.search(r"at=noon, id=7 +cnt +1 +2", said)
