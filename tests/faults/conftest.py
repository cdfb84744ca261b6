"""The company with quotes to approve, for the faults of decisions."""

from tests.support.company import company

__all__ = ["company"]
