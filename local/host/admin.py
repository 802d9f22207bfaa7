"""The addresses under /admin of a host on this machine, and the key to them: kept where only this user can read it.

Without the key, a page in the developer's browser could fire functions (DNS rebinding, or a form that posts elsewhere).
"""

import os
import secrets
from pathlib import Path

import requests

HEADER = "x-functions-key"


def host_key() -> str:
    """The key of this user's local hosts, made when it is asked for first."""
    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "entra-zoho-one-bridge"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    file = folder / "host-key"
    if not file.exists():
        made = folder / f".{secrets.token_hex(8)}"
        made.touch(mode=0o600)
        made.write_text(secrets.token_urlsafe(32))
        try:
            os.link(made, file)  # the first of several wins
        except FileExistsError:
            pass
        finally:
            made.unlink()
    return file.read_text()


def fire(host: str, function: str, message: str | None = None) -> None:
    """Start a function of a host on this machine now, as by its timer or by a message. Raises requests.HTTPError."""
    body = {} if message is None else {"input": message}
    headers = {HEADER: host_key()}
    requests.post(f"{host}/admin/functions/{function}", json=body, headers=headers, timeout=10).raise_for_status()
