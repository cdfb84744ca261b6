"""Words and forms of a reader's language: texts by key, gettext catalogues, numbers and dates.

Not here: labels of metadata, which are data (`metadata/definitions/labels.py`).
"""
