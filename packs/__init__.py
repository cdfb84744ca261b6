"""The packs that ship with Fieldstone: folders of JSON and CSV, no code."""
