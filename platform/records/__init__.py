"""Records: who may see and change them, how they are read, how they are saved.

Here: the principal (`principal`), the gate (`gate/`), the save pipeline (`save`, `steps/`), what hangs on a save (history, recycle bin,
search index, audit).
Not here: what an object or field is (`metadata`), what follows a save (`workflow`), the surfaces. Nothing outside `gate/` touches a
record table.
"""
