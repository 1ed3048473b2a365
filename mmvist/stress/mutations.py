"""Good files made bad, as a slip of the hand, a broken download or malice does it."""

from __future__ import annotations

import copy
import json
import random
import string
import struct
import zlib
from collections.abc import Callable
from typing import Any

OUTSIDE = (
    *('../secret.png', '../../secret.png', '../../../secret.png'),
    *('/etc/passwd', '..', '/'),
)
"""Names that lead out of a data folder."""
JUNK: tuple[Any, ...] = (
    *(None, True, -1, 0, 1, 2**31, 2**63, 10**12, -(10**12), 0.5, 1e308),
    *(float('nan'), float('inf'), '', ' ', 'x', '1', '\x00', 'ä' * 300, [], {}, [[]]),
    *([1, -5, 3], [None], {'size': [10**6, 10**6], 'counts': 'x'}, [1e400]),
    *OUTSIDE,
)


def mutate_json(text: str, rng: random.Random) -> str:
    """Change a json: mostly one to three values, sometimes its text."""
    if rng.random() < 0.15:
        return mutate_bytes(text.encode(), rng).decode('utf-8', 'replace')
    content = json.loads(text)
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        content = _mutate_value(content, rng)
    return json.dumps(content)


def _mutate_value(value: Any, rng: random.Random) -> Any:
    """The value with one change somewhere in it."""
    inner = isinstance(value, (dict, list)) and len(value) > 0
    if not inner or rng.random() < 0.03:
        return _spoilt(value, rng)
    keys = list(value) if isinstance(value, dict) else list(range(len(value)))
    key = rng.choice(keys)
    choice = rng.random()
    if choice < 0.06:
        del value[key]
    elif choice < 0.09 and isinstance(value, list):
        value.insert(key, copy.deepcopy(rng.choice(value)))
    elif choice < 0.11 and isinstance(value, dict):
        value[rng.choice(keys)], value[key] = (
            value[key],
            copy.deepcopy(value[rng.choice(keys)]),
        )
    else:
        value[key] = _mutate_value(value[key], rng)
    return value


def _spoilt(value: Any, rng: random.Random) -> Any:
    if isinstance(value, str) and rng.random() < 0.5:
        return _spoilt_text(value, rng)
    if isinstance(value, (int, float)) and rng.random() < 0.3:
        return rng.choice((-value, value + 1, value * 1000, str(value), [value]))
    return copy.deepcopy(rng.choice(JUNK))


def _spoilt_text(text: str, rng: random.Random) -> str:
    """Such as a run-length code with other characters."""
    if not text:
        return rng.choice(OUTSIDE)
    place = rng.randrange(len(text))
    other = rng.choice(string.printable)
    return rng.choice(
        (text[:place], text[:place] + other + text[place + 1 :], text * 3, text[::-1])
    )


def mutate_lines(text: str, rng: random.Random) -> str:
    """Change a table of words, such as a MOTS txt."""
    if rng.random() < 0.15:
        return mutate_bytes(text.encode(), rng).decode('utf-8', 'replace')
    lines = [line.split() for line in text.splitlines()]
    for _ in range(rng.choice((1, 1, 2, 5))):
        line = rng.choice(lines)
        choice = rng.random()
        if not line or choice < 0.1:
            lines.append(list(line))
        elif choice < 0.2:
            del line[rng.randrange(len(line))]
        else:
            place = rng.randrange(len(line))
            word = _spoilt_text(line[place], rng)
            line[place] = rng.choice((word, str(rng.choice(JUNK)), '-' + line[place]))
    return '\n'.join(' '.join(line) for line in lines) + '\n'


def mutate_bytes(content: bytes, rng: random.Random) -> bytes:
    """Cut it, turn some bytes, put others in, or leave nothing."""
    choice, place = rng.random(), rng.randrange(max(len(content), 1))
    if choice < 0.3:
        return content[:place]
    if choice < 0.35:
        return b''
    if choice < 0.7:
        found = bytearray(content)
        for _ in range(rng.choice((1, 1, 10, 100))):
            found[rng.randrange(len(found))] = rng.randrange(256)
        return bytes(found)
    return content[:place] + rng.randbytes(rng.choice((1, 50))) + content[place:]


def mutate_png(content: bytes, rng: random.Random) -> bytes:
    """Bytes as above, or a header that promises another picture."""
    if rng.random() < 0.6 or not content.startswith(b'\x89PNG'):
        return mutate_bytes(content, rng)
    size = rng.choice(((1, 1), (0, 0), (96, 63), (30_000, 30_000), (2**31 - 1, 1)))
    depth, colour = rng.choice(((16, 0), (8, 0), (8, 2), (1, 0), (8, 3)))
    header = b'IHDR' + struct.pack('>IIBBBBB', *size, depth, colour, 0, 0, 0)
    return content[:12] + header + struct.pack('>I', zlib.crc32(header)) + content[33:]


MUTATIONS: dict[str, Callable] = {
    '.json': mutate_json,
    '.txt': mutate_lines,
    '.png': mutate_png,
    '.jpg': mutate_bytes,
}
"""By the ending of a file; of text for the first two, of bytes for the last."""
