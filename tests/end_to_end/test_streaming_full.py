"""Five gibibytes each way, on the binary that is shipped."""
import pytest
from harness import flow

SIZE = 5 << 30
GROWTH = 32 << 20


@pytest.mark.parametrize("chunked", [False, True], ids=["length", "chunks"])
def test_five_gibibytes_up(lab, chunked):
    with flow.Peak(lab.gate.process) as peak:
        answer, digest = flow.upload(lab.gate, "/bench/lab/upload", lab.token, SIZE, chunked)
    assert answer.json() == {"bytes": SIZE, "sha256": digest}
    assert peak.growth < GROWTH, f"{peak.growth >> 20} MiB"


@pytest.mark.parametrize("path", ["download", "download-chunked"])
def test_five_gibibytes_down(lab, path):
    with flow.Peak(lab.gate.process) as peak:
        answer, size, digest = flow.download(lab.gate, f"/bench/lab/{path}?bytes={SIZE}", lab.token)
    assert (answer.complete, size, digest) == (True, SIZE, flow.digest_of(SIZE))
    assert peak.growth < GROWTH, f"{peak.growth >> 20} MiB"
