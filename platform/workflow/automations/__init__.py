"""Automations: what the org does by itself when a record is saved.

Here: before-save automations. Not here: the order of a save (`records/save.py`), approvals.
"""
