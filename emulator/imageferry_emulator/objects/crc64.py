"""CRC-64 as OSS reports it in `x-oss-hash-crc64ecma`: the ECMA-182 polynomial, reflected, all bits inverted before and after.

The same sum is known as CRC-64/XZ. Large pieces are folded as integers, so that no line of Python runs per byte.
"""

from __future__ import annotations

_POLYNOMIAL = 0xC96C5795D7870F42
"""ECMA-182, bits reversed: bit i stands for x^(63-i)."""

_ONES = (1 << 64) - 1

# Modulo the polynomial, x^_DEGREE equals the sum of x^e for these 17 exponents; found by trying every degree up to 4096 for
# the one that leaves the fewest terms. Over GF(2) squaring a sum squares its terms, so the same holds with every exponent
# multiplied by any power of two: one relation shortens a message of any length.
_DEGREE = 2838
_TERMS = (0, 3, 6, 14, 16, 20, 21, 22, 26, 30, 44, 47, 50, 52, 57, 59, 63)

_PIECE = 1 << 19  # what stays in a processor cache while it is folded
_SHORT = 512  # octets; below this the table alone is faster


def _table() -> tuple[int, ...]:
    table = []
    for byte in range(256):
        remainder = byte
        for _ in range(8):
            remainder = (remainder >> 1) ^ (_POLYNOMIAL if remainder & 1 else 0)
        table.append(remainder)
    return tuple(table)


_TABLE = _table()


def crc64(data: bytes | memoryview, start: int = 0) -> int:
    """The sum of `data`; `start` is the sum of what came before it, 0 for a beginning."""
    view = memoryview(data)
    state = start ^ _ONES
    for offset in range(0, len(view), _PIECE):
        state = _advance(state, view[offset : offset + _PIECE])
    return state ^ _ONES


def _advance(state: int, piece: memoryview) -> int:
    if len(piece) < _SHORT:
        return _by_byte(state, piece)
    message, bits = _fold(int.from_bytes(piece, "little") ^ state, 8 * len(piece))
    octets = -(-bits // 8)
    # Zero bits in front of a message change nothing when the register starts at zero.
    return _by_byte(0, (message << (8 * octets - bits)).to_bytes(octets, "little"))


def _fold(message: int, bits: int) -> tuple[int, int]:
    """A message with the same remainder that is short, and its length. Bit i of n stands for x^(n-1-i): low bits go."""
    while (size := 2 * bits // (3 * _DEGREE)) > 0:
        power = size.bit_length() - 1
        head_bits = min(bits - (_DEGREE << power), (_DEGREE - _TERMS[-1]) << power)
        head = message & ((1 << head_bits) - 1)
        for term in _TERMS:
            message ^= head << ((_DEGREE - term) << power)
        message >>= head_bits
        bits -= head_bits
    return message, bits


def _by_byte(state: int, octets: bytes | memoryview) -> int:
    for octet in octets:
        state = (state >> 8) ^ _TABLE[(state ^ octet) & 0xFF]
    return state


def joined(first: int, second: int, second_octets: int) -> int:
    """The sum of two messages one behind the other, from the sums of both and the length of the second."""
    # A zero octet behind a message is a linear map of the register; 2**n of them are its n-fold square. What inverting the
    # register before and after adds is the same for both messages and cancels out.
    rows = tuple(_TABLE[1 << bit] if bit < 8 else 1 << (bit - 8) for bit in range(64))  # noqa: PLR2004 (bits of an octet)
    while second_octets:
        if second_octets & 1:
            first = _apply(rows, first)
        rows = tuple(_apply(rows, row) for row in rows)
        second_octets >>= 1
    return first ^ second


def _apply(rows: tuple[int, ...], vector: int) -> int:
    image, bit = 0, 0
    while vector:
        if vector & 1:
            image ^= rows[bit]
        vector >>= 1
        bit += 1
    return image
