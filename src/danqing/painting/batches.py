"""Which recipes are painted together: neighbours with one batch key, in their order."""

from collections.abc import Iterator, Sequence

from danqing.base.recipe import Recipe
from danqing.diffusion.names import SAMPLER_FACTS
from danqing.painting.plan import Plan, plan


def batches(recipes: Sequence[Recipe], batch_size: int) -> Iterator[list[Plan]]:
    """Plans in groups of at most `batch_size` that share models, size and sampler."""
    group: list[Plan] = []
    key = ""
    for recipe in recipes:
        one = plan(recipe)
        if group and (one.batch_key != key or len(group) >= (1 if _alone(one) else batch_size)):
            yield group
            group = []
        key = one.batch_key
        group.append(one)
    if group:
        yield group


def _alone(plan: Plan) -> bool:
    """Whether a sampler finds its step sizes from x: in a batch a picture would depend on its neighbours."""
    return any(SAMPLER_FACTS.find(one.sampler).one_at_a_time for one in plan.passes)
