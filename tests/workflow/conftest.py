"""The company with quotes to approve, for every test of workflow."""

from tests.support.company import company

__all__ = ["company"]
