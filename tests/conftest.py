"""Fixtures that every floor's tests may use."""

import os

# Before torch is loaded: the toy's layers are so small that a second thread only costs, above all when the other core is busy.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

pytest_plugins = ["tests.toy.fixtures"]
