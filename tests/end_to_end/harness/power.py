"""Power cuts. A gate's trail stands on a disk that is described by what unsynced.c put down: which
bytes, names and sizes were promised by a sync and which were not yet. A cut at any moment leaves
all of the first and, of the others, whatever a file system may have got around to: nothing, all,
what came first, or any 4 KiB pages and any names of it."""
import os
import shutil
import struct
from dataclasses import dataclass, field
from pathlib import Path

from .processes import run

PAGE = 4096
RECORD = struct.Struct("<QIIQQ")
OPENED, WROTE, TRUNCATED, SYNC_BEGUN, SYNC_DONE, UNLINKED, RENAMED = range(1, 8)
CREATED, EMPTIED = 1, 2
WAYS = ("nothing", "everything", "first", "pages")
SYNC_MICROSECONDS = 500
NO_LINK_ORDER = "verify_asan_link_order=0"  # AddressSanitizer asks to be loaded before all others.


def build(directory):
    """The library to preload, compiled where it is used."""
    library = Path(directory) / "unsynced.so"
    done = run(["cc", "-std=c11", "-O1", "-Wall", "-Werror", "-shared", "-fPIC", "-o", library,
                Path(__file__).with_name("unsynced.c")])
    assert done.returncode == 0, done.stderr.decode()
    return library


def environment(library, trail, journal):
    options = [os.environ.get("ASAN_OPTIONS"), NO_LINK_ORDER]
    return {"LD_PRELOAD": str(library), "UNSYNCED_DIRECTORY": str(trail),
            "UNSYNCED_JOURNAL": str(journal), "UNSYNCED_MICROSECONDS": str(SYNC_MICROSECONDS),
            "ASAN_OPTIONS": ":".join(filter(None, options))}


@dataclass
class Record:
    moment: float  # time.monotonic()
    kind: int
    handle: tuple  # (run, of one open()); the directory's is known to nobody
    number: int
    content: bytes


def records(journal, run=0):
    """Every whole record: a kill may have cut off the last. `run` keeps those of one process apart
    from those of another that went on in its directory."""
    data = memoryview(Path(journal).read_bytes())
    at = 0
    while at + RECORD.size <= len(data):
        nanoseconds, kind, handle, number, size = RECORD.unpack_from(data, at)
        at += RECORD.size
        if at + size > len(data):
            return
        content = bytes(data[at:at + size])
        yield Record(nanoseconds / 1e9, kind, (run, handle), number, content)
        at += size


def changed(content, change):
    """`content` with a write (offset, bytes) or a truncation (size, None) done to it, in place."""
    place, data = change
    size = place if data is None else max(len(content), place + len(data))
    content[size:] = b""
    content.extend(bytes(size - len(content)))
    if data is not None:
        content[place:place + len(data)] = data


@dataclass
class File:
    durable: bytearray = field(default_factory=bytearray)
    pending: list = field(default_factory=list)  # changes since, in order
    synced: int = 0  # changes that are in `durable`

    def sync(self, count):
        """All but the changes after the first `count` of this file's life are promised."""
        done = self.pending[:max(0, count - self.synced)]
        for change in done:
            changed(self.durable, change)
        self.synced += len(done)
        del self.pending[:len(done)]

    def content(self, count=None):
        found = bytearray(self.durable)
        for change in self.pending[:count]:
            changed(found, change)
        return bytes(found)

    def torn(self, chance):
        """Each page and the size as any of the changes left it that were not promised."""
        sizes = [len(self.durable)]
        touching = {}  # changes, by page
        for place, data in self.pending:
            end = place if data is None else place + len(data)
            touched = (place, sizes[-1]) if data is None else (min(place, sizes[-1]), end)
            for page in range(touched[0] // PAGE, -(-touched[1] // PAGE)):
                touching.setdefault(page, []).append((place, data))
            sizes.append(place if data is None else max(sizes[-1], end))
        size = chance.choice(sizes)
        found = bytearray(self.durable)
        found.extend(bytes(max(0, max(sizes) - len(found))))
        for page, changes in touching.items():
            for place, data in changes[:chance.randint(0, len(changes))]:
                begin, end = page * PAGE, min((page + 1) * PAGE, len(found))
                if data is None:
                    begin = max(begin, place)
                    found[begin:end] = bytes(max(0, end - begin))
                else:
                    begin, end = max(begin, place), min(end, place + len(data))
                    found[begin:end] = data[begin - place:end - place]
        return bytes(found[:size])


class Disk:
    """What one directory holds, and what of it is promised. Begins with `content`, by name."""

    def __init__(self, content):
        self.promised = {name: File(bytearray(data)) for name, data in content.items()}
        self.names = dict(self.promised)
        self.pending = []  # changes of names since, in order: (old, new, file)
        self.synced = 0
        self.handles = {}
        self.syncs = {}

    def replay(self, journal):
        for record in journal:
            self.take(record)
        return self

    def take(self, record):
        name = record.content.decode() if record.kind in (OPENED, UNLINKED, RENAMED) else None
        file = self.handles.get(record.handle)
        if record.kind == OPENED:
            if record.number & CREATED:
                self.rename(None, name, File())
            self.handles[record.handle] = file = self.names[name]
            if record.number & EMPTIED:
                file.pending.append((0, None))
        elif record.kind == WROTE:
            file.pending.append((record.number, record.content))
        elif record.kind == TRUNCATED:
            file.pending.append((record.number, None))
        elif record.kind == UNLINKED:
            self.rename(name, None, None)
        elif record.kind == RENAMED:
            old, new = name.split("\n")
            self.rename(old, new, self.names[old])
        elif record.kind == SYNC_BEGUN:
            what = file or self
            self.syncs[record.handle[0], record.number] = what, what.synced + len(what.pending)
        elif record.kind == SYNC_DONE:
            what, count = self.syncs.pop((record.handle[0], record.number))
            what.sync(count)

    def rename(self, old, new, file):
        self.pending.append((old, new, file))
        self.move(self.names, old, new, file)

    @staticmethod
    def move(names, old, new, file):
        if old is not None:
            names.pop(old, None)
        if new is not None:
            names[new] = file

    def sync(self, count):
        done = self.pending[:max(0, count - self.synced)]
        for change in done:
            self.move(self.promised, *change)
        self.synced += len(done)
        del self.pending[:len(done)]

    def content(self):
        """As the process sees it."""
        return {name: file.content() for name, file in self.names.items()}

    def after_cut(self, way, chance):
        """What the next start finds."""
        names = dict(self.promised)
        count = {"nothing": 0, "first": chance.randint(0, len(self.pending))}.get(way)
        for change in self.pending[:count]:
            if way != "pages" or chance.random() < 0.5:
                self.move(names, *change)
        keep = {"nothing": lambda file: file.content(0),
                "everything": lambda file: file.content(),
                "first": lambda file: file.content(chance.randint(0, len(file.pending))),
                "pages": lambda file: file.torn(chance)}[way]
        return {name: keep(file) for name, file in names.items()}


def contents(directory):
    return {path.name: path.read_bytes() for path in Path(directory).iterdir() if path.is_file()}


def lay_out(directory, content):
    """Makes the directory hold exactly this."""
    shutil.rmtree(directory, ignore_errors=True)
    Path(directory).mkdir(mode=0o700)
    for name, data in content.items():
        path = Path(directory) / name
        path.write_bytes(data)
        path.chmod(0o600)
