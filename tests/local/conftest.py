"""What the tests of the local machine share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from local.azurite import Azurite, start_azurite
from local.processes import Processes
from tests.local.host.sample_host import SampleHost, start_sample


@pytest.fixture(scope="module")
def processes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Processes]:
    """Child processes that last as long as the module's tests."""
    with Processes(tmp_path_factory.mktemp("logs")) as processes:
        yield processes


@pytest.fixture(scope="module")
def azurite(processes: Processes) -> Azurite:
    """A running Azurite that keeps its data in memory."""
    return start_azurite(processes)


@pytest.fixture(scope="module")
def sample(processes: Processes, azurite: Azurite, tmp_path_factory: pytest.TempPathFactory) -> SampleHost:
    """A running host of the sample app, whose timer comes once a year."""
    return start_sample(processes, azurite, tmp_path_factory.mktemp("host") / "trace")


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    """Where the children of one test log."""
    return tmp_path / "logs"
