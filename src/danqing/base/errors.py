"""The whole tree of errors that danqing raises for its users. A message says what was wrong, what was found and what is possible."""


class DanqingError(Exception):
    """One clear sentence for the user, with the remedy in it. Doors print it and exit with 2; anything else is our own fault (exit 1)."""


class RecipeError(DanqingError):
    """A recipe or an order that can't be painted: a value out of range, an unknown sampler, parts that exclude each other."""


class PromptError(RecipeError):
    """A prompt that can't be understood, with the place of the trouble."""


class ModelError(DanqingError):
    """A model file that is missing, damaged, of another family or of an unknown kind."""


class HostileFileError(ModelError):
    """A file that tried to run code or to leave its place. Nothing of it was executed."""


class ImageError(DanqingError):
    """A picture file that can't be read, or that is larger than danqing opens."""


class SettingsError(DanqingError):
    """A setting with a wrong name or value, or a settings file that can't be used."""


class FileWriteError(DanqingError):
    """Something could not be written: no rights, no room. What stood there before still stands."""


class HardwareError(DanqingError):
    """The device that was asked for isn't there, or its memory doesn't suffice."""


class JobError(DanqingError):
    """A job that can't be queued, found or continued."""


class TrainingError(DanqingError):
    """A training plan or a data set that can't be used."""
