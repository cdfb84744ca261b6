"""The pages: a view reads, calls once, renders. Every rule it would be tempted to hold belongs below, where the API finds it too.

Not here: JSON for programs (`api/`), rights (`records/gate/`), wording of problems (`i18n/`).
"""
