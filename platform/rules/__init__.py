"""The expression language: one text, one meaning, in Python and in SQL.

Here: the public face of the package.
Not here: where names come from (`metadata` implements `Scope`), rows and columns (the caller hands them in).

    checked = check("amount * 0.1", scope, Use.FORMULA, expected=ValueType.NUMBER)
    to_python(checked)({"amount": Decimal("99.90")}, context)     # Decimal("9.990")
    to_sql(checked, {"amount": table.c.amount}, SQLITE, context)  # value and error condition
"""

from fieldstone.rules.check import Blanks, Use, check, problems
from fieldstone.rules.dialects import POSTGRESQL, SQLITE, Dialect, dialect_of, register_functions
from fieldstone.rules.errors import Category, EvaluationError, NotInSql
from fieldstone.rules.functions import FUNCTIONS
from fieldstone.rules.parse import parse
from fieldstone.rules.python import Context, to_python
from fieldstone.rules.scope import Resolved, Scope
from fieldstone.rules.sql import Sql, condition, to_sql, value
from fieldstone.rules.tree import Checked
from fieldstone.rules.value_types import ValueType

__all__ = [
    "FUNCTIONS",
    "POSTGRESQL",
    "SQLITE",
    "Blanks",
    "Category",
    "Checked",
    "Context",
    "Dialect",
    "EvaluationError",
    "NotInSql",
    "Resolved",
    "Scope",
    "Sql",
    "Use",
    "ValueType",
    "check",
    "condition",
    "dialect_of",
    "parse",
    "problems",
    "register_functions",
    "to_python",
    "to_sql",
    "value",
]
