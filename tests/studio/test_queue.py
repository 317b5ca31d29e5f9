"""The queue on both databases: what is put in, in which order it comes out, and what can be done to it meanwhile."""

import threading
from itertools import count
from pathlib import Path

import pytest
from sqlalchemy import select

from danqing.base.errors import JobError, RecipeError
from danqing.base.job import Job
from danqing.studio.database import Database
from danqing.studio.dispatch import Dispatch
from danqing.studio.events import Events
from danqing.studio.job_pictures import JobPictures
from danqing.studio.jobs import JobPicture, JobProgress, JsonObject
from danqing.studio.pace import Pace
from danqing.studio.queue import Queue
from danqing.studio.tables import jobs


class Both:
    """A queue and those who work it off, with a clock that goes a second a look."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.events = Events()
        clock = map(float, count(1000))
        self.queue = Queue(database, self.events, hosts=("good.example",), clock=lambda: next(clock))
        self.dispatch = Dispatch(database, self.events, clock=lambda: next(clock))

    def submit(self, prompt: str = "a fox", **how: object) -> Job:
        payload: JsonObject = {"order": {"recipe": {"prompt": prompt, "steps": 10, "width": 100, "height": 100}}}
        return self.queue.submit("paint", payload, **how)  # type: ignore[arg-type]

    def claimed(self) -> list[str]:
        """Ids in the order in which a worker would get them."""
        found = []
        while job := self.dispatch.claim("paint"):
            found.append(job.id)
        return found


@pytest.fixture
def both(database: Database) -> Both:
    return Both(database)


@pytest.fixture
def lite(sqlite: Database) -> Both:
    return Both(sqlite)


def test_a_job_is_kept_word_for_word(both: Both) -> None:
    job = both.submit("红发 \U0001f98a 사과", priority=3, client="me", key="k1", webhook="https://good.example/told")
    assert both.queue.get(job.id) == job
    assert (job.state, job.lane, job.created) == ("queued", "paint", 1000.0)


def test_jobs_come_out_in_the_order_in_which_they_came(both: Both) -> None:
    ids = [both.submit(str(number)).id for number in range(5)]
    assert [job.id for job in both.queue.list()] == ids
    assert both.claimed() == ids


def test_priority_goes_first(both: Both) -> None:
    low, high, usual = both.submit(priority=-1), both.submit(priority=5), both.submit()
    assert [job.id for job in both.queue.list()] == [high.id, usual.id, low.id]
    assert both.claimed() == [high.id, usual.id, low.id]


def test_short_work_does_not_wait_behind_pictures(both: Both) -> None:
    both.submit()
    quick = both.queue.submit("tokens", {"prompt": "a fox"})
    found = both.dispatch.claim("quick")
    assert quick.lane == "quick"
    assert found is not None
    assert found.id == quick.id


def test_a_claimed_job_is_running_and_nobody_else_gets_it(both: Both) -> None:
    job = both.submit()
    found: list[Job | None] = []
    threads = [threading.Thread(target=lambda: found.append(both.dispatch.claim("paint"))) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [one.id for one in found if one] == [job.id]
    now = both.queue.get(job.id)
    assert (now.state, now.attempts, now.started > now.created) == ("running", 1, True)


def test_an_unknown_kind_is_refused_with_its_neighbour(lite: Both) -> None:
    with pytest.raises(JobError, match=r"no kind of job named 'pant'; did you mean paint\?"):
        lite.queue.submit("pant", {})


def test_an_unknown_job_is_refused(lite: Both) -> None:
    for ask in (lite.queue.get, lite.queue.cancel, lite.queue.skip, lite.queue.again, lite.queue.move, lite.queue.eta):
        with pytest.raises(JobError, match=r"there is no job 'nobody'"):
            ask("nobody")


def test_the_payload_is_checked_and_settled_before_it_is_kept(sqlite: Database) -> None:
    def prepare(payload: JsonObject) -> JsonObject:
        if "bad" in payload:
            raise RecipeError("bad is no field")
        return {**payload, "seed": 7}

    queue = Queue(sqlite, Events(), prepare={"paint": prepare})
    assert queue.submit("paint", {}).payload == {"seed": 7}
    with pytest.raises(RecipeError, match=r"bad is no field"):
        queue.submit("paint", {"bad": 1})
    assert queue.count() == 1


def test_the_same_key_is_the_same_job(both: Both) -> None:
    first = both.submit(client="me", key="k")
    assert both.submit(client="me", key="k").id == first.id
    assert both.submit(client="you", key="k").id != first.id
    assert both.submit(client="me").id != both.submit(client="me").id
    with pytest.raises(JobError, match=rf"the key 'k' was used for another job \({first.id}\)"):
        both.submit("another prompt", client="me", key="k")


def test_a_key_that_comes_many_times_at_once_is_one_job(both: Both) -> None:
    found: list[str] = []
    threads = [threading.Thread(target=lambda: found.append(both.submit(key="k").id)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert len(set(found)) == 1


def test_a_queued_job_is_cancelled_at_once(both: Both) -> None:
    job = both.submit()
    assert both.queue.cancel(job.id).state == "cancelled"
    assert both.claimed() == []
    assert both.queue.get(job.id).ended > 0


def test_a_running_job_is_told_what_is_wanted(both: Both) -> None:
    job = both.submit()
    both.dispatch.claim("paint")
    assert both.queue.skip(job.id).state == "running"
    assert both.dispatch.stirred(job.id)
    assert (both.dispatch.wish(job.id), both.dispatch.wish(job.id)) == ("skip", "")
    both.queue.finish_now(job.id)
    both.queue.skip(job.id)
    assert (both.dispatch.wish(job.id), both.dispatch.wish(job.id)) == ("finish", "finish")
    both.queue.cancel(job.id)
    both.queue.finish_now(job.id)
    assert both.dispatch.wish(job.id) == "cancel"


def test_skipping_and_finishing_a_job_that_is_over_changes_nothing(lite: Both) -> None:
    job = lite.submit()
    assert lite.queue.skip(job.id).state == "queued"
    lite.dispatch.claim("paint")
    lite.dispatch.end(job.id, "done")
    for ask in (lite.queue.skip, lite.queue.finish_now, lite.queue.cancel):
        assert ask(job.id).state == "done"


def test_cancelling_all_takes_one_client_or_everybody(lite: Both) -> None:
    for client in ("me", "me", "you"):
        lite.submit(client=client)
    assert lite.queue.cancel_all(client="me") == 2
    assert [job.client for job in lite.queue.list(("queued",))] == ["you"]
    assert lite.queue.cancel_all() == 1
    assert lite.queue.count(("cancelled",)) == 3


def test_a_job_can_be_moved_before_another_and_to_the_end(both: Both) -> None:
    a, b, c, d = (both.submit(str(number)).id for number in range(4))
    both.queue.move(d, before=b)
    assert [job.id for job in both.queue.list()] == [a, d, b, c]
    both.queue.move(a)
    assert both.claimed() == [d, b, c, a]


def test_a_moved_job_takes_the_priority_of_its_new_neighbour(both: Both) -> None:
    high, low = both.submit(priority=5).id, both.submit(priority=-5).id
    both.queue.move(low, before=high)
    assert both.claimed() == [low, high]


def test_only_waiting_jobs_can_be_moved(lite: Both) -> None:
    running, waiting = lite.submit().id, lite.submit().id
    lite.dispatch.claim("paint")
    with pytest.raises(JobError, match=rf"job {running} is running; only queued jobs can be moved"):
        lite.queue.move(running)
    with pytest.raises(JobError, match=r"is running; only queued"):
        lite.queue.move(waiting, before=running)


def test_a_paused_queue_begins_no_picture_also_after_a_restart(both: Both) -> None:
    job = both.submit()
    quick = both.queue.submit("tokens", {})
    both.queue.pause()
    again = Both(both.database)
    assert (again.queue.paused, again.claimed()) == (True, [])
    found = again.dispatch.claim("quick")
    assert found is not None
    assert found.id == quick.id
    again.queue.resume()
    assert again.claimed() == [job.id]


def test_the_list_shows_running_then_waiting_then_the_newest_of_the_others(lite: Both) -> None:
    ids = [lite.submit(str(number)).id for number in range(4)]
    for state in ("done", "failed"):
        job = lite.dispatch.claim("paint")
        assert job is not None
        lite.dispatch.end(job.id, state)
    lite.dispatch.claim("paint")
    assert [job.id for job in lite.queue.list()] == [ids[2], ids[3], ids[1], ids[0]]
    assert [job.id for job in lite.queue.list(("done", "failed"))] == [ids[1], ids[0]]
    assert [job.id for job in lite.queue.list(limit=2, offset=1)] == [ids[3], ids[1]]
    assert lite.queue.count(("queued", "running")) == 2


def test_a_failed_job_can_be_tried_again_and_a_done_one_not(lite: Both) -> None:
    job = lite.submit()
    lite.submit()
    lite.dispatch.claim("paint")
    lite.dispatch.end(job.id, "failed", message="no memory", failure="HardwareError")
    assert (lite.queue.get(job.id).message, lite.queue.get(job.id).failure) == ("no memory", "HardwareError")
    fresh = lite.queue.again(job.id)
    assert (fresh.state, fresh.message, fresh.failure, fresh.ended) == ("queued", "", "", 0.0)
    assert lite.claimed()[-1] == job.id
    lite.dispatch.end(job.id, "done")
    with pytest.raises(JobError, match=r"is done; it can't become queued"):
        lite.queue.again(job.id)


def test_progress_is_told_while_a_job_runs_and_forgotten_after(lite: Both) -> None:
    job = lite.submit()
    assert lite.queue.progress(job.id) is None
    lite.dispatch.claim("paint")
    lite.dispatch.progressed(job.id, JobProgress(fraction=0.5, preview=b"jpeg", preview_number=1), Pace())
    lite.dispatch.progressed(job.id, JobProgress(fraction=0.75, preview_number=1), Pace())
    said = lite.queue.progress(job.id)
    assert said is not None
    assert (said.fraction, said.preview) == (0.75, b"jpeg")
    assert lite.queue.get(job.id).progress == 0.75
    lite.dispatch.end(job.id, "done")
    assert lite.queue.progress(job.id) is None
    assert lite.queue.get(job.id).progress == 1.0


def test_waiting_ends_with_the_job_or_with_patience(lite: Both) -> None:
    job = lite.submit()
    assert lite.queue.wait(job.id, timeout=0.05).state == "queued"
    lite.dispatch.claim("paint")
    threading.Timer(0.1, lambda: lite.dispatch.end(job.id, "done", result={"answer": 42})).start()
    assert lite.queue.wait(job.id, timeout=20).result == {"answer": 42}


def test_what_another_process_does_is_noticed_and_told(lite: Both) -> None:
    job = lite.submit()
    elsewhere = Both(lite.database)
    with lite.queue.subscribe() as heard:
        elsewhere.queue.cancel(job.id)
        lite.queue.notice()
        event = heard.get(1)
        assert event is not None
        assert (event.kind, event.job, event.data["state"]) == ("job", job.id, "cancelled")
        lite.queue.notice()
        assert heard.get(0.01) is None


def test_the_eta_comes_from_how_long_such_work_took(lite: Both) -> None:
    first, second, third = (lite.submit(str(number)) for number in range(3))
    assert lite.queue.eta(first.id) is None
    lite.dispatch.claim("paint")
    lite.dispatch.end(first.id, "done")
    took = lite.queue.get(first.id)
    seconds = took.ended - took.started
    assert seconds > 0
    assert lite.queue.eta(second.id) == pytest.approx(seconds)
    assert lite.queue.eta(third.id) == pytest.approx(2 * seconds)
    assert lite.queue.eta(first.id) == 0.0


def test_a_result_names_the_pictures_that_were_kept(lite: Both) -> None:
    job = lite.submit()
    lite.dispatch.claim("paint")
    made = JobPictures(lite.database, job.id)
    for number in (1, 0):
        made.announce(number, Path(f"{number}.png"))
        made.finish(JobPicture(job.id, number, Path(f"{number}.png"), 10 + number, f"infotext {number}"))
    made.announce(2, Path("half.png"))
    lite.dispatch.end(job.id, "cancelled", result={"interrupted": True})
    result = lite.queue.get(job.id).result
    assert result["interrupted"] is True
    assert result["pictures"] == [
        {"number": number, "path": f"{number}.png", "record": 10 + number, "infotext": f"infotext {number}"}
        for number in (0, 1)
    ]
    assert [picture.record for picture in lite.queue.pictures(job.id)] == [10, 11]


@pytest.mark.parametrize(
    "address",
    [
        "ftp://good.example/",
        "https://evil.example/",
        "https://good.example@evil.example/",
        "https://me@good.example/",
        "x",
        "http://[::1",
    ],
)
def test_a_webhook_goes_only_to_hosts_that_are_allowed(lite: Both, address: str) -> None:
    with pytest.raises(JobError, match=r"webhook: "):
        lite.submit(webhook=address)
    assert lite.queue.count() == 0


def test_ids_are_not_to_be_guessed(lite: Both) -> None:
    ids = {lite.submit(str(number)).id for number in range(20)}
    assert {len(job) for job in ids} == {16}
    with lite.database.reading() as connection:
        assert set(connection.execute(select(jobs.c.id)).scalars()) == ids


def test_any_text_that_json_can_hold_is_kept(both: Both) -> None:
    payload: JsonObject = {"prompt": "nul \0, half \ud800, 红发 \U0001f98a", "n": 2**70, "deep": [[[{"a": None}]]]}
    job = both.queue.submit("tokens", payload)
    both.dispatch.claim("quick")
    both.dispatch.end(job.id, "failed", message="odd \0 \ud800", failure="JobError", result={"said": "\ud800"})
    after = both.queue.get(job.id)
    assert (after.payload, after.result, after.message) == (payload, {"said": "\ud800"}, "odd \ufffd \ufffd")


@pytest.mark.parametrize("field", ["client", "key", "webhook"])
@pytest.mark.parametrize("text", ["x" * 201, "nul \0", "half \ud800"])
def test_names_that_no_database_holds_are_refused(lite: Both, field: str, text: str) -> None:
    with pytest.raises(JobError, match=rf"{field}: at most 200 letters"):
        lite.submit(**{field: text})
