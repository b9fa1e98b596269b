"""GET /v1/models and /v1/models/NAME."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote

from frontdesk_server.config.names import ROUTER_PREFIX
from frontdesk_server.desk.calls import FrontCall
from frontdesk_server.domain.errors import UnknownModel
from frontdesk_server.domain.model import Model
from frontdesk_server.faces import asking
from frontdesk_server.faces.http import HttpRequest, Reply
from frontdesk_server.faces.openai.dialect import OpenAIFace

PATH = "/v1/models"


class Models(OpenAIFace):
    """The face that tells which models there are: the default router, and those of the pool that the caller may use."""

    method = "GET /v1/models"

    def __init__(self, desk: asking.Desk) -> None:
        self._desk = desk

    async def answer(self, request: HttpRequest, call: FrontCall, reply: Reply) -> None:
        """List them, or tell of one."""
        listed = {item["id"]: item for item in self._items(call)}
        name = unquote(request.path.removeprefix(PATH).lstrip("/"))
        if not name:
            await reply.document({"object": "list", "data": list(listed.values())})
        elif name.startswith(ROUTER_PREFIX):
            self._desk.models(name.removeprefix(ROUTER_PREFIX), call)  # which knows who may use what
            await reply.document(_router(name))
        elif name in listed:
            await reply.document(listed[name])
        else:
            raise UnknownModel("model", name, list(listed))

    def _items(self, call: FrontCall) -> list[dict[str, Any]]:
        return [_router("default"), *(_item(model, available) for model, available in self._desk.models("", call))]


def _router(name: str) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": 0, "owned_by": "frontdesk"}


def _item(model: Model, available: bool) -> dict[str, Any]:
    return {
        "id": model.name,
        "object": "model",
        "created": 0,
        "owned_by": model.primary.provider or model.primary.backend,
        "frontdesk": {
            "available": available,
            "context_window": model.context_window,
            "max_output_tokens": model.max_output_tokens,
            "capabilities": sorted(capability.value for capability in model.capabilities),
        },
    }
