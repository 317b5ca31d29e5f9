"""GET /sdapi/v1/cmd-flags: how the server was started, under the names of A1111's command line."""

from typing import Any

from fastapi import APIRouter

from danqing.web.answers import StrictRoute
from danqing.web.context import TheContext

router = APIRouter(prefix="/sdapi/v1", tags=["A1111"], route_class=StrictRoute)


@router.get("/cmd-flags")
async def cmd_flags(context: TheContext) -> dict[str, Any]:
    """The flags; passwords and keys are never told."""
    home = context.service.studio.home
    return {
        "data_dir": str(home.root),
        "models_dir": str(home.root / "models"),
        "ckpt_dir": None,
        "vae_dir": None,
        "lora_dir": str(home.root / "models" / "Lora"),
        "embeddings_dir": str(home.root / "embeddings"),
        "hypernetwork_dir": str(home.root / "models" / "hypernetworks"),
        "styles_file": [str(home.styles_file)],
        "ui_settings_file": str(home.settings_file),
        "api": True,
        "nowebui": True,
        "api_auth": None,
        "gradio_auth": None,
        "api_log": context.options.log_prompts,
        "listen": context.options.access.listening,
        "cors_allow_origins": ",".join(context.options.access.origins) or None,
        "api_server_stop": context.options.may_be_stopped,
        **context.options.flags,
    }
