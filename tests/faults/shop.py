"""An order with lines: a save of a line writes the line, its history and the order's roll-ups."""

from __future__ import annotations

from tests.support.orgs import obj

DOCUMENTS = (
    obj(
        "order",
        {
            "name": {"type": "text", "label": "Name"},
            "total": {"type": "roll_up", "label": "Total", "relation": "line.order", "function": "sum", "field": "price"},
            "lines": {"type": "roll_up", "label": "Lines", "relation": "line.order", "function": "count"},
            "doubled": {"type": "formula", "label": "Doubled", "returns": "currency", "scale": 2, "formula": "total * 2"},
        },
    ),
    obj(
        "line",
        {
            "name": {"type": "text", "label": "Name"},
            "order": {"type": "master_detail", "label": "Order", "to": "order"},
            "price": {"type": "currency", "label": "Price", "scale": 2, "required": True, "history": True},
        },
        owned_by="none",
        default_access="by_parent",
    ),
)
