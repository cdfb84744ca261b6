"""The stages of a check, a file each, in the order in which they run.

Here: shape → naming → resolving → sense → expressions → graph → amounts → examples.
Not here: their order and what one leaves to the next (`metadata/check.py`).
"""
