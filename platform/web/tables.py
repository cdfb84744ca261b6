"""What the pages keep for people: their own views of lists, forms on their way through a login, forms that were sent.

Here: the tables alone, so that whoever makes the schema need not load the pages. Not here: reading and writing them
(`list_views.py`, `typed_forms.py`).
"""

from __future__ import annotations

from sqlalchemy import Column

from fieldstone.db.column_types import Id, JsonText, PlainText, UtcMoment
from fieldstone.db.system import system_table

PERSONAL_VIEW = system_table(
    "personal_view",
    Column("id", Id, primary_key=True),
    Column("user_id", Id, nullable=False, index=True),
    Column("object", PlainText, nullable=False),
    Column("label", PlainText, nullable=False),
    Column("view", JsonText, nullable=False),  # columns, sort, filter, board, and the conditions as they stand in a URL
    Column("changed_at", UtcMoment, nullable=False),
)
TYPED_FORM = system_table(
    "typed_form",
    Column("id", Id, primary_key=True),
    Column("user_id", Id, nullable=False),
    Column("fields", JsonText, nullable=False),  # [[name, value], …] in the order of the form
    Column("at", UtcMoment, nullable=False, index=True),
)
SENT_FORM = system_table(
    "sent_form",
    Column("number", Id, primary_key=True),  # made with the form, sent with it
    Column("user_id", Id, nullable=False),
    Column("record_id", Id),
    Column("at", UtcMoment, nullable=False, index=True),
)
