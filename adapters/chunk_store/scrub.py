"""Packs read through: every frame decoded, every chunk hashed again, and what is wrong said, not raised."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field

from adapters.chunk_store.chunks import digest_of
from adapters.chunk_store.frames import BadFrame, decode
from adapters.chunk_store.packs import pack_key, read_directory
from adapters.chunk_store.reader import WINDOW
from adapters.object_store.protocol import ObjectMissing, ObjectStore, Range, StoreDamaged
from domain.contents.queries import Place
from domain.verifications.specs import Damage, DamageKind

Bases = Callable[[Collection[bytes]], dict[bytes, bytes]]


@dataclass
class Scrubbed:
    """What was read of a pack, and what was wrong with it."""

    chunks: int = 0
    bytes: int = 0
    found: list[Damage] = field(default_factory=list)


def scrub_pack(store: ObjectStore, pack_id: str, size: int, places: Sequence[Place], bases: Bases) -> Scrubbed:
    """Read these chunks of the pack. Raises only what a store that is away raises.

    `bases` gives verified chunks that differences are from; it raises `StoreDamaged` or `ObjectMissing`.
    """
    result = Scrubbed()
    key = pack_key(pack_id)
    try:
        found = store.info(key).size
    except ObjectMissing:
        result.found.append(_damage(DamageKind.PACK_MISSING, f"{key} is not in the store.", pack_id, places))
        return result
    if found != size:
        detail = f"{key} has {found} bytes instead of {size}."
        result.found.append(_damage(DamageKind.PACK_TRUNCATED, detail, pack_id, ()))
    try:
        with store.open(key) as file:
            for _ in read_directory(file):
                pass
    except BadFrame as error:
        detail = f"The directory of {key} is damaged: {error}. Chunks are found without it."
        result.found.append(_damage(DamageKind.DIRECTORY_DAMAGED, detail, pack_id, ()))
    for some in _bunches(places):
        _scrub(store, key, some, bases, result)
    return result


def _scrub(store: ObjectStore, key: str, frames: list[list[Place]], bases: Bases, result: Scrubbed) -> None:
    found = _bases_of(frames, bases)
    for frame, data in zip(frames, _stored(store, key, frames), strict=True):
        place = frame[0]
        result.chunks += len(frame)
        where = f"{key} at byte {place.offset}"
        if data is None:
            detail = f"{where} ends before its {place.stored} bytes do."
            result.found.append(_damage(DamageKind.CHUNK_DAMAGED, detail, place.pack_id, frame))
            continue
        result.bytes += len(data)
        base = found.get(place.base) if place.base is not None else None
        if isinstance(base, str):
            detail = f"{where} is a difference from a chunk that is damaged: {base}"
            result.found.append(_damage(DamageKind.CHUNK_DAMAGED, detail, place.pack_id, frame))
            continue
        try:
            whole = decode(data, place.encoding, base)
        except BadFrame as error:
            result.found.append(
                _damage(DamageKind.CHUNK_DAMAGED, f"{where} cannot be decoded: {error}.", place.pack_id, frame)
            )
            continue
        bad = [one for one in frame if digest_of(whole[one.skip : one.skip + one.size]) != one.digest]
        if bad:
            detail = f"{where} has other bytes than were stored."
            result.found.append(_damage(DamageKind.CHUNK_DAMAGED, detail, place.pack_id, bad))


def _stored(store: ObjectStore, key: str, frames: list[list[Place]]) -> list[bytes | None]:
    """The bytes of these frames; None for one that the pack is too short for."""
    ranges = [(key, frame[0].offset, frame[0].stored) for frame in frames]
    try:
        return list(store.get_ranges(ranges))
    except StoreDamaged:
        return [_one(store, each) for each in ranges]


def _one(store: ObjectStore, wanted: Range) -> bytes | None:
    try:
        return store.get_range(*wanted)
    except StoreDamaged:
        return None


def _bases_of(frames: list[list[Place]], bases: Bases) -> dict[bytes, bytes | str]:
    """The bases of these frames; instead of a damaged one, what is wrong with it."""
    wanted = {frame[0].base for frame in frames if frame[0].base is not None}
    found: dict[bytes, bytes | str] = {}
    if wanted:
        try:
            found.update(bases(wanted))
        except (StoreDamaged, ObjectMissing):
            for one in wanted:
                try:
                    found.update(bases([one]))
                except (StoreDamaged, ObjectMissing) as error:
                    found[one] = error.message
    return found


def _bunches(places: Sequence[Place]) -> Iterator[list[list[Place]]]:
    """Frames in the order in which they lie, as many at once as are read at once."""
    frames: dict[int, list[Place]] = defaultdict(list)
    for place in places:
        frames[place.offset].append(place)
    bunch: list[list[Place]] = []
    size = 0
    for _, frame in sorted(frames.items()):
        if bunch and size + frame[0].stored > WINDOW:
            yield bunch
            bunch, size = [], 0
        bunch.append(frame)
        size += frame[0].stored
    if bunch:
        yield bunch


def _damage(kind: DamageKind, detail: str, pack_id: str, places: Sequence[Place]) -> Damage:
    return Damage(kind=kind, detail=detail, pack_id=pack_id, chunks=[place.digest.hex() for place in places])
