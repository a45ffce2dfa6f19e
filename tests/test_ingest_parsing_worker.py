import subprocess
import sys

import pytest

from ingest.parsing_messages import OUT_OF_MEMORY

TAKES = """
import sys, time
from ingest.parsing_worker import hold_memory
hold_memory(64, by_limit={by_limit})
try:
    taken = bytearray({megabytes} << 20)
    time.sleep(1)
except MemoryError:
    sys.exit({status})
"""


@pytest.mark.parametrize("by_limit", [True, False])
@pytest.mark.parametrize(("megabytes", "status"), [(16, 0), (256, OUT_OF_MEMORY)])
def test_memory_is_held_by_a_limit_or_by_a_watch(
    by_limit: bool, megabytes: int, status: int
) -> None:
    code = TAKES.format(by_limit=by_limit, megabytes=megabytes, status=OUT_OF_MEMORY)
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == status
