"""The packs shipped with the product: folders of JSON, no code.

This file only makes the folder package data (`fieldstone.shipped`), so that an installed product finds them.
"""
