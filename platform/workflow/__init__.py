"""What happens around and after a save: before-save rules, approvals, the outbox and the Celery workers that empty it.

Here: the steps that workflow adds to the save pipeline, approvals, outbox, queue, sweeper, scheduler.
Not here: the save itself (`records`), how people are told (`notify`), pages and API paths.
"""
