"""One colour an identity, told apart also by colour-blind eyes."""

from __future__ import annotations

# Okabe and Ito's set without black, brightest contrasts first
_BASE = (
    (230, 159, 0),
    (86, 180, 233),
    (0, 158, 115),
    (213, 94, 0),
    (240, 228, 66),
    (0, 114, 178),
    (204, 121, 167),
)
# later rounds of the set: towards white, then towards black
_ROUNDS = ((255, 0.0), (255, 0.5), (0, 0.4))

Color = tuple[int, int, int]


def identity_color(identity: int) -> Color:
    """Colour of an identity, BGR, always the same one.

    The first 21 identities have colours of their own, then they repeat; seven
    identities in a row differ for every kind of colour blindness.

    Examples:
        >>> identity_color(1)
        (0, 159, 230)
        >>> identity_color(1) == identity_color(22)
        True
    """
    turn, place = divmod(int(identity) - 1, len(_BASE))
    goal, share = _ROUNDS[turn % len(_ROUNDS)]
    red, green, blue = (round(value + (goal - value) * share) for value in _BASE[place])
    return blue, green, red


def text_color(background: Color) -> Color:
    """Black or white, whichever reads better on a BGR colour."""
    blue, green, red = background
    luminance = 0.114 * blue + 0.587 * green + 0.299 * red
    return (0, 0, 0) if luminance > 100 else (255, 255, 255)
