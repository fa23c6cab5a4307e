"""The recipes need Keras and torch: pytest must not import them when it looks for doctests."""

collect_ignore_glob = ["*.py"]
