"""`danqing queue`: the jobs of a home, also while a server works on them."""

import json
import time
from typing import TYPE_CHECKING, Annotated, get_args

import typer

from danqing.base.errors import JobError
from danqing.base.job import Job, JobState
from danqing.base.table import did_you_mean
from danqing.cli.opened import opened
from danqing.cli.options import HomeOption, JsonOption, QuietOption

if TYPE_CHECKING:
    from danqing.studio.queue import Queue

JobArgument = Annotated[
    str, typer.Argument(metavar="JOB", help="Its id; the beginning will do when it is the only one.")
]
STATES: tuple[JobState, ...] = get_args(JobState)
WIDTH = 60
"""Letters of a prompt that are shown."""


def add_to(app: typer.Typer, name: str, help: str) -> None:  # noqa: A002 - what it is called below
    """The commands join the application."""
    queue = typer.Typer(name=name, help=help, no_args_is_help=False, invoke_without_command=True)
    queue.callback()(_list_by_default)
    queue.command("list", help="List jobs: running, waiting, then those that are over.")(list_jobs)
    queue.command("show", help="Show everything about one job.")(show)
    queue.command("cancel", help="Cancel jobs; what they have finished is kept.")(cancel)
    queue.command("again", help="Put a failed or cancelled job back into the queue; what it has finished stays.")(again)
    queue.command("move", help="Move a waiting job before another one, or to the end.")(move)
    queue.command("pause", help="Begin no further pictures until it is resumed.")(pause)
    queue.command("resume", help="Go on after a pause.")(resume)
    app.add_typer(queue, name=name)


def _list_by_default(
    context: typer.Context,
    states: Annotated[
        list[str] | None,
        typer.Option("--state", metavar="STATE", help="Only queued, running, done, failed, cancelled."),
    ] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, help="At most so many.")] = 50,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    if context.invoked_subcommand is None:
        list_jobs(states, limit, home, as_json)


def list_jobs(
    states: Annotated[
        list[str] | None,
        typer.Option("--state", metavar="STATE", help="Only queued, running, done, failed, cancelled."),
    ] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, help="At most so many.")] = 50,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """One line a job, or JSON."""
    wanted: list[JobState] = [_state(word) for word in states or ()]
    with opened(home) as service:
        found = service.queue.list(wanted, limit=limit)
        made = {job.id: len(service.queue.pictures(job.id)) for job in found}
        paused = service.queue.paused
    if as_json:
        print(
            json.dumps(
                {"paused": paused, "jobs": [_data(job, made[job.id]) for job in found]}, ensure_ascii=False, indent=2
            )
        )
        return
    if paused:
        print("the queue is paused; danqing queue resume goes on")
    for job in found:
        print(_line(job, made[job.id]))


def show(job: JobArgument, home: HomeOption = None, as_json: JsonOption = False) -> None:
    """All of it, the payload too."""
    with opened(home) as service:
        found = _find(service.queue, job)
        data = {**found.model_dump(mode="json"), "made": [one.as_json() for one in service.queue.pictures(found.id)]}
    if as_json:
        print(json.dumps(data, ensure_ascii=False, indent=2))
        return
    for word, value in data.items():
        if value not in ("", 0, {}, []):
            print(f"{word}: {value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)}")


def cancel(
    jobs: Annotated[list[str] | None, typer.Argument(metavar="JOB...", help="Ids, or their beginnings.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="All that wait or run.")] = False,
    home: HomeOption = None,
    quiet: QuietOption = False,
) -> None:
    """Waiting ones at once, running ones after the step at hand."""
    if bool(jobs) == everything:
        raise JobError("say which jobs to cancel, or --all; danqing queue list shows them")
    with opened(home) as service:
        if everything:
            count = service.queue.cancel_all()
            if not quiet:
                print(f"cancelled {count} job(s)")
        for word in jobs or ():
            after = service.queue.cancel(_find(service.queue, word).id)
            if not quiet:
                print(f"{after.id} {_ending(after)}")


def again(job: JobArgument, home: HomeOption = None) -> None:
    """To the end of the line."""
    with opened(home) as service:
        print(f"{service.queue.again(_find(service.queue, job).id).id} queued")


def move(
    job: JobArgument,
    before: Annotated[str | None, typer.Option("--before", metavar="JOB", help="To the end without this.")] = None,
    home: HomeOption = None,
) -> None:
    """It takes the priority of its new neighbour."""
    with opened(home) as service:
        target = _find(service.queue, before).id if before else None
        moved = service.queue.move(_find(service.queue, job).id, target)
        print(f"{moved.id} {f'before {target}' if target else 'at the end'}")


def pause(home: HomeOption = None) -> None:
    """Running jobs end as usual."""
    with opened(home) as service:
        service.queue.pause()
    print("paused; running jobs end as usual")


def resume(home: HomeOption = None) -> None:
    """Also after a restart the queue stays paused until this."""
    with opened(home) as service:
        service.queue.resume()
    print("the queue goes on")


def _find(queue: "Queue", word: str) -> Job:
    """The job of that id, or the only one of late whose id begins so."""
    found = [job for job in queue.list(limit=1000) if job.id.startswith(word)]
    if len(found) > 1 and word not in {job.id for job in found}:
        raise JobError(f"{len(found)} jobs begin with {word!r}; write more of the id")
    return next((job for job in found if job.id == word), found[0]) if found else queue.get(word)


def _state(word: str) -> JobState:
    for state in STATES:
        if state == word.casefold():
            return state
    raise JobError(f"no state named {word!r}{did_you_mean(word, list(STATES))}")


def _data(job: Job, made: int) -> dict[str, object]:
    return {**job.model_dump(mode="json", exclude={"payload", "result"}), "made": made, "about": _about(job)}


def _line(job: Job, made: int) -> str:
    when = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(job.created))
    done = f"{made} picture(s)" if made else ""
    return "  ".join(
        part for part in (job.id, f"{job.state:9}", when, job.kind, _about(job), done, job.message) if part
    )


def _about(job: Job) -> str:
    """The prompt, or what else there is to recognise a job by."""
    order = job.payload.get("order")
    recipe = order.get("recipe") if isinstance(order, dict) else job.payload
    prompt = recipe.get("prompt", "") if isinstance(recipe, dict) else ""
    text = " ".join(str(prompt).split())
    return text if len(text) <= WIDTH else text[: WIDTH - 3] + "..."


def _ending(job: Job) -> str:
    return job.state if job.over else "ends after the step at hand"
