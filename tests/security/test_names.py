"""No name from outside becomes an address, a header, a file's name or a part of a template."""

from dataclasses import replace
from itertools import product

import pytest

from shared.console.context import EXTENSION
from shared.console.form_token import HEADER, form_token
from shared.console.sign_in import LOCAL
from shared.mail.message import BadTemplate, preview
from shared.rules.mail.template import MailTemplate, Reader
from shared.rules.store import Store
from tests.console.conftest import Pages
from tests.security.routes import ways_of

ODD = ('x"; filename="evil.bat', "x\r\nSet-Cookie: a=b", "..%2f..", "ä", "x%00", "x'or'1", "x" * 201)


def test_no_odd_part_of_an_address_finds_a_page(pages: Pages, store: Store) -> None:
    """A part that may have slashes, as ids of Zoho One may, is looked up and stands in no header."""
    headers = {HEADER: form_token(pages.parts.site.secret, LOCAL, LOCAL)}
    for rule in pages.app.url_map.iter_rules():
        for argument, name in product(rule.arguments - {"filename", "number"}, ODD):
            for way in ways_of(rule, {"store_id": store.id, argument: name}):
                answer = pages.client.open(way.path, method=way.method, headers=headers)
                assert answer.status_code == 404, way
                assert name not in str(answer.headers)


@pytest.mark.parametrize("form", ["csv", "json"])
def test_nobody_has_no_history(pages: Pages, store: Store, form: str) -> None:
    for nobody in ("0" * 32, "anything", "x-1"):
        assert pages.get(f"/stores/{store.id}/people/{nobody}/history.{form}").status_code == 404


@pytest.mark.parametrize(
    "name",
    ["self", "cycler", "joiner", "range", "dict", "lipsum", "namespace", "loop", "caller", "__class__", "config"],
)
def test_a_mail_template_has_its_fields_and_nothing_else(name: str) -> None:
    for body in (f"{{{{ {name} }}}}", f"{{% if {name} %}}x{{% endif %}}", f"{{% if name and {name} %}}x{{% endif %}}"):
        whole = f"{{{{ password }}}}\n{{{{ sign_in_url }}}}\n{body}"
        with pytest.raises(BadTemplate):
            preview(MailTemplate(reader=Reader.USER, language="en", subject="x", body=whole))


@pytest.mark.parametrize(
    "host", ["rebind.evil.example", "127.0.0.1.evil.example", "localhost.evil.example", "10.0.0.5"]
)
def test_on_one_machine_no_other_name_leads_to_the_pages(pages: Pages, store: Store, host: str) -> None:
    for method, path in (("GET", "/console/"), ("POST", f"/console/stores/{store.id}/stop")):
        answer = pages.client.open(path, method=method, base_url=f"http://{host}")
        assert answer.status_code == 503, answer.text
        assert "form_token" not in answer.text
    told = pages.client.get("/health?ready", base_url=f"http://{host}")
    assert "stores" not in (told.json or {})
    assert pages.client.get("/console/", base_url="http://127.0.0.1:8000").status_code == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "bridge.example.evil.example", "bridge.example:8443", "bridge.example@evil.example"]
)
def test_a_deployed_app_answers_to_its_own_names(pages: Pages, host: str) -> None:
    parts = pages.parts
    hosts = frozenset({"bridge.example", "bridge.azurewebsites.net"})
    pages.app.extensions[EXTENSION] = replace(parts, site=replace(parts.site, hosts=hosts))
    pages.served_by(WEBSITE_SITE_NAME="bridge")
    for path in ("/console/", "/console/sign-in", "/oauth/start?store=x"):
        assert pages.client.get(path, headers={"Host": host}).status_code in (400, 421), host
    assert pages.client.get("/console/", headers={"Host": "bridge.example"}).status_code == 503, "sign-in is not set up"
