"""The table of what the API can do: each operation says its path, its scope, what it takes and what it may answer.

Here: `Operation`, `Param`, `@operation`, which puts a view into the table. Everything is driven by the table: routing, scopes, refused
parameters, bodies checked against their schema, the OpenAPI document. Not here: the views.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from fieldstone.records.gate.access import Rights

Schema = Mapping[str, Any]
View = TypeVar("View", bound=Callable[..., Any])
OPERATIONS: list[Operation] = []


@dataclass(frozen=True, slots=True, kw_only=True)
class Param:
    """A query parameter. `many`: its value is a list with commas."""

    name: str
    schema: Schema
    doc: str
    required: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One verb on one path. `{object}` in a path stands for each object that the caller may see, in the OpenAPI document."""

    method: str
    path: str
    name: str
    doc: str
    view: Callable[..., Any]
    scope: str | None = None  # that a token needs; None: any token
    params: tuple[Param, ...] = ()
    any_params: bool = False  # the view reads the query itself: names of fields
    body: Schema | str | None = None  # JSON Schema; a text: "create" or "update", the object's own, which the save pipeline checks
    body_required: bool = True
    answers: Mapping[int, Schema | str | None] = field(default_factory=dict)  # success: schema, or "record"; None: no body
    headers: tuple[str, ...] = ()  # request headers beyond those that every operation takes
    refusals: tuple[int, ...] = ()  # beyond those that every operation can answer
    right: tuple[str, ...] = ()  # on the object, one of them: who has none of them is refused, and finds the operation in no document
    public: bool = False

    def open_to(self, rights: Rights, object_name: str) -> bool:
        """Whether the rights on the object suffice to call it at all."""
        return not self.right or any(rights.can(object_name, right) for right in self.right)

    @property
    def saves(self) -> bool:
        """Whether it changes something."""
        return self.method not in ("GET", "HEAD")


def operation(method: str, path: str, doc: str, **more: Any) -> Callable[[View], View]:
    """Declare a view as the operation `method` `path`; its name is the view's."""

    def declare(view: View) -> View:
        OPERATIONS.append(Operation(method=method, path=path, name=view.__name__, doc=doc, view=view, **more))
        return view

    return declare
