#!/usr/bin/env python3
"""Computes the constants of random_test.cpp, mixup_test.cpp and gather_test.cpp from the algorithm's description.

Philox4x32-10: J. Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011. Pure Python
integers, written apart from src/core/rng.h.
"""
from math import cos, lgamma, log, exp, pi, sqrt

MASK = 0xFFFFFFFF
ORDER, AUGMENT, MIXUP, RESIZED_CROP, COLOUR, FLIP = 1, 2, 7, 8, 9, 10


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


def resized_crop(seed, epoch, sample, height, width, scale, ratio):
    """torchvision's RandomResizedCrop.get_params with 1024 steps of each draw: top, left, height, width."""
    for attempt in range(10):
        w = words(seed, RESIZED_CROP, epoch, 16 * sample + attempt)
        share, shape = (((x * 1024 >> 32) + 0.5) / 1024 for x in w[:2])
        area = height * width * (scale[0] + (scale[1] - scale[0]) * share)
        aspect = exp(log(ratio[0]) + (log(ratio[1]) - log(ratio[0])) * shape)
        box_width, box_height = round(sqrt(area * aspect)), round(sqrt(area / aspect))
        if 0 < box_width <= width and 0 < box_height <= height:
            top, left = w[2] * (height - box_height + 1) >> 32, w[3] * (width - box_width + 1) >> 32
            return top, left, box_height, box_width
    return None


def jitter(seed, epoch, sample, strengths):
    w = words(seed, COLOUR, epoch, sample)
    return [max(0, 1 - x) + (1 + x - max(0, 1 - x)) * ((v >> 8) / 2**24) for x, v in zip(strengths, w)]


def mixup(seed, epoch, sample, n, alpha):
    """Weight and partner."""
    w = words(seed, MIXUP, epoch, 2 * sample)
    u, v = (((w[0] | w[1] << 32) >> 11) + 1) / 2**53, ((w[2] | w[3] << 32) >> 11) / 2**53
    t = sqrt(2 * alpha * (u ** (-1 / alpha) - 1)) * cos(2 * pi * v)
    beta = (1 + t / sqrt(2 * alpha + t * t)) / 2
    other = words(seed, MIXUP, epoch, 2 * sample + 1)
    return max(beta, 1 - beta), (other[0] | other[1] << 32) * n >> 64


def beta_cdf(x, a, steps=20000):
    """Of Beta(a, a) for x <= .5: by z = t^a, which takes the pole at 0 out of the integral."""
    end, total = x**a, 0.0
    for i in range(steps):
        z = end * (i + 0.5) / steps
        total += (1 - z ** (1 / a)) ** (a - 1)
    return total * end / steps / a * exp(lgamma(2 * a) - 2 * lgamma(a))


def folded_quantile(p, a):
    """Of max(w, 1 - w): P(max <= x) = 1 - 2 cdf(1 - x)."""
    low, high = 0.5, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if 1 - 2 * beta_cdf(1 - middle, a, 2000) < p else (low, middle)
    return (low + high) / 2


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
    print("alternating flips, seed 7", [words(7, FLIP, 0, sample)[0] & 1 for sample in range(12)])
    for sample in range(4):
        print("placement(7, 3, sample)", sample, placement(7, 3, sample, 4, 8, 32, 28))
    for sample in range(4):
        print("mixup(7, 3, sample, 1000, .2)", sample, mixup(7, 3, sample, 1000, 0.2))
    for a in (0.2, 1):
        # E|w - .5| = 1 / (4^a a B(a, a)), E(w - .5)^2 = 1 / (4 (2a + 1)).
        mean = 0.5 + exp(lgamma(2 * a) - 2 * lgamma(a) - a * log(4)) / a
        print("folded beta", a, "mean", mean, "variance", 1 / (4 * (2 * a + 1)) - (mean - 0.5) ** 2)
        print("quantiles .1 .25 .5", [round(folded_quantile(p, a), 6) for p in (0.1, 0.25, 0.5)])
    for sample in range(4):
        print("resized_crop", resized_crop(7, 3, sample, 32, 48, (0.08, 1), (3 / 4, 4 / 3)))
    wide = [resized_crop(7, 3, sample, 32, 48, (0.9, 1), (3, 4)) for sample in range(50)]
    print("resized_crop, without a box that fits", wide.count(None))
    for sample in range(3):
        print("jitter", *(f"{x:.6f}" for x in jitter(7, 3, sample, (0.4, 0.2, 2))))
