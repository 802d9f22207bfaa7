"""The composition root: the parts of the app put together, once for each worker process."""
