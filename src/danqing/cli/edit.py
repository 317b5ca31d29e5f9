"""`danqing edit`: more room around a picture, and sequences that are painted from it."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from pydantic import JsonValue

from danqing.base.errors import ImageError, RecipeError
from danqing.base.order import Order
from danqing.base.refs import Use
from danqing.cli.asking import order_of, parse_settings
from danqing.cli.paint import OutOption, SetOption
from danqing.cli.painting import paint_orders
from danqing.cli.run_options import RunOptions, with_options

if TYPE_CHECKING:
    from danqing.studio.studio import Studio

PictureArgument = Annotated[Path, typer.Argument(metavar="PICTURE", help="The picture to begin with.")]
PromptArgument = Annotated[str, typer.Argument(metavar="PROMPT", help="What is to be painted.")]
StrengthOption = Annotated[
    float | None, typer.Option("--strength", metavar="NUMBER", help="Denoising strength, 0 to 1.")
]
GroundOption = Annotated[
    str, typer.Option("--ground", metavar="NAME", help="What new room begins with: edge, soft, mirror or noise.")
]
SeedOption = Annotated[int | None, typer.Option("--seed", metavar="N", help="Without it one is drawn.")]
MOST_BLENDED = 5
BLENDED = 0.65
"""Strength with which a blend is painted over: enough to become one picture."""
LoopsOption = Annotated[int, typer.Option("--loops", metavar="N", help="How many pictures.")]


def add_to(app: typer.Typer, name: str, help: str) -> None:  # noqa: A002 - what it is called below
    """The commands join the application."""
    group = typer.Typer(help=help, no_args_is_help=True)
    group.command("outpaint")(with_options(RunOptions)(outpaint))
    group.command("loopback")(with_options(RunOptions)(loopback))
    group.command("zoom-out")(with_options(RunOptions)(zoom_out))
    group.command("blend")(with_options(RunOptions)(blend))
    group.command("vary")(with_options(RunOptions)(vary))
    app.add_typer(group, name=name)


def outpaint(
    run: RunOptions,
    picture: PictureArgument,
    prompt: PromptArgument = "",
    left: Annotated[int, typer.Option("--left", metavar="N", help="Pixels more on the left.")] = 0,
    up: Annotated[int, typer.Option("--up", metavar="N", help="Pixels more above.")] = 0,
    right: Annotated[int, typer.Option("--right", metavar="N", help="Pixels more on the right.")] = 0,
    down: Annotated[int, typer.Option("--down", metavar="N", help="Pixels more below.")] = 0,
    ground: GroundOption = "soft",
    strength: StrengthOption = None,
    seed: SeedOption = None,
    assignments: SetOption = None,
    out: OutOption = None,
) -> None:
    """Paint what lies around a picture, which itself stays byte for byte: danqing edit outpaint photo.png "a beach" --left 128 --right 128."""
    from danqing.painting.outpainting import Outpaint, outpainted

    studio = run.studio()
    how = Outpaint.model_validate({"left": left, "up": up, "right": right, "down": down, **_margin(ground, strength)})
    order = studio.settle(order_of(_words(prompt, seed, assignments)))
    pixels = studio.images.open(studio.images.put(picture))
    paint_orders(studio, [outpainted(order, pixels, how, studio.images.keep)], out, run)


def loopback(
    run: RunOptions,
    picture: PictureArgument,
    prompt: PromptArgument = "",
    loops: LoopsOption = 4,
    strength: StrengthOption = None,
    final: Annotated[float, typer.Option("--final", metavar="NUMBER", help="Strength of the last loop.")] = 0.5,
    curve: Annotated[str, typer.Option("--curve", metavar="NAME", help="Linear, Aggressive or Lazy.")] = "Linear",
    seed: SeedOption = None,
    assignments: SetOption = None,
    out: OutOption = None,
) -> None:
    """Paint over a picture, and over what came of it, again and again: A1111's loopback."""
    studio = run.studio()
    settings: dict[str, JsonValue] = {"loops": loops, "final_denoising_strength": final, "curve": curve}
    started = {} if strength is None else {"denoising_strength": strength}
    _follow(
        studio,
        Use(name="loopback", settings=settings),
        _begun(studio, picture, prompt, seed, assignments, started),
        out,
        run,
    )


def zoom_out(
    run: RunOptions,
    picture: PictureArgument,
    prompt: PromptArgument = "",
    loops: LoopsOption = 2,
    factor: Annotated[float, typer.Option("--factor", metavar="NUMBER", help="How far to step back each time.")] = 2.0,
    ground: GroundOption = "soft",
    strength: StrengthOption = None,
    seed: SeedOption = None,
    assignments: SetOption = None,
    out: OutOption = None,
) -> None:
    """Step back from a picture, again and again, and paint what is around it: Midjourney's zoom out."""
    from danqing.painting.outpainting import Margin, zoomed

    studio = run.studio()
    margin = _margin(ground, strength)
    order = studio.settle(order_of(_words(prompt, seed, assignments)))
    ref = studio.images.put(picture)
    first = zoomed(order.recipe, studio.images.open(ref), factor, Margin.model_validate(margin), studio.images.keep)
    open_fields = tuple(name for name in order.left_to_model if name not in ("width", "height"))
    begun = order.but(recipe=first, left_to_model=open_fields)
    _follow(studio, Use(name="zoom-out", settings={"loops": loops, "factor": factor, **margin}), begun, out, run)


def blend(
    run: RunOptions,
    pictures: Annotated[list[Path], typer.Argument(metavar="PICTURE...", help="Two to five pictures.")],
    prompt: Annotated[
        str | None, typer.Option("--prompt", metavar="TEXT", help="Without it, what they tell of theirs.")
    ] = None,
    weights: Annotated[str, typer.Option("--weights", metavar="N,N", help="How much each counts.")] = "",
    strength: StrengthOption = None,
    seed: SeedOption = None,
    assignments: SetOption = None,
    out: OutOption = None,
) -> None:
    """Paint one picture out of several: Midjourney's blend. They are mixed as latents, and their prompts are joined by AND."""
    shares = _shares(weights) or [1.0] * len(pictures)
    if not 2 <= len(pictures) <= MOST_BLENDED or len(shares) != len(pictures):
        raise RecipeError(
            f"two to five pictures are blended, each with a weight; found {len(pictures)} pictures, {len(shares)} weights"
        )
    if shares[0] <= 0 or min(shares) < 0:
        raise RecipeError(f"the first picture's weight is above 0, the others' are 0 or more; found {weights}")
    studio = run.studio()
    first, *others = [studio.images.put(picture) for picture in pictures]
    joined = " AND ".join(text for text in map(_prompt_of, pictures) if text) if prompt is None else prompt
    init = {
        "image": first.model_dump(),
        "blend": [
            {"image": ref.model_dump(), "weight": share / shares[0]}
            for ref, share in zip(others, shares[1:], strict=True)
        ],
        "resize_mode": "crop and resize",
        "denoising_strength": BLENDED if strength is None else strength,
    }
    paint_orders(studio, [order_of(_words(joined, seed, assignments), None, {"init": init})], out, run)


def vary(
    run: RunOptions,
    picture: PictureArgument,
    strong: Annotated[bool, typer.Option("--strong/--subtle", help="How different they may be.")] = False,
    count: Annotated[int, typer.Option("--count", "-c", min=1, max=1000, help="How many.")] = 4,
    seed: SeedOption = None,
    assignments: SetOption = None,
    out: OutOption = None,
) -> None:
    """Paint variations of a picture: of its own recipe with a second seed mixed in, or over it where it tells of none."""
    from danqing.cli.sources import read_source
    from danqing.studio.studio import draw_seed

    studio = run.studio()
    words = _words(None, None, assignments) | {"count": count}
    try:
        base = read_source(str(picture)).order
    except ImageError:  # a picture that tells of nothing is painted over
        init = {"image": studio.images.put(picture).model_dump(), "denoising_strength": 0.6 if strong else 0.35}
        height, width = studio.images.open(studio.images.put(picture)).shape[:2]
        words = {"width": width, "height": height, **words} | ({} if seed is None else {"seed": seed})
        paint_orders(studio, [order_of(words, None, {"init": init})], out, run)
        return
    words |= {"variation.strength": 0.4 if strong else 0.15, "variation.seed": draw_seed() if seed is None else seed}
    paint_orders(studio, [order_of(words, base.but(styles=(), axes=(), left_to_model=base.left_to_model))], out, run)


def _margin(ground: str, strength: float | None) -> dict[str, Any]:
    return {"ground": ground, **({} if strength is None else {"denoising_strength": strength})}


def _words(prompt: str | None, seed: int | None, assignments: list[str] | None) -> dict[str, object]:
    """What was said of the picture, by knob paths."""
    said: dict[str, object | None] = {"prompt": prompt, "seed": seed}
    return {name: value for name, value in said.items() if value is not None} | parse_settings(assignments or ())


def _shares(text: str) -> list[float]:
    try:
        return [float(part) for part in text.split(",") if part.strip()]
    except ValueError as problem:
        raise RecipeError(f"--weights {text}: numbers with commas between them are meant, as in 1,0.5") from problem


def _prompt_of(picture: Path) -> str:
    """The prompt that a picture tells of, "" for none."""
    from danqing.cli.sources import read_source

    try:
        return read_source(str(picture)).order.recipe.prompt
    except ImageError:
        return ""


def _begun(
    studio: "Studio",
    picture: Path,
    prompt: str,
    seed: int | None,
    assignments: list[str] | None,
    started: dict[str, Any],
) -> Order:
    """An order that begins with a picture, at its size where none was said."""
    ref = studio.images.put(picture)
    order = order_of(_words(prompt, seed, assignments))
    height, width = studio.images.open(ref).shape[:2]
    size = {name: side for name, side in (("width", width), ("height", height)) if name in order.left_to_model}
    recipe = order.recipe.model_dump(exclude_unset=True)
    init = {"image": ref.model_dump(), **started}
    open_fields = tuple(name for name in order.left_to_model if name not in size)
    return order.but(
        recipe=type(order.recipe).model_validate({**recipe, **size, "init": init}), left_to_model=open_fields
    )


def _follow(studio: "Studio", use: Use, order: Order, out: Path | None, run: RunOptions) -> None:
    paint_orders(studio, [order.but(follow=use, left_to_model=order.left_to_model)], out, run)
