#pragma once

// Counter-based random numbers: every draw is a pure function of what it is for, so that it does
// not depend on the order, the threads or the device it is made on. C++17 and constexpr throughout:
// CUDA code calls it under --expt-relaxed-constexpr.
//
// Philox4x32-10 of J. Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011.

#include <cstdint>

namespace onecycle {

// What a draw is for. The values are part of every result: never renumber.
enum class RandomUse : std::uint32_t {
  order = 1,         // the order of an epoch; index = position
  augment = 2,       // crop, flip and cutout; index = sample
  split = 3,         // validation samples and `limit`; index = position
  synthetic = 4,     // pixels of the synthetic data set
  initial = 5,       // initial weights; index = fnv1a of the tensor's name
  step = 6,          // ATen's own generator in a step (dropout and the like); index = step
  mixup = 7,         // index = 2 * sample for its weight, 2 * sample + 1 for its partner
  resized_crop = 8,  // index = 16 * sample + attempt
  colour = 9,        // colour_jitter; index = sample
  flip = 10,         // alternating flip, the same in every epoch; index = sample
  value = 11,        // value_jitter; index = sample
};

struct RandomWords {
  std::uint32_t word[4] = {0, 0, 0, 0};

  constexpr std::uint64_t low() const { return word[0] | (std::uint64_t{word[1]} << 32); }
  constexpr std::uint64_t high() const { return word[2] | (std::uint64_t{word[3]} << 32); }
};

constexpr RandomWords philox4x32_10(RandomWords counter, std::uint64_t key) {
  std::uint32_t key0 = static_cast<std::uint32_t>(key);
  std::uint32_t key1 = static_cast<std::uint32_t>(key >> 32);
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t product0 = std::uint64_t{0xD2511F53u} * counter.word[0];
    const std::uint64_t product1 = std::uint64_t{0xCD9E8D57u} * counter.word[2];
    const RandomWords next{{static_cast<std::uint32_t>(product1 >> 32) ^ counter.word[1] ^ key0,
                            static_cast<std::uint32_t>(product1),
                            static_cast<std::uint32_t>(product0 >> 32) ^ counter.word[3] ^ key1,
                            static_cast<std::uint32_t>(product0)}};
    counter = next;
    key0 += 0x9E3779B9u;
    key1 += 0xBB67AE85u;
  }
  return counter;
}

// 128 random bits for one (seed, use, epoch, index).
constexpr RandomWords random_words(std::uint64_t seed, RandomUse use, std::uint32_t epoch,
                                   std::uint64_t index) {
  const RandomWords counter{{static_cast<std::uint32_t>(index),
                             static_cast<std::uint32_t>(index >> 32), epoch,
                             static_cast<std::uint32_t>(use)}};
  return philox4x32_10(counter, seed);
}

// FNV-1a, 64 bits: an index for draws that belong to a name.
constexpr std::uint64_t fnv1a(const char* text, std::uint64_t size) {
  std::uint64_t hash = 0xCBF29CE484222325u;
  for (std::uint64_t i = 0; i < size; ++i)
    hash = (hash ^ static_cast<unsigned char>(text[i])) * 0x100000001B3u;
  return hash;
}

// Uniform in [0, bound) from a random word by multiply-shift; each value's probability is off by at
// most 2^-32.
constexpr std::uint32_t bounded(std::uint32_t word, std::uint32_t bound) {
  return static_cast<std::uint32_t>((std::uint64_t{word} * bound) >> 32);
}

// The same from 64 random bits, for bounds up to 2^63; off by at most 2^-64.
constexpr std::uint64_t bounded64(std::uint64_t bits, std::uint64_t bound) {
  const std::uint64_t low = (bits & 0xFFFFFFFFu) * (bound & 0xFFFFFFFFu);
  const std::uint64_t mid1 = (bits >> 32) * (bound & 0xFFFFFFFFu);
  const std::uint64_t mid2 = (bits & 0xFFFFFFFFu) * (bound >> 32);
  const std::uint64_t carry = (low >> 32) + (mid1 & 0xFFFFFFFFu) + (mid2 & 0xFFFFFFFFu);
  return (bits >> 32) * (bound >> 32) + (mid1 >> 32) + (mid2 >> 32) + (carry >> 32);
}

}  // namespace onecycle
