"""rq-dashboard, to look into single jobs and run them again, behind a login."""
