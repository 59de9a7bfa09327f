"""Tables of values, as Grafana has them between a query and a drawing.

One field is one column with one type; a frame holds fields of equal length. Times are milliseconds since
1970.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from grafana.preview.shortened import shortened

FieldType = Literal["time", "number", "string"]
Value = float | str | None

TIME_NAME = "Time"
VALUE_NAME = "Value"


@dataclass(frozen=True, slots=True)
class Field:
    """One column, with the configuration that the panel's defaults and overrides give it."""

    name: str
    type: FieldType
    values: Sequence[Any]
    """Numbers and times are floats, None where there is nothing."""
    labels: dict[str, str] = field(default_factory=dict)
    config: dict[str, Any] = field(default_factory=dict)
    source_name: str | None = None
    """What the data source wants the series to be called: the target's legend."""

    @property
    def display_name(self) -> str:
        """What it is called in legends and headers."""
        return shortened(str(self.config.get("displayName") or self.source_name or self.name))

    def numbers(self) -> list[float | None]:
        """Return the values of a number field."""
        return list(self.values)


@dataclass(frozen=True, slots=True)
class Frame:
    """A table."""

    fields: tuple[Field, ...]
    ref_id: str = ""
    """The target that it came from."""
    is_heatmap: bool = False
    """Its number fields are the buckets of one histogram, lowest first."""

    @property
    def length(self) -> int:
        """Number of rows."""
        return len(self.fields[0].values) if self.fields else 0

    def fields_of_type(self, *types: FieldType) -> list[Field]:
        """Return the fields of these types, in order."""
        return [item for item in self.fields if item.type in types]

    def time_field(self) -> Field | None:
        """Return the first time field, None when there is none."""
        return next((item for item in self.fields if item.type == "time"), None)

    def rows(self) -> list[tuple[Value, ...]]:
        """Return the values row by row."""
        return list(zip(*(item.values for item in self.fields), strict=True))

    def with_rows(self, indices: Sequence[int]) -> Frame:
        """Return the frame with only these rows, in this order."""
        fields = tuple(replace(item, values=[item.values[i] for i in indices]) for item in self.fields)
        return replace(self, fields=fields)
