"""Magazine covers and advertisements: a picture, the brand's colours, and words that are set with fonts."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated

from danqing.base.errors import RecipeError
from danqing.base.knobs import Knob
from danqing.base.refs import ImageRef
from danqing.pixels.layout import Page
from danqing.studio.presets.desk import Desk, need_words
from danqing.studio.presets.page import Paged, PageSettings, check_page, laid_out, page_of, ratio_of
from danqing.studio.presets.pieces import Finding, Source
from danqing.studio.presets.preset import Preset


class CoverSettings(PageSettings):
    """A magazine cover."""

    title: Annotated[str, Knob("Title", "The magazine's name.", group="basic")] = ""
    issue: Annotated[str, Knob("Issue", "Number and month, below the title.", group="basic")] = ""
    headline: Annotated[str, Knob("Headline", "The story of this issue.", group="basic")] = ""
    story: Annotated[str, Knob("Story", "A few more lines.", group="basic")] = ""
    price: Annotated[str, Knob("Price", "In the lower right.", group="basic")] = ""


class AdvertisementSettings(PageSettings):
    """An advertisement: `palette` is the brand's."""

    audience: Annotated[str, Knob("Audience", "Whom it is for; it goes into the prompt.", group="basic")] = ""
    headline: Annotated[str, Knob("Headline", "What it says first.", group="basic")] = ""
    text: Annotated[str, Knob("Text", "What it says then.", group="basic")] = ""
    call: Annotated[str, Knob("Call", "What to do now.", group="basic")] = ""
    logo: Annotated[ImageRef | None, Knob("Logo", "A picture, best with real alpha.", group="basic")] = None


def make_cover(desk: Desk, settings: CoverSettings) -> Paged:
    """The cover."""
    texts = {name: getattr(settings, name) for name in ("title", "issue", "headline", "story", "price")}
    return _made(desk, settings, page_of(settings, "magazine-cover"), texts)


def make_advertisement(desk: Desk, settings: AdvertisementSettings) -> Paged:
    """The advertisement."""
    texts = {name: getattr(settings, name) for name in ("headline", "text", "call")}
    logo = {"logo": desk.opened(settings.logo)} if settings.logo else {}
    return _made(desk, settings, page_of(settings, "advertisement"), texts, logo)


def check_cover(made: Paged, settings: CoverSettings) -> tuple[Finding, ...]:
    """As every page; title and headline are what is looked at."""
    return check_page(made, ("title", *(["headline"] if settings.headline else [])))


def check_advertisement(made: Paged, settings: AdvertisementSettings) -> tuple[Finding, ...]:
    """As every page; the headline is what is looked at."""
    return check_page(made, ("headline",))


def _made(
    desk: Desk,
    settings: PageSettings,
    page: Page,
    texts: Mapping[str, str],
    more: Mapping[str, Source] = MappingProxyType({}),
) -> Paged:
    need_words(settings, page.name)
    if len(settings.pictures) > 1:
        raise RecipeError(f"{page.name} shows one picture; {len(settings.pictures)} were given")
    sources = desk.given() or desk.paint([""], ratio_of(page, "picture"))
    return laid_out(desk, settings, page, {"picture": sources[0], **more}, texts)


COVER = Preset(CoverSettings, make_cover, check_cover)
ADVERTISEMENT = Preset(AdvertisementSettings, make_advertisement, check_advertisement)
