"""Environment variables that a door sets before heavy libraries are loaded; what the user has set himself stands."""

from collections.abc import Mapping
from types import MappingProxyType

DOOR_VARIABLES: Mapping[str, str] = MappingProxyType(
    {
        # Nothing is fetched behind the user's back; without these each missing file costs half a minute of retries.
        "HF_HUB_OFFLINE": "1",
        "TRANSFORMERS_OFFLINE": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "HF_HUB_DISABLE_PROGRESS_BARS": "1",
        "DO_NOT_TRACK": "1",
        # One thread pool is enough; tokenizers warns after every fork otherwise.
        "TOKENIZERS_PARALLELISM": "false",
        # OpenMP's threads wait for each other by spinning: with one core taken by another program a picture of the embedded
        # model took 17 s instead of 1 (2 cores, measured). Sleeping costs nothing that can be seen on a quiet machine.
        "OMP_WAIT_POLICY": "PASSIVE",
        "TRANSFORMERS_VERBOSITY": "error",
        "DIFFUSERS_VERBOSITY": "error",
        "TRANSFORMERS_NO_ADVISORY_WARNINGS": "1",
    }
)
