from danqing.prompt.explain import explain, token_weights
from danqing.prompt.reading import ReadingOptions, read_prompt
from tests.prompt.golden import vocabulary


def test_a_prompt_is_explained_part_by_part() -> None:
    plan = read_prompt("a (cat:1.2) [dog:bird:0.5] AND moon :0.5 BREAK x", vocabulary(), ReadingOptions(steps=10))
    assert explain(plan, vocabulary()) == [
        "part 1, weight 1",
        "  steps 1 to 5, 3 tokens: a (cat:1.2) dog",
        "    chunk 1: a (cat:1.2) dog",
        "  steps 6 to 10, 3 tokens: a (cat:1.2) bird",
        "    chunk 1: a (cat:1.2) bird",
        "part 2, weight 1",
        "  10 steps, 76 tokens:  moon :0.5 BREAK x",
        "    chunk 1: moon : 0 . 5",
        "    chunk 2: x",
    ]


def test_an_empty_prompt_has_an_empty_chunk() -> None:
    assert explain(read_prompt("", vocabulary()), vocabulary()) == ["  20 steps, 0 tokens: ", "    chunk 1: (empty)"]


def test_an_embedding_is_shown_by_its_name() -> None:
    (chunk,) = read_prompt("a (ink:1.2) b", vocabulary(), embeddings={"ink": 4}).chunks
    assert token_weights(chunk, vocabulary()) == [("a ", 1.0), ("<ink> ", 1.2), ("b ", 1.0)]
