"""The stream: Celery's events in, one stored truth, every open browser up to date."""
