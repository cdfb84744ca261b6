"""The steps of a save, a file each; their order stands in `save.py`.

A file's `step(snapshot, definition, action)` returns the function that works on a batch, or None if there is nothing to do for that
object and action.
"""
