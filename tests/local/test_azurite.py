"""Azurite answers as Azure Storage does, and stores its data only in the given folder."""

from pathlib import Path

import psutil
import pytest
from azure.data.tables import TableServiceClient

from local.azurite import Azurite, start_azurite
from local.processes import Processes


def test_tables_answer(azurite: Azurite) -> None:
    with TableServiceClient.from_connection_string(azurite.connection_string) as service:
        table = service.create_table("people")
        table.upsert_entity({"PartitionKey": "store", "RowKey": "id:1", "name": "Ada"})
        assert table.get_entity("store", "id:1")["name"] == "Ada"


def test_it_listens_on_the_loopback_interface_only(azurite: Azurite) -> None:
    connections = psutil.Process(azurite.process.pid).net_connections()
    assert {c.laddr.ip for c in connections if c.status == psutil.CONN_LISTEN} == {"127.0.0.1"}


@pytest.mark.parametrize("keep", [True, False])
def test_data_outlives_it_only_in_a_folder(logs: Path, tmp_path: Path, keep: bool) -> None:
    data = tmp_path / "data" if keep else None
    with Processes(logs) as processes:
        service = TableServiceClient.from_connection_string(start_azurite(processes, data).connection_string)
        with service:
            service.create_table("people")
    with Processes(logs) as processes:
        service = TableServiceClient.from_connection_string(start_azurite(processes, data).connection_string)
        with service:
            assert [table.name for table in service.list_tables()] == (["people"] if keep else [])
