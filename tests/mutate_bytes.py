"""Damage that any file can take."""

import random


def truncated(dice: random.Random, content: bytes) -> bytes:
    """Cut off anywhere, sometimes within the first bytes."""
    longest = 64 if dice.random() < 0.1 else len(content)
    return content[: dice.randrange(longest)]


def flipped(dice: random.Random, content: bytes) -> bytes:
    """One to a thousand bits are the other way round."""
    damaged = bytearray(content)
    for _ in range(int(10 ** dice.uniform(0, 3))):
        damaged[dice.randrange(len(damaged))] ^= 1 << dice.randrange(8)
    return bytes(damaged)


def spliced(dice: random.Random, content: bytes) -> bytes:
    """Blocks are doubled, moved, zeroed, filled with noise or left out."""
    for _ in range(dice.randint(1, 8)):
        start = dice.randrange(len(content) + 1)
        end = min(len(content), start + int(10 ** dice.uniform(0, 4)))
        block, at = content[start:end], dice.randrange(len(content) + 1)
        new = dice.choice((b"", block * 2, bytes(len(block)), dice.randbytes(len(block))))
        content = content[:start] + new + content[end:]
        if dice.random() < 0.5:
            content = content[:at] + block + content[at:]
    return content
