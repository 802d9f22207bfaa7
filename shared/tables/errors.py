"""What can go wrong with the tables, named by what a caller can do about it."""


class TablesError(Exception):
    """Any of the below."""


class TablesBusy(TablesError):
    """The storage account did not answer, or asked to wait: the same call may succeed later."""


class Changed(TablesError):
    """Somebody else wrote the record in the meantime: read it again."""


class Taken(TablesError):
    """A unique value belongs to another record."""
