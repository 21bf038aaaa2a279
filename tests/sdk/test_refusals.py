"""What goes wrong, in the Python SDK: a sentence and the next step. And what notebooks show of hostile words."""

from pathlib import Path

import pytest

import millrace
from millrace.endpoints import records
from millrace.html import page, table
from tests.servers import free_port

HOSTILE = '<script>alert(1)</script>"&'


class TestRefusals:
    def test_a_wrong_token_says_where_one_comes_from(self, url: str) -> None:
        with millrace.connect(url, token="wrong") as client, pytest.raises(millrace.Problem) as refused:
            client.datasets("rides").versions()
        assert (refused.value.status, refused.value.code) == (401, "unauthenticated")
        assert "MILLRACE_TOKEN" in str(refused.value)

    def test_an_unknown_dataset_comes_with_those_near_it(self, client: millrace.Client, rides: Path) -> None:
        client.datasets("rides").push(rides)
        with pytest.raises(millrace.Problem, match="Did you mean 'rides'"):
            client.datasets("riides").version()

    def test_a_server_that_is_away_is_named(self) -> None:
        address = f"http://127.0.0.1:{free_port()}"
        with millrace.connect(address) as client, pytest.raises(millrace.Unreachable, match="millrace up") as away:
            _ = client.whoami
        assert address in str(away.value)

    def test_a_misspelt_word_of_a_spec_is_refused(self, client: millrace.Client) -> None:
        with pytest.raises(millrace.Problem, match="settnigs"):
            client.endpoints("rides").deploy("rides", settnigs={})

    @pytest.mark.usefixtures("worker")
    def test_a_job_that_fails_says_why(self, client: millrace.Client, rides: Path) -> None:
        version = client.datasets("rides").push(rides).wait()
        asked = {"task": "classification", "target": "temp", "trainer": "logistic"}
        with pytest.raises((millrace.JobFailed, millrace.Problem)) as failed:
            client.experiments("study").train(dataset=version, **asked).wait()
        assert failed.value.message

    def test_the_token_of_this_machine_goes_nowhere_else(self, tmp_path: Path) -> None:
        (tmp_path / "token").write_text("mlr_secret")
        here = millrace.connect("http://localhost:1", home=tmp_path)
        elsewhere = millrace.connect("http://example.org", home=tmp_path)
        apart = millrace.connect("http://localhost:1", serving="http://example.org", home=tmp_path)
        tokens = [one.http.headers.get("Authorization") for one in (here, elsewhere, apart)]
        assert tokens == ["Bearer mlr_secret", None, None]
        for one in (here, elsewhere, apart):
            one.close()


class TestPush:
    def test_files_that_are_there_are_not_sent_again(
        self, client: millrace.Client, rides: Path, tmp_path: Path
    ) -> None:
        dataset = client.datasets("rides")
        (rides / 'a "b" ü.txt').write_bytes(b"quoted")
        first = dataset.push(rides)
        assert dataset.push(rides).number == first.number
        (rides / "more.csv").write_text("temp,hour,rides\n1,2,3\n")
        assert dataset.push(rides, message="one more").number == 2
        pulled = dataset.version(2).pull(tmp_path / "out")
        assert {one.name: one.read_bytes() for one in pulled.iterdir()} == {
            one.name: one.read_bytes() for one in rides.iterdir()
        }
        assert [one.path for one in dataset.version(1).files()] == ['a "b" ü.txt', "rides.csv"]

    def test_a_path_that_is_not_there_is_refused(self, client: millrace.Client) -> None:
        with pytest.raises(millrace.Misuse, match="There is no"):
            client.datasets("rides").push("nowhere")


class TestNotebook:
    def test_every_value_is_escaped(self) -> None:
        shown = page(HOSTILE, {HOSTILE: HOSTILE, "all": {HOSTILE: [HOSTILE]}}, table([HOSTILE], [[HOSTILE]]))
        assert "<script" not in shown

    def test_a_version_with_a_hostile_message_is_shown(self, client: millrace.Client, rides: Path) -> None:
        version = client.datasets("rides").push(rides, message=HOSTILE)
        assert "&lt;script&gt;" in version._repr_html_()
        assert "<script" not in version._repr_html_() + client.datasets("rides")._repr_html_()


def test_rows_that_are_none_are_refused() -> None:
    with pytest.raises(millrace.Misuse, match="Rows are dicts"):
        records([1, 2])
    assert records({"a": float("nan")}) == [{"a": None}]
