"""Mail that stays on this machine: a file for each, in a folder that only its owner can read."""

import secrets
from email.message import EmailMessage
from pathlib import Path

from shared.mail.transport import MailBusy


class MailFolder:
    """Writes ``.eml`` files, which mail programs open. Their names sort in the order in which they were written."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def send(self, message: EmailMessage) -> None:
        """See Transport."""
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            number = sum(1 for _ in self._folder.glob("*.eml"))
            unfinished = self._folder / f".{secrets.token_hex(8)}"
            unfinished.touch(mode=0o600)
            unfinished.write_bytes(message.as_bytes())
            unfinished.rename(self._folder / f"{number:05}-{secrets.token_hex(4)}.eml")
        except OSError as error:
            raise MailBusy(f"The mail folder cannot be written ({type(error).__name__})") from None
