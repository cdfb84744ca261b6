"""Approvals: a record goes from person to person until one verdict stands.

Here: states, counting and deciding (pure), people, evidence, locks, history, and the commands that put them to work.
Not here: what an approval process looks like (`metadata/definitions`), pages, API paths, mails (`notify`).
"""
