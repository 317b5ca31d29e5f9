"""Gets single values out of a damaged JSON text, so that one slip of the pen does not cost the rest."""

import json
import re
from collections.abc import Iterable


def salvage(text: str, names: Iterable[str]) -> dict[str, object]:
    """The values that still follow their `"name":`; the last one counts, as in JSON."""
    decoder = json.JSONDecoder()
    found: dict[str, object] = {}
    for name in names:
        for place in re.finditer(rf'"{re.escape(name)}"\s*:\s*', text):
            try:
                found[name], _ = decoder.raw_decode(text, place.end())
            except (ValueError, RecursionError):
                continue
    return found
