"""Stands in for the Azure CLI: answers what the scripts ask, keeps what they make, and fails as it is told to.

The scripts find `az` beside this file: it hands its arguments to a server in the tests' process, because a Python that
starts for each call takes a minute in all. The state is a JSON file, named by AZ_STATE: `accounts` (subscription to
tenant), `default` (the subscription that az has chosen), `faults` (a pattern of the call, what az says, how often),
what was made, and each call. A call that a script does not need is refused, and so is one that does not name the
subscription where there are two.
"""

import json
import re
import traceback
from functools import cache
from pathlib import Path
from socketserver import StreamRequestHandler, ThreadingTCPServer
from threading import Thread
from typing import Any

EMPTY: dict[str, Any] = {
    "accounts": {"the-subscription": "the-tenant"},
    "default": "the-subscription",
    "user": "user",
    "faults": [],
    "deleted": [],
    "calls": [],
    "graph": {},
}
ARM = ("storage", "functionapp", "keyvault", "role", "provider", "group", "deployment", "monitor")
OBJECT = "0b0e4c6a-0000-4000-8000-00000000000{}"
RESOLVED = "[?contains(tags"


class Says(Exception):
    """What az says on its standard error, before it ends with 1."""


class _Call(StreamRequestHandler):
    def handle(self) -> None:
        """Read the two variables and the arguments, each with a zero byte after it, and their number before them."""
        number, _, rest = self.rfile.readline().decode().partition(" ")
        sent = self.rfile.read(int(rest)).decode().split("\0")[:-1]
        assert len(sent) == int(number)
        file, format_of_all, *arguments = sent
        try:
            status, says = 0, call(Path(file), arguments, as_json=format_of_all == "json")
        except Says as failure:
            status, says = 1, f"{failure}\n"
        except Exception:  # the script's test has to see it
            status, says = 1, traceback.format_exc()
        self.wfile.write(f"{status}\n{says}".encode())


@cache
def port() -> str:
    """The server's port, for AZ_PORT; it is started once and ends with the process."""
    server = ThreadingTCPServer(("127.0.0.1", 0), _Call)
    server.daemon_threads = True
    Thread(target=server.serve_forever, daemon=True).start()
    return str(server.server_address[1])


def call(file: Path, arguments: list[str], *, as_json: bool) -> str:
    """Answer one call, and write down what it made. Raises Says where az would fail."""
    state: dict[str, Any] = EMPTY | {"calls": [], "faults": [], "graph": {}}
    state |= json.loads(file.read_text()) if file.exists() else {}
    state["calls"].append(arguments)
    words = " ".join(arguments[: next((i for i, word in enumerate(arguments) if word.startswith("-")), len(arguments))])
    options = {
        name: value for name, value in zip(arguments, [*arguments[1:], ""], strict=True) if name.startswith("--")
    }
    try:
        fault(state, " ".join(arguments))
        answer = respond(state, words, options)
    finally:
        file.write_text(json.dumps(state))
    if "--output" not in options and not as_json:
        answer = f"Result\n--------\n{answer}"  # as somebody's own configuration may say
    return f"{answer}\n" if answer and options.get("--output") != "none" else ""


def fault(state: dict[str, Any], call: str) -> None:
    """Fail, where one of the faults is of this call and not used up."""
    for each in state["faults"]:
        if each["times"] and re.search(each["call"], call):
            each["times"] -= 1
            raise Says(each["says"])


def chosen(state: dict[str, Any], words: str, options: dict[str, str]) -> str:
    """The subscription that a call goes to."""
    named = options.get("--subscription")
    if words.startswith(ARM) and named is None and len(state["accounts"]) > 1:
        raise Says(f"ERROR: az {words} went to the default subscription, and there are several")
    subscription = named or str(state["default"])
    if subscription not in state["accounts"]:
        raise Says(f"ERROR: The subscription of '{subscription}' doesn't exist in cloud 'AzureCloud'.")
    return subscription


def respond(state: dict[str, Any], words: str, options: dict[str, str]) -> str:  # noqa: C901 - a table of commands
    graph, subscription = state["graph"], chosen(state, words, options)
    applications: dict[str, Any] = graph.setdefault("applications", {})
    match words:
        case "account show":
            answers = {"tenantId": state["accounts"][subscription], "id": subscription, "user.type": state["user"]}
            return str(answers.get(options.get("--query", ""), ""))
        case "cloud show":
            return str(state.get("cloud", "AzureCloud"))
        case "ad app list":
            found = {key: app for key, app in applications.items() if listed(app, options)}
            return "\n".join(app["appId"] if "appId" in options["--query"] else key for key, app in found.items())
        case "ad app create":
            applications["the-delivery"] = {"displayName": options["--display-name"], "appId": "the-delivery-client"}
            return "the-delivery-client"
        case "ad app federated-credential list":
            credential = graph.get("credentials", {}).get(options["--id"])
            return "" if credential is None else str(credential["name" if ".name" in options["--query"] else "subject"])
        case "ad app federated-credential create" | "ad app federated-credential update":
            graph.setdefault("credentials", {})[options["--id"]] = json.loads(options["--parameters"])
            return ""
        case "ad sp list":
            wanted = options["--filter"].split("'")[1]
            return "\n".join(name for name, of in graph.get("principals", {}).items() if wanted in of)
        case "ad sp create":
            graph.setdefault("principals", {})[f"sp-{options['--id']}"] = [options["--id"]]
            return f"sp-{options['--id']}"
        case "ad sp show":
            role = re.search(r"value=='([\w.]+)'", options["--query"])
            return f"role-{role[1]}" if role else "the-graph"
        case "ad signed-in-user show":
            return OBJECT.format(7) if options["--query"] == "id" else "anna@contoso.example"
        case "ad user show":
            return OBJECT.format(8)
        case "provider show":
            return str(graph.get("provider", "NotRegistered"))
        case "provider register":
            graph["provider"] = "Registered"
            return ""
        case "group create":
            graph.setdefault("groups", []).append(options["--name"])
            return ""
        case "keyvault list-deleted":
            return "\n".join("\t".join(vault) for vault in state["deleted"])
        case "keyvault recover":
            assert options["--resource-group"] in graph["groups"], "a vault comes back into a group that is there"
            graph.setdefault("recovered", []).append(options["--name"])
            return ""
        case "keyvault show":
            return "/vault"
        case "keyvault secret show":
            return str(graph["key"])
        case "storage account show":
            return "https://st.table.core.windows.net/"
        case "functionapp show":
            return "/app\tapp.example\tthe-principal" if "[[" in options["--query"] else "/app"
        case "functionapp function list":
            return "\n".join(f"func/{name}" for name in graph.get("functions", []))
        case "functionapp deployment source config-zip":
            graph["package"] = options["--src"]
            return ""
        case "role assignment create":
            graph.setdefault("assigned", []).append(options["--role"])
            return ""
        case "role assignment list":
            return "\n".join(graph.get("roles", []))
        case "deployment sub create" | "deployment sub show":
            outputs = state.get("outputs", {})
            return json.dumps({name: {"type": "String", "value": value} for name, value in outputs.items()})
        case "monitor log-analytics workspace list":
            return "the-workspace"
        case "rest":
            return rest(state, options)
    raise Says(f"az {words}: the scripts are not known to use this")


def listed(app: dict[str, Any], options: dict[str, str]) -> bool:
    wanted = options["--filter"].split("'", 1)[1].removesuffix("'").replace("''", "'")
    if options["--filter"].startswith("appId"):
        return bool(app["appId"] == wanted)
    tagged = "entra-zoho-one-bridge" in app.get("tags", []) or RESOLVED not in options.get("--query", "")
    return bool(app["displayName"] == wanted) and tagged


def rest(state: dict[str, Any], options: dict[str, str]) -> str:
    graph, method, query = state["graph"], options["--method"].upper(), options.get("--query", "")
    address, body = options["--url"], options.get("--body", "")
    text = Path(body[1:]).read_text() if body.startswith("@") else body
    sent = json.loads(text) if text else None
    if "/secrets" in address and "management.azure.com" in address:
        return secrets(graph, method, address, sent)
    if "/configreferences/appsettings/refresh" in address:
        graph["refreshed"] = True
        return ""
    if "/configreferences/appsettings" in address:
        return str(graph.get("unresolved", ""))
    if "loganalytics" in address:
        return str(graph.get("heartbeats", 0))
    return directory(graph, method, address.partition("/v1.0")[2], query, sent)


def secrets(graph: dict[str, Any], method: str, address: str, sent: Any) -> str:
    if method == "PUT":
        graph["key"] = sent["properties"]["value"]
    if "/encryption-keys" not in address:
        return "encryption-keys" if "key" in graph else "smtp-password"
    if "key" not in graph:
        raise Says("ERROR: Not Found({'error': {'code': 'SecretNotFound', 'message': 'not found'}})")
    return "encryption-keys"


def directory(graph: dict[str, Any], method: str, url: str, query: str, sent: Any) -> str:
    """Microsoft Graph."""
    applications = graph["applications"]
    if url == "/applications":
        made = f"app-{len(applications) + 1}"
        applications[made] = sent | {"appId": f"client-{made}"}
        return made
    if found := re.fullmatch(r"/applications/([\w-]+)", url):
        app = applications[found[1]]
        if method == "PATCH":
            app |= sent
        values: dict[str, list[str]] = {
            "appRoles[].id": [role["id"] for role in app.get("appRoles", [])],
            "appId": [app["appId"]],
            "web.redirectUris": app.get("web", {}).get("redirectUris", []),
        }
        return "\n".join(values.get(query, []))
    if url.endswith("/instantiate"):
        graph.setdefault("principals", {})["the-principal"] = [sent["displayName"]]
        return "the-principal"
    if url.endswith("/synchronization/templates"):
        return "scim"
    kept = graph.setdefault(url.replace("/oauth2PermissionGrants", "/grants"), [])
    if url.endswith("/oauth2PermissionGrants") and method == "GET":
        principal = url.split("/")[2]
        return "\n".join(grant["scope"] for grant in graph.get("/grants", []) if grant["clientId"] == principal)
    if method != "GET":
        kept.append(sent)
    return (
        "\n".join(" ".join(str(value) for value in each.values()) for each in kept)
        if query
        else json.dumps(kept, indent=1)
    )
