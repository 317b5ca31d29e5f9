"""Where each tensor of a diffusers or transformers module lies in a single file of Stable Diffusion's own layout. Names only, no torch.

The rules go from the module's names to the file's, so they serve loading, patching and writing alike.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Source:
    """`name` in the file. `third` picks rows of a fused q, k, v matrix (0, 1, 2); `transposed` and `flattened` (1x1 convolution): how it lies."""

    name: str
    third: int | None = None
    transposed: bool = False
    flattened: bool = False


Layout = dict[str, Source]
Rule = Callable[[str], Source]

RESNET = {
    "norm1": "in_layers.0",
    "conv1": "in_layers.2",
    "time_emb_proj": "emb_layers.1",
    "norm2": "out_layers.0",
    "conv2": "out_layers.3",
    "conv_shortcut": "skip_connection",
}
UNET_ENDS = {
    "time_embedding.linear_1": "time_embed.0",
    "time_embedding.linear_2": "time_embed.2",
    "add_embedding.linear_1": "label_emb.0.0",
    "add_embedding.linear_2": "label_emb.0.2",
    "conv_in": "input_blocks.0.0",
    "conv_norm_out": "out.0",
    "conv_out": "out.2",
}
VAE_ATTENTION = {"group_norm": "norm", "to_q": "q", "to_k": "k", "to_v": "v", "to_out.0": "proj_out"}
OPENCLIP_ENDS = {
    "embeddings.token_embedding.weight": "token_embedding.weight",
    "embeddings.position_embedding.weight": "positional_embedding",
    "final_layer_norm.weight": "ln_final.weight",
    "final_layer_norm.bias": "ln_final.bias",
}
OPENCLIP_LAYER = {
    "layer_norm1": "ln_1",
    "layer_norm2": "ln_2",
    "mlp.fc1": "mlp.c_fc",
    "mlp.fc2": "mlp.c_proj",
    "self_attn.out_proj": "attn.out_proj",
}


def layout_of(names: Iterable[str], rule: Rule) -> Layout:
    """The sources of all of a module's tensors."""
    return {name: rule(name) for name in names}


def with_prefix(rule: Rule, prefix: str) -> Rule:
    """The same rule for a file that puts a prefix before the names."""

    def prefixed(name: str) -> Source:
        source = rule(name)
        return replace(source, name=prefix + source.name)

    return prefixed


def unet_rule(layers: int, depths: tuple[int, ...]) -> Rule:
    """Names of a UNet with `layers` residual blocks a level, `depths` transformer layers a level, outermost first."""
    upwards = tuple(reversed(depths))

    def rule(name: str) -> Source:
        stem, _, end = name.rpartition(".")
        if stem in UNET_ENDS:
            return Source(f"{UNET_ENDS[stem]}.{end}")
        if match := re.fullmatch(r"down_blocks\.(\d+)\.(resnets|attentions|downsamplers)\.(\d+)\.(.+)", name):
            level, kind, place, rest = int(match[1]), match[2], int(match[3]), match[4]
            if kind == "downsamplers":
                return Source(f"input_blocks.{(level + 1) * (layers + 1)}.0.op.{rest.removeprefix('conv.')}")
            return Source(f"input_blocks.{1 + level * (layers + 1) + place}.{_part(kind, rest)}")
        if match := re.fullmatch(r"up_blocks\.(\d+)\.(resnets|attentions|upsamplers)\.(\d+)\.(.+)", name):
            level, kind, place, rest = int(match[1]), match[2], int(match[3]), match[4]
            if kind == "upsamplers":
                return Source(f"output_blocks.{level * (layers + 1) + layers}.{2 if upwards[level] else 1}.{rest}")
            return Source(f"output_blocks.{level * (layers + 1) + place}.{_part(kind, rest)}")
        if match := re.fullmatch(r"mid_block\.(resnets|attentions)\.(\d+)\.(.+)", name):
            if match[1] == "attentions":
                return Source(f"middle_block.1.{match[3]}")
            return Source(f"middle_block.{2 * int(match[2])}.{_resnet(match[3])}")
        return Source(name)

    return rule


def vae_rule(levels: int) -> Rule:
    """Names of an autoencoder with so many levels."""

    def rule(name: str) -> Source:
        if match := re.fullmatch(r"encoder\.down_blocks\.(\d+)\.(.+)", name):
            return Source(f"encoder.down.{match[1]}.{_vae_block(match[2])}")
        if match := re.fullmatch(r"decoder\.up_blocks\.(\d+)\.(.+)", name):
            return Source(f"decoder.up.{levels - 1 - int(match[1])}.{_vae_block(match[2])}")
        if match := re.fullmatch(r"(encoder|decoder)\.mid_block\.(resnets|attentions)\.(\d+)\.(.+)", name):
            half, kind, place, rest = match.groups()
            if kind == "resnets":
                return Source(f"{half}.mid.block_{int(place) + 1}.{rest.replace('conv_shortcut', 'nin_shortcut')}")
            stem, _, end = rest.rpartition(".")
            return Source(
                f"{half}.mid.attn_1.{VAE_ATTENTION[stem]}.{end}", flattened=end == "weight" and stem != "group_norm"
            )
        return Source(name.replace("conv_norm_out", "norm_out"))

    return rule


def clip_rule(inner: str) -> Rule:
    """Names of a CLIP text encoder as transformers writes it; `inner` is "text_model." or "" as the file has it."""

    def rule(name: str) -> Source:
        flat = name.removeprefix("text_model.")
        return Source(flat if flat.startswith("text_projection") else inner + flat)

    return rule


def openclip_rule(name: str) -> Source:
    """Names of an OpenCLIP text encoder: q, k and v are one matrix there, and the projection lies transposed."""
    flat = name.removeprefix("text_model.")
    if flat == "text_projection.weight":
        return Source("text_projection", transposed=True)
    if flat in OPENCLIP_ENDS:
        return Source(OPENCLIP_ENDS[flat])
    match = re.fullmatch(r"encoder\.layers\.(\d+)\.(.+)\.(weight|bias)", flat)
    if match is None:
        return Source(flat)
    layer, stem, end = match.groups()
    if stem in OPENCLIP_LAYER:
        return Source(f"transformer.resblocks.{layer}.{OPENCLIP_LAYER[stem]}.{end}")
    which = {"self_attn.q_proj": 0, "self_attn.k_proj": 1, "self_attn.v_proj": 2}[stem]
    return Source(f"transformer.resblocks.{layer}.attn.in_proj_{end}", third=which)


def _part(kind: str, rest: str) -> str:
    return f"1.{rest}" if kind == "attentions" else f"0.{_resnet(rest)}"


def _resnet(rest: str) -> str:
    stem, _, end = rest.rpartition(".")
    return f"{RESNET[stem]}.{end}"


def _vae_block(rest: str) -> str:
    if match := re.fullmatch(r"resnets\.(\d+)\.(.+)", rest):
        return f"block.{match[1]}.{match[2].replace('conv_shortcut', 'nin_shortcut')}"
    return rest.replace("downsamplers.0.", "downsample.").replace("upsamplers.0.", "upsample.")
