"""Which recipes are painted together: neighbours with one batch key, in their order."""

from collections.abc import Iterator, Sequence

from danqing.base.recipe import Recipe
from danqing.painting.plan import Plan, plan


def batches(recipes: Sequence[Recipe], batch_size: int) -> Iterator[list[Plan]]:
    """Plans in groups of at most `batch_size` that share models, size and sampler."""
    group: list[Plan] = []
    key = ""
    for recipe in recipes:
        one = plan(recipe)
        if group and (one.batch_key != key or len(group) >= batch_size):
            yield group
            group = []
        key = one.batch_key
        group.append(one)
    if group:
        yield group
