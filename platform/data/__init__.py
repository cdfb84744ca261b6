"""Data in and out: imports with their mappings, files read as tables. Builds on records and workflow; knows no web."""
