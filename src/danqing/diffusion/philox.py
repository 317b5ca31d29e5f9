"""The random numbers of NVIDIA GPUs on any machine: Philox 4x32-10 and Box-Muller as cuRAND has them ("RNG: NV" in
infotexts)."""

import numpy as np
from numpy.typing import NDArray

# Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3", table 2.
_MULTIPLIERS = (np.uint64(0xD2511F53), np.uint64(0xCD9E8D57))
_KEY_STEPS = (np.uint32(0x9E3779B9), np.uint32(0xBB67AE85))
_ROUNDS = 10
_LOW_WORD = np.uint64(0xFFFFFFFF)

# cuRAND's constants are single precision; what is made of them is computed in double precision and rounded once.
_TO_UNIT = np.float64(np.float32(2.3283064e-10))
_TO_CIRCLE = np.float64(np.float32(2.3283064e-10 * 6.2831855))


def philox_normal(seed: int, offset: int, count: int) -> NDArray[np.float32]:
    """What a GPU's generator gives on its `offset`-th call (from 0) after `manual_seed(seed)`. (count,) of unit
    variance."""
    words = [
        np.full(count, offset, dtype=np.uint32),
        np.zeros(count, dtype=np.uint32),
        np.arange(count, dtype=np.uint32),
        np.zeros(count, dtype=np.uint32),
    ]
    key = [np.uint32(seed & 0xFFFFFFFF), np.uint32((seed >> 32) & 0xFFFFFFFF)]
    with np.errstate(over="ignore"):  # the key wraps round on purpose
        for round_number in range(_ROUNDS):
            if round_number:
                key = [word + step for word, step in zip(key, _KEY_STEPS, strict=True)]
            words = _round(words, key)
    # Box-Muller yields two numbers; a GPU thread that wants one takes the first.
    radius = np.sqrt(-2.0 * np.log(words[0] * _TO_UNIT + _TO_UNIT / 2))
    angle = words[1] * _TO_CIRCLE + _TO_CIRCLE / 2
    return (radius * np.sin(angle)).astype(np.float32)


def _round(words: list[NDArray[np.uint32]], key: list[np.uint32]) -> list[NDArray[np.uint32]]:
    first = words[0].astype(np.uint64) * _MULTIPLIERS[0]
    second = words[2].astype(np.uint64) * _MULTIPLIERS[1]
    high_first, low_first = (first >> np.uint64(32)).astype(np.uint32), (first & _LOW_WORD).astype(np.uint32)
    high_second, low_second = (second >> np.uint64(32)).astype(np.uint32), (second & _LOW_WORD).astype(np.uint32)
    return [high_second ^ words[1] ^ key[0], low_second, high_first ^ words[3] ^ key[1], low_first]
