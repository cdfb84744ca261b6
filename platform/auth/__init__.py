"""A login or a token becomes a principal: passwords, sessions, tokens, users.

Not here: rights of a principal (`records/gate/`), pages (`web/login.py`), the API's headers (`api/`).
"""
