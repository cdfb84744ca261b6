"""The two databases, SQLite and PostgreSQL, made to mean the same.

Here: engines, column types, ids, transactions, named locks, migrations of the system tables (prefix `fs_`).
Not here: metadata, objects' tables (`metadata/plan.py`, `metadata/ddl.py`), statements on records (`records/gate/`).
"""
