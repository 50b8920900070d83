import logging
from pathlib import Path
from uuid import uuid4

import pytest
from kombu import Connection

BROKEN = [b"", b"not json", b'{"body": "e30="', b"\xff\xfe\0", b"[]", b"{}"]


@pytest.mark.parametrize("content", BROKEN)
def test_a_broken_file_is_set_aside_and_the_next_message_delivered(content, tmp_path, caplog):
    caplog.set_level(logging.WARNING)
    parts = {"data_folder_in": "m", "data_folder_out": "m", "processed_folder": "p", "control_folder": "c"}
    folders: dict[str, str | bool] = {name: str(tmp_path / part) for name, part in parts.items()}
    for part in set(parts.values()):
        (tmp_path / part).mkdir()
    name = uuid4().hex  # kombu remembers a queue for the life of the process
    Path(tmp_path / "m" / f"0_x.{name}.msg").write_bytes(content)
    options = {**folders, "store_processed": True, "polling_interval": 0.01}
    transport = "apps.jobs.folder:Transport"
    with (
        Connection("filesystem://localhost", transport=transport, transport_options=options) as connection,
        connection.SimpleQueue(name) as queue,
    ):
        queue.put({"number": 7})
        message = queue.get(timeout=10)
        message.ack()
    assert message.payload == {"number": 7}
    assert len(caplog.messages) == 1
