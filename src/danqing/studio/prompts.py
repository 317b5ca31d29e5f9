"""What a studio knows about prompts, for every door alike: its linter, explanations, English words. Nothing is painted."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cache

from danqing.base.errors import DanqingError
from danqing.base.protocols import ModelKind
from danqing.painting.expand import NO_PHRASES, Phrases
from danqing.prompt.builder import Taxonomy, read_taxonomy
from danqing.prompt.explain import explain, plan_data, tree_lines
from danqing.prompt.glossary import Glossary, glossary_of
from danqing.prompt.grammar import parse
from danqing.prompt.lint import LintOptions, read_contradictions
from danqing.prompt.reading import Dialect, ReadingOptions, read_prompt
from danqing.prompt.tags import extract_tags
from danqing.prompt.tokens import Vocabulary, read_vocabulary
from danqing.prompt.variants import every_variant
from danqing.studio.catalog import FolderCatalog
from danqing.weights.assets import asset
from danqing.weights.header import read_header

MOST_VARIANTS = 1000
"""Of a template; beyond it they are not counted."""


class CatalogNames(Collection[str]):
    """The names of a kind of model, asked for as painting asks: with or without folder and ending, in any case."""

    def __init__(self, catalog: FolderCatalog, kind: ModelKind) -> None:
        self._catalog = catalog
        self._kind: ModelKind = kind

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self._catalog.has(name, self._kind)

    def __iter__(self) -> Iterator[str]:
        return (file.name for file in self._catalog.list(self._kind))

    def __len__(self) -> int:
        return sum(1 for _ in self)


def lint_options(
    catalog: FolderCatalog, dialect: Dialect = "danqing", *, negative: bool = False, steps: int = 20
) -> LintOptions:
    """What the linter is given when it looks at a prompt for this studio's models."""
    return LintOptions(
        dialect,
        negative,
        steps,
        loras=CatalogNames(catalog, "lora"),
        hypernets=CatalogNames(catalog, "hypernet"),
        embeddings=embedding_sizes(catalog),
        vocabulary=vocabulary(),
        exclusive=read_contradictions(_word_list("contradictions.json")),
    )


def embedding_sizes(catalog: FolderCatalog) -> dict[str, int]:
    """Vectors by name of every textual inversion, off the files' headers; damaged files are passed over."""
    sizes: dict[str, int] = {}
    for file in catalog.list("embedding"):
        try:
            shapes = [info.shape for info in read_header(file.path).tensors.values()]
        except (DanqingError, OSError):
            continue
        sizes[file.name] = next((shape[0] for shape in shapes if len(shape) == 2), 1)
    return sizes


@dataclass(frozen=True)
class Explanation:
    """A prompt taken apart. `text` is what is read of it: the first of its `variants`, tags lifted out."""

    text: str
    variants: int
    tags: tuple[str, ...]
    tree: tuple[str, ...]
    steps: tuple[str, ...]
    parts: tuple[dict[str, object], ...]

    @property
    def lines(self) -> list[str]:
        """For people."""
        many = f"{self.variants}{' or more' if self.variants == MOST_VARIANTS else ''}"
        head = [f"one of {many} variants: {self.text}"] if self.variants > 1 else []
        tags = [f"lifted out: {' '.join(self.tags)}"] if self.tags else []
        return [*head, *tags, "tree", *(f"  {line}" for line in self.tree), "steps and chunks", *self.steps]


def explain_prompt(
    text: str,
    catalog: FolderCatalog,
    options: ReadingOptions,
    phrases: Phrases = NO_PHRASES,
) -> Explanation:
    """What painting makes of a prompt. Raises PromptError for one that can't be read."""
    every = [text]
    if options.dialect == "danqing":
        every = every_variant(text, phrases.wildcards, MOST_VARIANTS) or [""]
    plain, tags = extract_tags(every[0])
    plan = read_prompt(plain, vocabulary(), options, embedding_sizes(catalog))
    return Explanation(
        every[0],
        len(every),
        tuple(map(str, tags)),
        tuple(tree_lines(parse(plain, options.dialect))),
        tuple(explain(plan, vocabulary())),
        tuple(plan_data(plan, vocabulary())),
    )


@cache
def vocabulary() -> Vocabulary:
    """CLIP's, as all Stable Diffusion models read it."""
    return read_vocabulary(asset("tokenizer", "vocab.json"), asset("tokenizer", "merges.txt"))


def taxonomy() -> Taxonomy:
    """The prompt builder's words."""
    return read_taxonomy(_word_list("taxonomy.json"))


def glossary() -> Glossary:
    """Chinese and Korean words with their English."""
    return glossary_of(taxonomy(), _word_list("emoji.json"))


def _word_list(name: str) -> str:
    return asset("wordlists", name).read_text(encoding="utf-8")
