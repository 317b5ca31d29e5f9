"""`danqing gallery`: finding pictures again, marking them, throwing them away and taking them back."""

import json
import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from danqing.base.errors import RecipeError
from danqing.cli.opened import opened
from danqing.cli.options import HomeOption, JsonOption, QuietOption, note

if TYPE_CHECKING:
    from danqing.studio.collecting import Collected
    from danqing.studio.records import Record

IdsArgument = Annotated[list[int], typer.Argument(metavar="ID...", help="Numbers, as search shows them.")]
SinceOption = Annotated[datetime | None, typer.Option("--since", metavar="DAY", help="Not older, 2026-11-21.")]
UntilOption = Annotated[datetime | None, typer.Option("--until", metavar="DAY", help="Older than that day.")]
SHOW_EVERY = 100
"""Files between two lines of progress."""


def add_to(app: typer.Typer, name: str, help: str) -> None:  # noqa: A002 - what it is called below
    """The commands join the application."""
    gallery = typer.Typer(name=name, help=help, no_args_is_help=True)
    gallery.command("search", help="Find pictures by words of their prompt, parameters, marks and date.")(search)
    gallery.command("import", help="Take in the pictures of a folder where they lie: of A1111, ComfyUI and others.")(
        take_in
    )
    gallery.command("reindex", help="Read all pictures anew from their files; marks come back from beside them.")(
        reindex
    )
    gallery.command("mark", help="Give favourites, stars, boards and tags.")(mark)
    gallery.command("duplicates", help="Show groups of pictures that look alike.")(duplicates)
    gallery.command("trash", help="Put pictures into the trash.")(trash)
    gallery.command("restore", help="Take pictures back out of the trash.")(restore)
    gallery.command("empty-trash", help="Remove for good what is in the trash.")(empty_trash)
    app.add_typer(gallery, name=name)


def search(
    text: Annotated[
        str, typer.Argument(metavar="WORDS", help="All must be there; red* is every word that begins so.")
    ] = "",
    where: Annotated[
        list[str] | None,
        typer.Option("--where", metavar="CONDITION", help="steps>=30, sampler=Euler a, hires=, lora!=ink ..."),
    ] = None,
    model: Annotated[str, typer.Option("--model", metavar="NAME")] = "",
    lora: Annotated[str, typer.Option("--lora", metavar="NAME")] = "",
    board: Annotated[str, typer.Option("--board", metavar="NAME")] = "",
    tag: Annotated[str, typer.Option("--tag", metavar="NAME")] = "",
    favourite: Annotated[bool, typer.Option("--favourite", help="Only favourites.")] = False,
    rating: Annotated[int, typer.Option("--rating", min=0, max=5, help="At least so many stars.")] = 0,
    since: SinceOption = None,
    until: UntilOption = None,
    trashed: Annotated[bool, typer.Option("--trashed", help="Look in the trash.")] = False,
    oldest: Annotated[bool, typer.Option("--oldest", help="The oldest first.")] = False,
    limit: Annotated[int, typer.Option("--limit", min=1, max=1000, help="At most so many.")] = 50,
    home: HomeOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """A number, its path, and the beginning of its prompt a line; only paths with --quiet."""
    from danqing.studio.searching import Search

    asked = Search(
        text=text,
        where=tuple(where or ()),
        model=model,
        lora=lora,
        board=board,
        tag=tag,
        favourite=favourite,
        rating=rating,
        since=since.astimezone().timestamp() if since else None,
        until=until.astimezone().timestamp() if until else None,
        trashed=trashed,
        order="oldest" if oldest else "newest",
        limit=limit,
    )
    with opened(home) as service:
        page, total = service.library.page(asked), service.library.count(asked)
    if as_json:
        found = [record.as_json() for record in page.records]
        print(json.dumps({"total": total, "pictures": found}, ensure_ascii=False, indent=2))
        return
    for record in page.records:
        print(record.path if quiet else _line(record))
    if not quiet and total > len(page.records):
        print(f"{len(page.records)} of {total}; --limit shows more")


def take_in(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="With pictures in it, or in folders below.")],
    home: HomeOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Nothing is moved or copied; files that are known and haven't changed are passed over."""
    from danqing.studio.collecting import collect

    with opened(home) as service:
        found = collect(service.library, folder.expanduser(), tell=None if quiet or as_json else _tell)
    _say(found, as_json)


def reindex(home: HomeOption = None, as_json: JsonOption = False, quiet: QuietOption = False) -> None:
    """Records of files that are gone go."""
    from danqing.studio import collecting

    with opened(home) as service:
        found = collecting.reindex(service.library, tell=None if quiet or as_json else _tell)
    _say(found, as_json)


def mark(
    ids: IdsArgument,
    favourite: Annotated[bool | None, typer.Option("--favourite/--no-favourite")] = None,
    rating: Annotated[int | None, typer.Option("--rating", min=0, max=5, help="Stars; 0 takes them away.")] = None,
    tags: Annotated[
        list[str] | None, typer.Option("--tag", metavar="NAME", help="Add a tag; -NAME takes it away.")
    ] = None,
    boards: Annotated[
        list[str] | None, typer.Option("--board", metavar="NAME", help="Put on a board; -NAME takes it off.")
    ] = None,
    home: HomeOption = None,
) -> None:
    """What isn't said stays as it is."""
    with opened(home) as service:
        for number in ids:
            record = service.library.get(number)
            changes: dict[str, Any] = {"tags": _changed(record.tags, tags), "boards": _changed(record.boards, boards)}
            changes |= {"favourite": favourite} if favourite is not None else {}
            changes |= {"rating": rating} if rating is not None else {}
            print(_line(service.library.mark(number, **changes)))


def duplicates(home: HomeOption = None, as_json: JsonOption = False) -> None:
    """A blank line between two groups; the newest picture of each first."""
    with opened(home) as service:
        groups = [[service.library.get(number) for number in group] for group in service.library.near_duplicates()]
    if as_json:
        print(json.dumps([[record.as_json() for record in group] for group in groups], ensure_ascii=False, indent=2))
        return
    print("\n\n".join("\n".join(map(_line, group)) for group in groups) or "no two pictures look alike")


def trash(ids: IdsArgument, home: HomeOption = None) -> None:
    """The files go into a hidden folder beside them."""
    with opened(home) as service:
        for record in service.library.trash(ids):
            print(f"{record.id} in the trash; danqing gallery restore {record.id} takes it back")


def restore(ids: IdsArgument, home: HomeOption = None) -> None:
    """To where they were."""
    with opened(home) as service:
        for record in service.library.restore(ids):
            print(record.path)


def empty_trash(
    days: Annotated[float, typer.Option("--older-than", metavar="DAYS", min=0, help="Only what is there so long.")] = 0,
    sure: Annotated[bool, typer.Option("--yes", help="Without this nothing is removed.")] = False,
    home: HomeOption = None,
) -> None:
    """This can't be undone."""
    if not sure:
        raise RecipeError("emptying the trash can't be undone; say --yes")
    with opened(home) as service:
        print(f"removed {service.library.empty_trash(days * 86400)} picture(s)")


def _changed(names: tuple[str, ...], said: list[str] | None) -> tuple[str, ...]:
    added = [name for name in said or () if not name.startswith("-")]
    removed = {name[1:] for name in said or () if name.startswith("-")}
    return tuple(name for name in (*names, *added) if name not in removed)


def _tell(number: int, path: Path) -> None:
    if number % SHOW_EVERY == 0:
        print(f"{number} files: {path}", file=sys.stderr)


def _say(found: "Collected", as_json: bool) -> None:
    if as_json:
        data = {
            "taken": len(found.pictures),
            "known": found.known,
            "gone": found.gone,
            "unreadable": list(found.unreadable),
        }
        print(json.dumps(data, ensure_ascii=False, indent=2))
        return
    for sentence in found.unreadable:
        note(sentence)
    gone = f", {found.gone} gone" if found.gone else ""
    print(f"{len(found.pictures)} taken in, {found.known} known already{gone}, {len(found.unreadable)} can't be read")


def _line(record: "Record") -> str:
    stars = "*" * record.rating
    marks = " ".join(
        [*(["favourite"] if record.favourite else []), *([stars] if stars else []), *(f"#{tag}" for tag in record.tags)]
    )
    prompt = " ".join(record.prompt.split())
    return "  ".join(part for part in (str(record.id), str(record.path), prompt[:60], marks) if part)
