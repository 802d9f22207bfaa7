"""The passwords of the simulated Zoho One: set over SCIM, checked at sign-in, never shown."""

import hashlib
import hmac
import secrets
from typing import Any, Self

ROUNDS = 1000  # of PBKDF2: these passwords are made up, and tests sign in often
HIDDEN = "(hidden)"


class Passwords:
    """Salted hashes by the id of the user; setting one ends the one before."""

    def __init__(self) -> None:
        self._hashes: dict[str, tuple[bytes, bytes]] = {}

    def set(self, user_id: str, password: str) -> None:
        """From now on this one is valid, and no other."""
        salt = secrets.token_bytes(16)
        self._hashes[user_id] = (salt, _hashed(password, salt))

    def has(self, user_id: str) -> bool:
        """Whether somebody has one at all."""
        return user_id in self._hashes

    def matches(self, user_id: str, password: str) -> bool:
        """Whether somebody can sign in with it."""
        salt, hashed = self._hashes.get(user_id, (b"", b""))
        return hmac.compare_digest(_hashed(password, salt), hashed)

    def clear(self) -> None:
        """Forget all."""
        self._hashes.clear()

    def copy(self) -> Self:
        """The same passwords, apart from what becomes of these."""
        copied = type(self)()
        copied._hashes.update(self._hashes)
        return copied


def hidden(said: Any) -> Any:
    """A request's body as it may be shown: without the passwords in it."""
    match said:
        case {"path": str(path), "value": _} if path.rpartition(":")[2].lower() == "password":
            return {**said, "value": HIDDEN}
        case dict():
            return {key: HIDDEN if str(key).lower() == "password" else hidden(value) for key, value in said.items()}
        case list():
            return [hidden(value) for value in said]
        case _:
            return said


def _hashed(password: str, salt: bytes) -> bytes:
    return hashlib.pbkdf2_hmac("sha256", password.encode(), salt, ROUNDS)
