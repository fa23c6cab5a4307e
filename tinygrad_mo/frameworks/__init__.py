"""Networks of other frameworks, measured as ours are: what only they know is in this room."""
