"""Definitions of an org: JSON documents, checked and compiled into one immutable snapshot.

Here: kinds, meta-schemas, definitions, field types, check, plan, publish.
Not here: records and who may see them (`records`), approvals and automations at work (`workflow`), pages.
"""
