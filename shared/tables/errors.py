"""What can go wrong with the tables, named by what a caller can do about it."""


class TablesError(Exception):
    """Any of the below."""


class TablesBusy(TablesError):
    """The storage account did not answer, or asked to wait: the same call may succeed later."""


class Stale(TablesError):
    """Somebody else wrote the record in the meantime: read it again."""


class TooLarge(TablesError):
    """The record is larger than the account takes."""


class Conflict(TablesError):
    """A unique value belongs to another record."""


class MappingUnusable(TablesError):
    """The mapping that is saved for a store is not valid in this version of the app."""

    def __init__(self, store: str) -> None:
        super().__init__(
            f"The attribute mapping that is saved for the directory store {store} is not valid in this version of the "
            "bridge: an admin has to check it and save it again"
        )


class Unreadable(TablesError):
    """A secret was encrypted with a key that BRIDGE_ENCRYPTION_KEYS does not hold any more."""

    def __init__(self) -> None:
        super().__init__("What is stored was encrypted with a key that is no longer in BRIDGE_ENCRYPTION_KEYS")
