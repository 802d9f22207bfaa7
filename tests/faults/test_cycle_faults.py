"""Each kind of call that a cycle with fifty changes makes outside goes wrong; nothing comes of it.

The reply is lost, or the process is killed before or after the call: what a simulation has to make up.

After the next good cycles Zoho One holds what it holds where nothing went wrong, nobody was made twice or deleted
beside the plan, each new person was mailed once, and each run is recorded as it ended.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from azure.core.pipeline.transport import RequestsTransport

from local.parts import app_settings
from local.walkthrough.mailbox import mail_settings
from shared.app.container import Bridge
from shared.app.outside import Outside
from shared.rules.store import Store
from shared.settings import Settings
from tests.conftest import Entra, ZohoOne
from tests.faults.call_kinds import EVERYWHERE
from tests.faults.cycle_scene import CycleScene
from tests.faults.outside_calls import CallName, Kind
from tests.mail.office import Clock

FEW = (
    # how a kind begins, and what goes wrong with it: the short form of `make test`
    ("tables POST $batch identities", Kind.LOST),
    ("zoho DELETE", Kind.KILLED_AFTER),
    ("zoho PATCH /scim/Groups", Kind.LOST),
    ("tables POST $batch identities", Kind.KILLED_AFTER),
)
SHARDS = 4
"""Of a campaign's kinds, so that several processes share them."""


@pytest.fixture
def scene(
    azurite: str,
    key: str,
    zoho_one: ZohoOne,
    entra: Entra,
    store: Store,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> CycleScene:
    """In this process no client waits before it tries again, and the clock is the test's."""
    monkeypatch.setattr(RequestsTransport, "sleep", lambda *_: None)
    clock = Clock()
    outside = Outside(now=clock, sleep=lambda _: None)
    settings = app_settings(azurite, key, zoho_one.parts) | mail_settings(tmp_path / "mails")
    settings |= {"BRIDGE_ENTRA_CERTIFICATE": entra.ready["certificate"]}
    bridge = Bridge(Settings.model_validate(settings), outside)
    return CycleScene.build(bridge, clock, store, entra, zoho_one, settings)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A few kinds for `make test`, every kind for `make campaign`."""
    if "part" in metafunc.fixturenames:
        parts = [f"{kind}, {shard}" for kind in Kind for shard in range(SHARDS)] if EVERYWHERE else ["few"]
        seconds = pytest.mark.timeout(1800 if EVERYWHERE else 240)
        metafunc.parametrize("part", [pytest.param(part, marks=seconds) for part in parts])


def test_whatever_goes_wrong_with_a_call_is_put_right_by_the_next_cycles(
    part: str, scene: CycleScene, kills: Callable[[object], None]
) -> None:
    for call, kind in _few(scene) if part == "few" else _every(scene, part):
        scene.run_case(call, kind)
        if kind.is_kill:
            kills(call)


def _few(scene: CycleScene) -> Iterator[tuple[CallName, Kind]]:
    for start, kind in FEW:
        yield next(call for call in _calls(scene, kind) if call.kind.startswith(start)), kind


def _every(scene: CycleScene, part: str) -> Iterator[tuple[CallName, Kind]]:
    kind, _, shard = part.partition(", ")
    for call in _calls(scene, Kind(kind))[int(shard) :: SHARDS]:
        yield call, Kind(kind)


def _calls(scene: CycleScene, kind: Kind) -> list[CallName]:
    """One of each kind: the middle one, so that some are made before it and some are left."""
    seen = scene.cold_calls if kind.is_kill else scene.calls
    return [CallName(name, (count - 1) // 2) for name, count in sorted(Counter(seen).items())]
