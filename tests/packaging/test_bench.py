"""The benchmarks' server responds like the service and S3, so that the library accepts it."""

import pytest

import attach_confirm
from bench._measure import measure_ratios
from bench._server import attachment_id
from bench._transfer import TOKEN, run_endpoints


@pytest.fixture(scope="module")
def endpoints():
    """Run the servers of `upload` and `download`."""
    with run_endpoints() as running:
        yield {endpoint.scheme: endpoint for endpoint in running}


@pytest.fixture(params=["HTTP", "HTTPS"])
def client(endpoints, request):
    client = endpoints[request.param].create_client()
    yield client
    client.close()


def test_server_accepts_upload(client, tmp_path):
    path = tmp_path / "large.pdf"
    path.write_bytes(bytes(1_000_000))
    result = attach_confirm.upload(client, path, TOKEN)
    assert (result.size, result.put_attempts, result.attempts) == (1_000_000, 1, 1)


def test_server_sends_100_continue(client, monkeypatch):
    """Otherwise each upload would wait for a second."""
    monkeypatch.setattr("attach_confirm._transport._CONTINUE_TIMEOUT", 1000.0)
    assert attach_confirm.upload(client, b"1", TOKEN, name="a.txt").put_attempts == 1


def test_server_sends_attachment(client, tmp_path):
    path = tmp_path / "received.pdf"
    result = attach_confirm.download(client, attachment_id(1_000_000), TOKEN, path)
    assert (result.attempts, path.read_bytes()) == (1, bytes(1_000_000))


def test_ratio_does_not_depend_on_the_order(monkeypatch):
    """Rounds alternate the order, and each ratio divides the subject by the baseline."""
    seconds = [0.0]
    calls = []

    def take(name, duration):
        calls.append(name)
        seconds[0] += duration

    monkeypatch.setattr("bench._measure.time.perf_counter", lambda: seconds[0])
    ratios = measure_ratios(lambda: take("s", 3.0), lambda: take("b", 2.0), 2)
    assert "".join(calls) == "sb" + "sbbs" + "bssb"
    assert [round(ratio, 6) for ratio in ratios] == [1.5, 1.5]
