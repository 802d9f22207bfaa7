"""The storage account's client."""

import logging
from concurrent.futures import ThreadPoolExecutor

import pytest

from shared.tables.service import connect


def test_as_many_threads_as_a_worker_has_keep_their_connections(azurite: str, caplog: pytest.LogCaptureFixture) -> None:
    with connect(azurite) as service, ThreadPoolExecutor(32) as pool, caplog.at_level(logging.WARNING):
        stores = service.get_table_client("stores")
        list(pool.map(lambda _: list(stores.query_entities("PartitionKey eq 'nobody'")), range(320)))
    assert not [record for record in caplog.records if record.name.startswith("urllib3")]
