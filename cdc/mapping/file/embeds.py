"""What a mapping says of documents of other collections that its own embed."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal, NamedTuple

from pydantic import AfterValidator, BeforeValidator, Field, StrictInt, StrictStr, model_validator

from cdc.mapping.file.allowed_names import CollectionName, IndexedPath, Strict, field_name, one_of

ID: Final = "_id"

MOST_ELEMENTS: Final = (1 << 31) - 1
"""The largest `limit`: more than any document holds, and a number that every server takes."""

MOST_INDEXED: Final = 32
"""The fields of an index, at most: "Compound Indexes" in MongoDB's manual."""


def _plain_name(name: str) -> str:
    if "." in field_name(name):
        raise ValueError("must be a name without a dot")
    return name


def _spelled_out(value: Any) -> Any:
    """Put a list of fields in the form that gives each its own name."""
    if not isinstance(value, list | tuple):
        return value
    for name in value:
        if isinstance(name, str) and "." in name:
            raise ValueError(f"`{name}` nests: say what it is called here, as in {{name: {name}}}")
    return {name: name for name in value}


EmbeddedName = Annotated[StrictStr, Field(min_length=1), AfterValidator(_plain_name)]
Chosen = Annotated[
    dict[EmbeddedName, IndexedPath],
    Field(min_length=1),
    BeforeValidator(
        _spelled_out, json_schema_input_type=list[IndexedPath] | dict[str, IndexedPath]
    ),
]


Link = Annotated[
    dict[IndexedPath, IndexedPath],
    Field(min_length=1),
    BeforeValidator(
        lambda value: value, json_schema_input_type=IndexedPath | dict[IndexedPath, IndexedPath]
    ),
]
"""A field alone was put in this form before: what it means depends on what stands beside it."""


class Pair(NamedTuple):
    """A field of the document that embeds, and the one of the embedded document that equals it."""

    ours: str
    theirs: str


class Embed(Strict):
    """Documents of another collection of the stream, at a path of each document."""

    model_config = one_of("one", "many")

    one: CollectionName | None = None
    """The collection of which one document is embedded, or null where there is none."""
    many: CollectionName | None = None
    """The collection of which an array of documents is embedded."""
    on: Link
    """`{our field: their field}`, of which all must be equal. A field alone means {FIELD: _id}
    under `one`, and {_id: FIELD} under `many`."""
    fields: Chosen | None = None
    """The fields that are embedded: a list, or {our name: their field}. By default all."""
    order: tuple[IndexedPath, ...] = ()
    """Their fields that the array is ordered by; in the end always by their `_id`."""
    limit: Annotated[StrictInt, Field(ge=1, le=MOST_ELEMENTS)] | None = None
    """How many elements the array has at most: the first ones in that order."""

    @model_validator(mode="before")
    @classmethod
    def _short_link(cls, value: Any) -> Any:
        if isinstance(value, dict) and isinstance(value.get("on"), str):
            on = value["on"]
            return {**value, "on": {on: ID} if "one" in value else {ID: on}}
        return value

    @model_validator(mode="after")
    def _one_kind(self) -> Embed:
        if (self.one is None) == (self.many is None):
            raise ValueError("must hold one of `one` and `many`")
        for key in ("order", "limit"):
            if self.one is not None and key in self.model_fields_set:
                raise ValueError(f"`{key}` means nothing under `one`: there is one document")
        return self

    @model_validator(mode="after")
    def _indexable(self) -> Embed:
        if len({*self.on.values(), *self.order, ID}) > MOST_INDEXED:
            raise ValueError(
                f"`on` and `order` are of one index, and MongoDB's have at most {MOST_INDEXED}"
                f" fields with `{ID}`: leave some out of `order`"
            )
        return self

    @property
    def kind(self) -> Literal["one", "many"]:
        """Whether it is a document or an array."""
        return "one" if self.one is not None else "many"

    @property
    def collection(self) -> str:
        """The collection that is embedded."""
        return self.one or self.many or ""

    @property
    def pairs(self) -> tuple[Pair, ...]:
        """The link, field by field."""
        return tuple(Pair(*each) for each in self.on.items())

    @property
    def read(self) -> frozenset[str] | None:
        """The paths of the embedded documents that the value depends on; None for all."""
        if self.fields is None:
            return None
        return frozenset([*self.fields.values(), *self.on.values(), *self.order, ID])
