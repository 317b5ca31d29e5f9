"""The handlers of the built-in kinds of jobs. They run in the worker; `worker.Bench` is what they have."""

from collections.abc import Iterator, Set
from dataclasses import asdict
from pathlib import Path
from typing import Any, Protocol, cast

from danqing.base.errors import JobError
from danqing.base.order import Order
from danqing.base.picture import Picture
from danqing.base.progress import Watch
from danqing.prompt.lint import LintOptions, lint, read_contradictions
from danqing.prompt.reading import Dialect, ReadingOptions, read_prompt
from danqing.prompt.tokens import Vocabulary, read_vocabulary
from danqing.studio.gallery import Announce
from danqing.studio.job_pictures import JobPictures
from danqing.studio.jobs import JobPicture, JsonObject
from danqing.studio.passing import passing_folder
from danqing.studio.story import infotext_of
from danqing.studio.studio import Kept
from danqing.studio.worker import Bench
from danqing.weights.assets import asset


class Paints(Protocol):
    """What `Studio.paint` is."""

    def __call__(
        self, order: Order, watch: Watch, *, to: Path | None, already: Set[int], announce: Announce
    ) -> Iterator[Kept]: ...


def paint(bench: Bench, payload: JsonObject) -> JsonObject:
    """Paints what is missing of an order: {"order": ..., "keep": ...}. What an earlier attempt has finished is found, not painted again."""
    return paint_missing(bench.studio.paint, bench, payload)


def paint_missing(paints: Paints, bench: Bench, payload: JsonObject) -> JsonObject:
    """The same with whoever paints. Each picture is announced, written, recorded and told, in this order: see `job_pictures`."""
    order = Order.model_validate(payload["order"])
    keep = payload.get("keep", True) is not False
    made = JobPictures(bench.database, bench.job)

    def announce(picture: Picture, path: Path) -> None:
        made.announce(picture.provenance.index, path)

    def add(path: Path) -> int:
        return bench.library.add_file(path) if keep else 0

    already = made.settle(order.digest, add)
    to = None if keep else passing_folder(bench.studio.home, bench.job)
    for kept in paints(order, bench.watch, to=to, already=already, announce=announce):
        record = bench.library.add(kept.path, kept.picture) if keep else 0
        number = kept.picture.provenance.index
        picture = JobPicture(bench.job, number, kept.path, record, infotext_of(kept.picture))
        made.finish(picture)
        bench.tell_kept(picture)
        made.skip(bench.skipped)
    made.skip(bench.skipped)
    return {"skipped": [*sorted(bench.skipped)]}


def count_tokens(bench: Bench, payload: JsonObject) -> JsonObject:
    """{"prompt", "negative"?, "dialect"?, "steps"?} to {"tokens", "chunks", "room"}: as A1111's counter, at the step that has the most."""
    options = ReadingOptions(dialect=_dialect(payload), steps=_steps(payload), negative=payload.get("negative") is True)
    plan = read_prompt(_text(payload), _vocabulary(), options)
    tokens = max(stretch.count for part in plan.parts for stretch in part.spans)
    return {"tokens": tokens, "chunks": plan.longest, "room": 75 * plan.longest}


def lint_prompt(bench: Bench, payload: JsonObject) -> JsonObject:
    """{"prompt", "negative"?, "dialect"?, "steps"?} to {"findings": [...]}, with the LoRAs, hypernetworks and embeddings that are here."""
    catalog = bench.studio.catalog
    options = LintOptions(
        dialect=_dialect(payload),
        negative=payload.get("negative") is True,
        steps=_steps(payload),
        loras=[file.name for file in catalog.list("lora")],
        hypernets=[file.name for file in catalog.list("hypernet")],
        embeddings={file.name: 1 for file in catalog.list("embedding")},
        vocabulary=_vocabulary(),
        exclusive=read_contradictions(asset("wordlists", "contradictions.json").read_text(encoding="utf-8")),
    )
    return {"findings": [asdict(finding) for finding in lint(_text(payload), options)]}


def _text(payload: JsonObject) -> str:
    text = payload.get("prompt", "")
    if not isinstance(text, str):
        raise JobError(f"prompt must be text, found {text!r}")
    return text


def _dialect(payload: JsonObject) -> Dialect:
    # Recipe's own check names what is possible.
    recipe: Any = Order.model_validate({"recipe": {"dialect": payload.get("dialect", "danqing")}}).recipe
    return cast("Dialect", recipe.dialect)


def _steps(payload: JsonObject) -> int:
    return Order.model_validate({"recipe": {"steps": payload.get("steps", 20)}}).recipe.steps


def _vocabulary() -> Vocabulary:
    return read_vocabulary(asset("tokenizer", "vocab.json"), asset("tokenizer", "merges.txt"))
