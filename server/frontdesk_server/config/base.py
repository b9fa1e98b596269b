"""What every part of the configuration has in common."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, GetJsonSchemaHandler, SecretStr, StringConstraints

from frontdesk_server.config.descriptions import field_descriptions

Fraction = Annotated[float, Field(ge=0, le=1)]
Seconds = Annotated[float, Field(gt=0)]
Milliseconds = Annotated[float, Field(gt=0)]
Count = Annotated[int, Field(ge=1)]
Weight = Annotated[float, Field(ge=0)]
Secret = SecretStr
Line = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f]+$")]
"""Text that is not empty, on one line."""


def refuse_disorder(section: Section, lesser: str, greater: str) -> None:
    """Raises `ValueError` where one field is above another that bounds it; a missing one bounds nothing."""
    low, high = getattr(section, lesser), getattr(section, greater)
    if low is not None and high is not None and low > high:
        raise ValueError(f"{lesser} ({low:g}) is above {greater} ({high:g})")


class Section(BaseModel):
    """A part of the configuration: immutable; unknown keys, and numbers that are not finite, are faults."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    @classmethod
    def __get_pydantic_json_schema__(cls, core_schema: Any, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        schema = handler(core_schema)
        properties = handler.resolve_ref_schema(schema).get("properties", {})
        for name, description in field_descriptions(cls).items():
            if name in properties:
                properties[name].setdefault("description", description)
        return schema
