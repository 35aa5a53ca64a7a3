"""Projects on the wire. Unknown fields of a body are ignored; an empty text counts as absent."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from sartor.errors import WrongField
from sartor.kit.texts import Writable
from sartor.projects.tables import Project

Medium = Literal["photography", "illustration"]
IpType = Literal[
    "multi_object_set",
    "object_variants",
    "icons",
    "defined_character",
    "character_variants",
    "stylized_scene",
    "other",
]
ILLUSTRATION_ONLY = frozenset({"multi_object_set", "object_variants", "icons", "character_variants"})
NAMED = frozenset({"defined_character"})
DESCRIBED = frozenset({"defined_character", "object_variants"})


Name: TypeAlias = Annotated[
    str, StringConstraints(strict=True, strip_whitespace=True, min_length=1, max_length=200), Writable
]
Description: TypeAlias = Annotated[
    str, StringConstraints(strict=True, strip_whitespace=True, max_length=4000), Writable
]
IpName: TypeAlias = Annotated[str, StringConstraints(strict=True, strip_whitespace=True, max_length=200), Writable]
IpDescription: TypeAlias = Annotated[
    str, StringConstraints(strict=True, strip_whitespace=True, max_length=500), Writable
]

_NAME = Field(
    default=None,
    description="What the character is called, in one to three words. Of a `defined_character`, which needs it, alone.",
    examples=["Lora"],
)
_DESCRIPTION = Field(
    default=None,
    description="What sets it apart, in about six words. Of a `defined_character`, which needs it, and of "
    "`object_variants`.",
    examples=["a fox with a purple scarf"],
)


class ProjectBody(BaseModel):
    """What a new project takes."""

    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)

    project_name: Name = Field(examples=["Branded character"])
    project_description: Description | None = None
    ip_name: IpName | None = _NAME
    ip_description: IpDescription | None = _DESCRIPTION
    ip_medium: Medium
    ip_type: IpType = Field(
        description="What is to be kept alike. `multi_object_set`, `object_variants`, `icons` and `character_variants` "
        "are for `illustration` alone."
    )

    @model_validator(mode="after")
    def _combination(self) -> ProjectBody:
        check_subject(self.ip_type, self.ip_medium, self.ip_name, self.ip_description)
        return self


class ProjectChanges(BaseModel):
    """What is absent stays as it is."""

    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)

    project_name: Name | None = None
    project_description: Description | None = None
    ip_name: IpName | None = _NAME
    ip_description: IpDescription | None = _DESCRIPTION


class ProjectAnswer(BaseModel):
    id: int
    project_name: str
    project_description: str
    ip_name: str | None = Field(default=None, description="Absent where the type has none.")
    ip_description: str | None = Field(default=None, description="Absent where the type has none.")
    ip_medium: Medium
    ip_type: IpType
    training_version: Literal["fibo"]
    status: Literal["active"]
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, project: Project) -> ProjectAnswer:
        return cls(
            id=project.id,
            project_name=project.name,
            project_description=project.description,
            ip_name=project.ip_name,
            ip_description=project.ip_description,
            ip_medium=project.ip_medium,  # type: ignore[arg-type]
            ip_type=project.ip_type,  # type: ignore[arg-type]
            training_version="fibo",
            status="active",
            created_at=project.created_at,
            updated_at=project.updated_at,
        )


def check_subject(ip_type: str, ip_medium: str, ip_name: str | None, ip_description: str | None) -> None:
    """Whether the four go together; empty texts count as absent. Raises WrongField."""
    if ip_type in ILLUSTRATION_ONLY and ip_medium != "illustration":
        raise WrongField(f"ip_medium: must be illustration where ip_type is {ip_type}")
    if ip_name and ip_type not in NAMED:
        raise WrongField("ip_name: is only for ip_type defined_character")
    if ip_description and ip_type not in DESCRIBED:
        raise WrongField("ip_description: is only for ip_type defined_character and object_variants")
    if ip_type in NAMED and not ip_name:
        raise WrongField(f"ip_name: is needed where ip_type is {ip_type}")
    if ip_type in DESCRIBED and not ip_description:
        raise WrongField(f"ip_description: is needed where ip_type is {ip_type}")
