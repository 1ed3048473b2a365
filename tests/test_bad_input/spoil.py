"""Ways to spoil a file."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image


def remove(path: str) -> None:
    Path(path).unlink()


def write(path: str, text: str) -> None:
    Path(path).write_text(text)


def truncate(path: str, share: float = 0.5) -> None:
    """Keep the first part, as a broken download does."""
    content = Path(path).read_bytes()
    Path(path).write_bytes(content[: int(len(content) * share)])


def replace(path: str, old: str, new: str) -> None:
    text = Path(path).read_text()
    assert old in text
    Path(path).write_text(text.replace(old, new))


def picture(path: str, size: tuple[int, int] = (64, 96), value: Any = 0) -> None:
    """A picture of one value: uint16 for a number over 255, else uint8."""
    kind = np.uint16 if np.max(value) > 255 else np.uint8
    shape = size + np.shape(value)
    Image.fromarray(np.broadcast_to(np.array(value, kind), shape).copy()).save(path)


def change_json(path: str, change: Callable[[dict], object]) -> None:
    content = json.loads(Path(path).read_text())
    change(content)
    Path(path).write_text(json.dumps(content))
