"""The upload page: files of strangers, followed from the first byte to the result.

`store` keeps them; `kinds`, `archives`, `pictures` and `tables` look into them; `tasks` work on
them; `views` are the page and what its script asks.
"""
