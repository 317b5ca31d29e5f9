"""Where trainings lie in a home folder. What they are taught is told in `training`."""

import os
from pathlib import Path

from danqing.studio.home import Home, default_home


def training_folder(home: Path | None, plan: str) -> Path:
    """The work folder of a plan: its data set, states, records and exports."""
    return Home(home or default_home(os.environ)).trainings / plan
