"""Input pictures of a studio, kept by the sha256 of their bytes, so that a recipe can name them for ever."""

import hashlib
import io
import re
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from danqing.base.errors import ImageError
from danqing.base.picture import Pixels
from danqing.base.refs import ImageRef
from danqing.pixels.files import PictureMetadata, read_metadata, read_picture
from danqing.pixels.writing import write_aside

ENDING = re.compile(r"\.[a-z0-9]{1,8}")


@dataclass(frozen=True)
class ImageStore:
    """The folder of input pictures: `ab/abcd….png`, bytes as they came."""

    folder: Path

    def put(self, path: Path) -> ImageRef:
        """Takes a picture file in. Raises ImageError when it can't be read as a picture."""
        read_picture(path)
        try:
            data = path.read_bytes()
        except OSError as problem:
            raise ImageError(f"{path}: can't be read ({problem.strerror})") from problem
        return self._keep(data, path.name)

    def take(self, data: bytes, name: str = "") -> ImageRef:
        """Takes in a picture that came as bytes; `name` is only remembered. Raises ImageError when it can't be read as one."""
        read_picture(data)
        return self._keep(data, name)

    def keep(self, pixels: Pixels, name: str = "") -> ImageRef:
        """Takes in pixels (H, W, 3|4) that danqing made itself, as a PNG."""
        buffer = io.BytesIO()
        Image.fromarray(pixels).save(buffer, "PNG", compress_level=4)
        return self._keep(buffer.getvalue(), f"{name}.png")

    def has(self, sha256: str) -> bool:
        """Whether a picture of this hash is here."""
        return self._place(ImageRef(sha256=sha256)) is not None

    def _keep(self, data: bytes, name: str) -> ImageRef:
        ref = ImageRef(sha256=hashlib.sha256(data).hexdigest(), name=name)
        if self._place(ref) is None:
            ending = Path(name).suffix.lower()
            ending = ending if ENDING.fullmatch(ending) else ".picture"  # the name may be a stranger's
            write_aside(self.folder / ref.sha256[:2] / (ref.sha256 + ending), data)
        return ref

    def open(self, ref: ImageRef) -> Pixels:
        """Its pixels, (H, W, 3|4) uint8. Raises ImageError when it is missing or can't be read."""
        place = self._place(ref)
        if place is None:
            raise ImageError(
                f"input picture {ref.name or ref.sha256[:10]!r} is not in this studio; give its file again"
            )
        return read_picture(place)

    def told(self, ref: ImageRef) -> PictureMetadata:
        """What its file tells of itself; nothing where it is missing."""
        place = self._place(ref)
        return PictureMetadata() if place is None else read_metadata(place)

    def _place(self, ref: ImageRef) -> Path | None:
        if not re.fullmatch(r"[0-9a-f]{64}", ref.sha256):  # it comes from files of strangers and becomes a path here
            return None
        return next((self.folder / ref.sha256[:2]).glob(ref.sha256 + ".*"), None)
