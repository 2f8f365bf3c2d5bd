"""What a method must not read when it is run again on the same facts: it would decide something else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from eventcore_codegen.model import Outside

_CLOCK: Final = (
    "datetime.datetime.now",
    "datetime.datetime.today",
    "datetime.datetime.utcnow",
    "datetime.date.today",
    "time.time",
    "time.time_ns",
    "time.monotonic",
    "time.monotonic_ns",
    "time.perf_counter",
    "time.perf_counter_ns",
    "time.process_time",
    "time.process_time_ns",
    "time.thread_time",
    "time.thread_time_ns",
    "time.clock_gettime",
    "time.clock_gettime_ns",
    "arrow.now",
    "arrow.utcnow",
    "django.utils.timezone.localdate",
    "django.utils.timezone.localtime",
    "django.utils.timezone.now",
    "pendulum.now",
    "pendulum.today",
)
_RANDOM: Final = (
    "os.getrandom",
    "os.urandom",
    "random",
    "secrets",
    "uuid.getnode",
    "uuid.uuid1",
    "uuid.uuid4",
    "uuid.uuid6",
    "uuid.uuid7",
    "numpy.random.choice",
    "numpy.random.normal",
    "numpy.random.permutation",
    "numpy.random.rand",
    "numpy.random.randint",
    "numpy.random.randn",
    "numpy.random.random",
    "numpy.random.shuffle",
    "numpy.random.uniform",
)
_ENVIRONMENT: Final = (
    "os.environ",
    "os.environb",
    "os.getcwd",
    "os.getenv",
    "os.getenvb",
    "os.getlogin",
    "os.getpid",
    "platform.node",
    "socket.gethostname",
)
_OUTSIDE: Final = (
    "builtins.input",
    "builtins.open",
    "io.open",
    "os.system",
    "sqlite3.connect",
    "subprocess",
    "urllib.request.urlopen",
    "httpx.delete",
    "httpx.get",
    "httpx.patch",
    "httpx.post",
    "httpx.put",
    "httpx.request",
    "requests.delete",
    "requests.get",
    "requests.patch",
    "requests.post",
    "requests.put",
    "requests.request",
)
_BARE: Final[Mapping[str, str]] = {
    "time.ctime": "reads the clock",
    "time.gmtime": "reads the clock",
    "time.localtime": "reads the clock",
    "random.Random": "draws random numbers",
    "numpy.random.RandomState": "draws random numbers",
    "numpy.random.default_rng": "draws random numbers",
}
"""What asks the outside when it is called without arguments, and computes when it is given some."""

_PURE: Final = frozenset({"secrets.compare_digest", *_BARE})
_DEEDS: Final = {
    **dict.fromkeys(_CLOCK, "reads the clock"),
    **dict.fromkeys(_RANDOM, "draws random numbers"),
    **dict.fromkeys(_ENVIRONMENT, "reads the environment"),
    **dict.fromkeys(_OUTSIDE, "reaches out of the process"),
}


def deed(outside: Outside) -> str:
    """Return what using a library's name does that may come out otherwise the next time; an empty text for all that computes."""
    if outside.is_bare_call and outside.name in _BARE:
        return _BARE[outside.name]
    if outside.name in _PURE:
        return ""
    names = outside.name.split(".")
    # A module alone is no deed: only what is taken from it is.
    prefixes = (".".join(names[:length]) for length in range(len(names), 0, -1))
    found = next((prefix for prefix in prefixes if prefix in _DEEDS), "")
    return "" if found == outside.name and "." not in found else _DEEDS.get(found, "")
