"""The README's chapters on the first two partners, pasted line by line into a shell."""

import re
import subprocess
from pathlib import Path

import pytest

from tests.hub import free_port, served

README = Path(__file__).parents[2] / "README.md"
BLOCK = re.compile(r"<!-- readme-test: run -->\n```sh\n(.*?)```", re.DOTALL)


@pytest.mark.timeout(120)
async def test_what_the_readme_says_works_when_pasted(
    database_url: str, data_dir: Path, tmp_path: Path
) -> None:
    text = README.read_text(encoding="utf-8")
    port, operator, provider = free_port(), free_port(), free_port()
    key = re.search(r"BOOTSTRAP_KEY=(\S+)", text)
    assert key is not None
    script = "set -eu\n" + "\necho\n".join(BLOCK.findall(text))
    script = (
        script.replace(":8080", f":{port}")
        .replace("9090", str(operator))
        .replace("9091", str(provider))
    )
    told = {"ADMIN__BOOTSTRAP_KEY": key[1], "SERVER__LISTEN": f"127.0.0.1:{port}"}
    async with served(data_dir, database_url, **told):
        done = subprocess.run(  # noqa: ASYNC221, S603 - the hub is another process; our own text
            ["/bin/bash", "-c", script],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert done.returncode == 0, done.stdout + done.stderr
    (tmp_path / "output.txt").write_text(done.stdout)
    answers = [line for line in done.stdout.splitlines() if line.startswith("{")]
    assert '"registration":{"token":' in answers[0]
    assert '"version":"2.2.1"' in answers[1]
    assert '"status_code":1000' in answers[2]
    assert '"quality":"LIVE"' in done.stdout
    assert '"available":1' in done.stdout
    assert '["CCS2",150,0,1,0,0]' in stream_of(done.stdout, "station")
    assert '"status":"CONNECTED"' in done.stdout
    assert "TR-075: X-Request-ID missing" in done.stdout
    assert "PUT /sessions/DE/VWK/S1 from DE-VWK" in done.stdout
    assert "PATCH /sessions/DE/VWK/S1 from DE-VWK" in done.stdout
    assert f"ocation: http://127.0.0.1:{port}/ocpi/2.2.1/receiver/cdrs" in done.stdout
    assert '"id": "CDR1"' in done.stdout
    assert '"status_code":4001' in answers[-1]


def stream_of(text: str, event: str) -> str:
    return "\n".join(re.findall(rf"event: {event}\ndata: (.*)", text))
