"""The command line: `fieldstone <command>`, a file a command, as thin as a view.

Not here: what a command does; that lives where the page or the API finds it too.
"""
