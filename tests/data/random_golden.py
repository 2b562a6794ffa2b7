#!/usr/bin/env python3
"""Computes the constants of random_test.cpp and gather_test.cpp from the algorithm's description.

Philox4x32-10: J. Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011. Pure Python
integers, written apart from src/core/rng.h.
"""
MASK = 0xFFFFFFFF
ORDER, AUGMENT = 1, 2


def philox(counter, key):
    c, k = list(counter), list(key)
    for _ in range(10):
        high0, low0 = divmod(0xD2511F53 * c[0], 1 << 32)
        high1, low1 = divmod(0xCD9E8D57 * c[2], 1 << 32)
        c = [high1 ^ c[1] ^ k[0], low1, high0 ^ c[3] ^ k[1], low0]
        k = [(k[0] + 0x9E3779B9) & MASK, (k[1] + 0xBB67AE85) & MASK]
    return c


def words(seed, use, epoch, index):
    return philox((index & MASK, index >> 32, epoch, use), (seed & MASK, seed >> 32))


def order(seed, epoch, n):
    result = list(range(n))
    for i in range(n, 1, -1):
        w = words(seed, ORDER, epoch, i - 1)
        j = ((w[0] | w[1] << 32) * i) >> 64
        result[i - 1], result[j] = result[j], result[i - 1]
    return result


def placement(seed, epoch, sample, pad, cutout, height, width):
    w = words(seed, AUGMENT, epoch, sample)
    shift = [(x * (2 * pad + 1) >> 32) - pad for x in w[:2]]
    top, left = (w[2] * height >> 32) - cutout // 2, (w[3] * width >> 32) - cutout // 2
    return shift, w[3] & 1, (top, left)


if __name__ == "__main__":
    hexadecimal = lambda values: " ".join(f"{v:08x}" for v in values)
    print("words(7, augment, 3, 12345)", hexadecimal(words(7, AUGMENT, 3, 12345)))
    large = words(0x0123456789ABCDEF, ORDER, 0xFFFFFFFF, 0x1122334455667788)
    print("words(large)", hexadecimal(large))
    print("bounded64", (0xFEDCBA9876543210 * 0x123456789ABCDEF) >> 64)
    print("order(0, 0, 10)", order(0, 0, 10))
    print("order(7, 3, 10)", order(7, 3, 10))
    last = order(2**63 + 5, 2, 60000)
    print("order(2^63 + 5, 2, 60000)", last[:4], last[-4:])
    for sample in range(4):
        print("placement(7, 3, sample)", sample, placement(7, 3, sample, 4, 8, 32, 28))
