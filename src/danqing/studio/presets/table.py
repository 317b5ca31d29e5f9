"""The presets by name."""

from typing import Any

from danqing.base.table import Table
from danqing.studio.presets.avatars import AVATARS
from danqing.studio.presets.cover import ADVERTISEMENT, COVER
from danqing.studio.presets.pattern import PATTERN
from danqing.studio.presets.poster import POSTER
from danqing.studio.presets.preset import Preset
from danqing.studio.presets.restoration import RESTORATION
from danqing.studio.presets.sticker import STICKER

PRESETS: Table[Preset[Any, Any]] = Table(
    "preset",
    {
        "restoration": RESTORATION,
        "sticker": STICKER,
        "poster": POSTER,
        "cover": COVER,
        "advertisement": ADVERTISEMENT,
        "avatars": AVATARS,
        "pattern": PATTERN,
    },
)
