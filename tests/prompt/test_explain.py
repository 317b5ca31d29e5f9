from danqing.prompt.explain import explain, plan_data, token_weights, tree_lines
from danqing.prompt.grammar import parse
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


def test_a_tree_shows_what_belongs_to_what() -> None:
    assert tree_lines(parse("a (cat:1.2) [x:(y:2):0.5] BREAK [b|c] <lora:ink:1> AND z :0.5")) == [
        "part 1, weight 1",
        "  'a '",
        "  'cat', weight 1.2",
        "  ' '",
        "  a switch after 0.5 of the steps",
        "    before",
        "      'x'",
        "    after",
        "      'y', weight 2",
        "  a new chunk",
        "  in turns",
        "    option 1",
        "      'b'",
        "    option 2",
        "      'c'",
        "  ' '",
        "  <lora:ink:1>",
        "part 2, weight 0.5",
        "  ' z'",
    ]


def test_a_blend_is_told_from_prompts_painted_together() -> None:
    assert tree_lines(parse('("a", "b").blend(1, 1)', "compel"))[0] == "part 1, weight 0.5, encodings blended"


def test_a_plan_is_data_too() -> None:
    plan = read_prompt("a (cat:1.2) [dog:bird:0.5]", vocabulary(), ReadingOptions(steps=10))
    (part,) = plan_data(plan, vocabulary())
    assert part["weight"] == 1.0
    assert part["stretches"] == [
        {
            "steps": [1, 5],
            "text": "a (cat:1.2) dog",
            "tokens": 3,
            "chunks": [[["a ", 1.0], ["cat ", 1.2], ["dog ", 1.0]]],
        },
        {
            "steps": [6, 10],
            "text": "a (cat:1.2) bird",
            "tokens": 3,
            "chunks": [[["a ", 1.0], ["cat ", 1.2], ["bird ", 1.0]]],
        },
    ]
