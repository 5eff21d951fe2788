"""What every end-to-end test may ask for."""
import signal
from contextlib import ExitStack

import pytest

from harness import catalogue, gate as gates, network, routes
from harness.authorization_server import AuthorizationServer
from harness.certificates import Authority
from harness.fleet import Fleet
from harness.gate import Gate
from harness.oauth_lab import local_redis
from harness.processes import discard, room
from harness.provider import Provider


def pytest_configure():
    if not gates.PROGRAM:
        pytest.exit("SALLYPORT must name the program to test", returncode=2)
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport():
    report = (yield).get_result()
    if report.failed:
        for gate in Gate.live:
            text = gate.errors()[-6000:].decode(errors="replace")
            report.sections.append((f"stderr of the gate in {gate.directory}", text))


@pytest.fixture(scope="session")
def authority():
    directory = room("authority")
    yield Authority(directory)
    discard(directory)


@pytest.fixture(scope="session")
def certificate(authority):
    return authority.issue("server")


@pytest.fixture(scope="module")
def lab_provider(certificate):
    provider = routes.laboratory(Provider(certificate, early=("^/lab/early",)))
    yield provider
    provider.stop()


@pytest.fixture(scope="module")
def make_gate():
    """Starts gates; at the end each must stop cleanly, prove its trail and have leaked nothing."""
    made = []

    def make(providers, like=None, **options):
        """`like`: another gate of its fleet, whose keys it gets."""
        if like:
            options["planted"] = like.planted
        gate = Gate(providers, **options)
        made.append(gate)
        if like:
            gate.share_keys(like)
        return gate.start()

    yield make
    faults = []
    for gate in made:
        try:
            gate.assert_no_leaks()
            if gate in Gate.live:
                gate.stop()
                gate.verify()
                gate.assert_no_leaks()
        except AssertionError as error:
            faults.append(error)
        finally:
            gate.discard()
    if faults:
        raise faults[0]


class Laboratory:
    """A gate with the laboratory behind it as provider `bench`, whose paths all begin with /lab;
    one connection, and one run that may do everything."""

    def __init__(self, make_gate, provider, authority, settings=None, environment=None,
                 preparation=None, **more):
        self.provider = provider
        self.gate = make_gate([catalogue.laboratory(provider.url, authority, "bench", **more)],
                              settings=settings, environment=environment,
                              preparation=preparation)
        self.secret = self.gate.planted.plant("credential of the bench")
        provider.authorization = f"Bearer {self.secret}"
        self.connection = self.gate.connect("bench", self.secret)
        self.token = self.gate.run_token("everything", self.connection,
                                         more=("--access", "destructive"))

    def call(self, method, path, headers=(), body=None):
        return self.gate.call(method, "/bench/lab" + path, self.token, headers, body)

    def head(self, start, *lines, host=True):
        """A request's head as bytes, with the run token."""
        fields = [*(["Host: gate"] if host else []), f"Authorization: Bearer {self.token}", *lines]
        return ("\r\n".join([start, *fields]) + "\r\n\r\n").encode("latin-1")


@pytest.fixture(scope="module")
def lab(make_gate, lab_provider, authority):
    return Laboratory(make_gate, lab_provider, authority)


@pytest.fixture(scope="module")
def make_lab(make_gate, authority):
    return lambda provider, **options: Laboratory(make_gate, provider, authority, **options)


@pytest.fixture(scope="module")
def fleet(authority):
    """Three gates, each on a machine of its own; at the end as in make_gate."""
    yield from fleet_of(authority, 3)


@pytest.fixture(scope="module")
def watched_fleet(authority):
    """Two gates that find their Redis by asking Sentinel."""
    yield from fleet_of(authority, 2, watched=True)


def fleet_of(authority, size, **options):
    if reason := network.missing():
        pytest.skip(reason)
    made = Fleet(authority, size, **options)
    yield made
    made.close()


@pytest.fixture(scope="session")
def authorization_server(authority, certificate):
    server = AuthorizationServer(authority, certificate)
    yield server
    server.stop()


@pytest.fixture
def server(authorization_server):
    """The authorisation server, counting from nothing; whatever a test did to its front and its
    knobs is undone."""
    authorization_server.front.reset()
    yield authorization_server
    authorization_server.front.reset()
    authorization_server.set(access_ttl=3600, code_ttl=60)


@pytest.fixture(scope="module")
def redis():
    made = local_redis()
    yield made
    made.discard()


@pytest.fixture
def stack():
    """What a test begins is ended with it, last first."""
    with ExitStack() as entered:
        yield entered
