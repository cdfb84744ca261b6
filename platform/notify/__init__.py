"""Telling people: the inbox in the app, mails, and the templates of both.

Here: rows of notifications and mails, rendering, handing a mail to a mail server.
Not here: why somebody is told, and when a mail leaves (`workflow`).
"""
