"""The bridge on one machine: `python -m local run` demonstrates it, `python -m local serve` runs it for any client."""

import argparse
import json
import signal
import sys
import tempfile
from pathlib import Path

from rich.console import Console

from local.entra.directory import EntraDirectory
from local.entra.people import PEOPLE, make_people
from local.entra.provisioning_service import ProvisioningService
from local.entra.server import entra_of
from local.parts import OWNER, LocalParts, start_parts
from local.processes import ChildFailedError, Processes
from local.store import connect_to_graph
from local.walkthrough.mailbox import NOTIFICATION, mail_settings
from local.walkthrough.sign_in import register, sign_in_settings
from local.walkthrough.tour import WalkthroughParts, run_walkthrough
from shared.app.container import Bridge
from shared.rules.guard_limits import GuardLimits, Threshold
from shared.settings import Settings

ANYBODY = Threshold(count=10**9, percent=100)
NO_GUARD = GuardLimits(leavings=ANYBODY, leavings_share=None, leavings_most=None, members=ANYBODY, one_field=ANYBODY)


def main() -> int:
    """Run one of the commands; the exit status is 0 if everything is as it should be."""
    parser = argparse.ArgumentParser(prog="python -m local", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run", help="walk through the steps of Zoho One's guide with 25 people")
    run.add_argument("--once", action="store_true", help="end after the table")
    run.add_argument("--sign-in", action="store_true", help="the pages ask admins to sign in at the simulated Entra")
    served = commands.add_parser("serve", help="start the parts, print their addresses in one line of JSON, and wait")
    served.add_argument("--port", type=int, default=0, help="of the function host; by default a free one")
    served.add_argument("--no-timers", action="store_true", help="run cycles only on request")
    served.add_argument("--no-guard", action="store_true", help="allow any number of deactivations and deletions")
    served.add_argument("--people", type=int, default=0, help="how many people the store has; by default none")
    served.add_argument(
        "--roles", default=OWNER, help="of the user who opens the pages; empty for a user without a role"
    )
    arguments = parser.parse_args()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _end)
    logs = Path(tempfile.mkdtemp(prefix="bridge-local-"))
    try:
        with Processes(logs) as processes:
            if arguments.command == "run":
                return _run(processes, logs / "mailbox", once=arguments.once, sign_in=arguments.sign_in)
            return _serve(processes, arguments)
    except (ChildFailedError, FileNotFoundError) as error:
        print(error, file=sys.stderr)
        return 1


def _run(processes: Processes, mailbox: Path, *, once: bool, sign_in: bool) -> int:
    console, directory = Console(), EntraDirectory(PEOPLE)
    console.print("Starting Azurite, the simulated Zoho One, the simulated Entra and the function host …")
    with entra_of(directory) as entra:
        settings = mail_settings(mailbox) | {"BRIDGE_ENTRA_CERTIFICATE": entra["certificate"]}
        settings |= sign_in_settings(entra) if sign_in else {}
        parts = start_parts(processes, settings=settings, connected=False, notification=NOTIFICATION, timers=not once)
        if sign_in:
            register(entra, PEOPLE, parts.host)
        all_well = run_walkthrough(_walkthrough_parts(parts, entra, directory, mailbox), console)
        if not once:
            described = json.dumps(parts.described(entra["graph"]), indent=2)
            console.print(f"Everything stays up until Ctrl-C.\n{described}")
            console.print(f"The console, where all of it can be seen: {parts.host}/console")
            signal.pause()
    return 0 if all_well else 1


def _serve(processes: Processes, arguments: argparse.Namespace) -> int:
    people: int = arguments.people
    _, entra = processes.start_module("local.entra", "--port", "0", "--people", str(people))
    settings = {"BRIDGE_LOCAL_ADMIN": arguments.roles, "BRIDGE_ENTRA_CERTIFICATE": entra["certificate"]}
    parts = start_parts(processes, arguments.port, settings, timers=not arguments.no_timers)
    bridge = Bridge(Settings.model_validate(parts.settings))
    connect_to_graph(bridge, parts.store, entra)
    if arguments.no_guard:
        bridge.stores.change(parts.store, lambda store: store.model_copy(update={"guard": NO_GUARD}))
    if people:
        service = ProvisioningService(EntraDirectory(make_people(people)), parts.sync_endpoint, parts.secret_token)
        if errors := service.cycle().errors:
            print(f"{len(errors)} people could not be provisioned: {errors[0].error}", file=sys.stderr)
            return 1
    print(json.dumps(parts.described(entra["graph"])), flush=True)
    signal.pause()
    return 0


def _walkthrough_parts(
    parts: LocalParts, entra: dict[str, str], directory: EntraDirectory, mailbox: Path
) -> WalkthroughParts:
    described = parts.described(entra["graph"])
    return WalkthroughParts(
        sync_endpoint=parts.sync_endpoint,
        secret_token=parts.secret_token,
        tenant_url=described["tenant_url"],
        zoho_one=parts.zoho_one,
        zoho_scim_token=parts.api_console["zoho_scim_token"],
        host=parts.host,
        settings=parts.settings,
        entra=entra,
        store=parts.store,
        mailbox=mailbox,
        directory=directory,
    )


def _end(*_: object) -> None:
    sys.exit(0)


if __name__ == "__main__":
    sys.exit(main())
