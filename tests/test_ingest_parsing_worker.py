"""The parsing process by itself."""

import subprocess
import sys
from pathlib import Path

import pytest

from ingest.parsing_messages import OUT_OF_MEMORY
from tests.corpora import page, write

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


BARE = """
import signal, sys
for name in ("fcntl", "resource"):
    sys.modules[name] = None
for name in ("setitimer", "SIGHUP", "SIGPROF", "SIGALRM"):
    delattr(signal, name)
{code}
"""
SERVES = """
import io, os, pickle
from ingest import parsing_worker as worker
from ingest.parsing_messages import Order, ParseLimits, Start
said = [["."], Start(os.getppid(), ParseLimits()), Order({place!r}, "a.md")]
sys.stdin = type("Orders", (), {{"buffer": io.BytesIO(b"".join(map(pickle.dumps, said[1:])))}})
worker.main()
"""
STARTS = """
from ingest.parsing import Parser
from ingest.parsing_messages import Order, ParseLimits
with Parser(ParseLimits()) as parser:
    for _, items in parser.read([(0, Order({place!r}, "a.md"))]):
        print([item.path for item in items])
"""


@pytest.mark.parametrize(("code", "told"), [(SERVES, b"About ant"), (STARTS, b"['a.md']")])
def test_a_system_without_limits_and_their_signals_reads_all_the_same(
    tmp_path: Path, code: str, told: bytes
) -> None:
    write(tmp_path, {"a.md": page("ant")})
    bare = BARE.format(code=code.format(place=str(tmp_path / "a.md")))
    done = subprocess.run([sys.executable, "-c", bare], capture_output=True, check=True)
    assert told in done.stdout
