"""How a command ends when it is neither done nor refused: with a code and a sentence of its own."""


class Left(Exception):  # noqa: N818 - a way out, not an error
    """A command ends with this exit code and sentence; under --json `data` is printed, if there is any."""

    def __init__(self, code: int, sentence: str, data: dict[str, object] | None = None) -> None:
        super().__init__(sentence)
        self.code = code
        self.data = data
