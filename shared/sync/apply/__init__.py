"""Apply: the one way from a pending change to what Zoho One confirmed, for push, cycle and provision on demand."""
