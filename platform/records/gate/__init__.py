"""The gate: the only code with SQL on record tables. Snapshot, principal and question in; rows as far as rights go, or a refusal.

Here: `Gate` for reading. `write.py` serves the save pipeline alone.
Not here: what a change has to pass before it is written (`records/steps`), the surfaces.
"""

from fieldstone.records.gate.read import Gate

__all__ = ["Gate"]
