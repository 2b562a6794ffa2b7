#pragma once

#include "kernels/convolution/bf16_pairs.h"

#include <vector>

// The innermost loops of the direct convolution: pixels that come out, summed up in registers. For
// files compiled with AVX-512 BF16; internal linkage, as in kernels/lanes.h.
namespace onecycle::kernels {

namespace {

// Values that lie together in the source, in the first of the images, and their weights.
struct Stretch {
  const Bf16* from;
  const Bf16* weights;
  std::int64_t pairs;
};

// What a block of pixels reads and where it goes.
struct Block {
  const std::vector<Stretch>& stretches;
  std::int64_t shift;         // of the stretches' sources, in values
  std::int64_t weight_shift;  // of their weights
  std::int64_t from_image;    // values from one image to the next
  Bf16* to;
  std::int64_t to_image;
  std::int64_t channels;  // from the first that the block writes to a pixel's last
  int skipped;            // images that belong to the block before
};

constexpr int kImages = 8;

// The same values of eight images, by few enough pointers to stay in registers.
struct EightImages {
  EightImages(const Stretch& stretch, const Block& block)
      : image(block.from_image),
        from{stretch.from + block.shift, stretch.from + block.shift + 3 * image,
             stretch.from + block.shift + 6 * image} {}
  __m512bh pair(int which, std::int64_t i) const {
    return pair_everywhere(from[which / 3] + (which % 3) * image + kPair * i);
  }

  std::int64_t image;  // values from one to the next
  const Bf16* from[3];
};

// One pixel of eight images, in two vectors of channels.
inline void wide_pixel(const Block& block) {
  __m512 sums[kImages][2] = {};
  for (const Stretch& stretch : block.stretches) {
    const Bf16* weights = stretch.weights + block.weight_shift;
    const EightImages images(stretch, block);
    for (std::int64_t i = 0; i < stretch.pairs; ++i, weights += 2 * kPairVector) {
      const __m512bh first = pairs_at(weights), second = pairs_at(weights + kPairVector);
#pragma GCC unroll 8
      for (int image = 0; image < kImages; ++image) {
        const __m512bh value = images.pair(image, i);
        sums[image][0] = add_products(sums[image][0], value, first);
        sums[image][1] = add_products(sums[image][1], value, second);
      }
    }
  }
  const __mmask16 low = first_lanes(block.channels),
                  high = first_lanes(block.channels - kPairLanes);
#pragma GCC unroll 8
  for (int image = 0; image < kImages; ++image) {
    if (image < block.skipped) continue;
    Bf16* const to = block.to + image * block.to_image;
    store_rounded(to, sums[image][0], low);
    store_rounded(to + kPairLanes, sums[image][1], high);
  }
}

// In one vector; two sums an image, since one would wait for its own additions.
inline void narrow_pixel(const Block& block) {
  __m512 sums[kImages][2] = {};
  for (const Stretch& stretch : block.stretches) {
    const Bf16* weights = stretch.weights + block.weight_shift;
    const EightImages images(stretch, block);
    const auto add = [&](std::int64_t i, int which) __attribute__((always_inline)) {
      const __m512bh own = pairs_at(weights + i * kPairVector);
#pragma GCC unroll 8
      for (int image = 0; image < kImages; ++image)
        sums[image][which] = add_products(sums[image][which], images.pair(image, i), own);
    };
    std::int64_t i = 0;
    for (; i + 1 < stretch.pairs; i += 2) {
      add(i, 0);
      add(i + 1, 1);
    }
    if (i < stretch.pairs) add(i, 0);
  }
#pragma GCC unroll 8
  for (int image = 0; image < kImages; ++image)
    if (image >= block.skipped)
      store_rounded(block.to + image * block.to_image,
                    _mm512_add_ps(sums[image][0], sums[image][1]), first_lanes(block.channels));
}

// Sixteen channels and fewer leave a pixel's values little work: with four pixels of a row at a
// time, of four images, each value is read once for three taps of a 3x3 kernel.
constexpr int kRowImages = 4, kRowPixels = 4, kRowTaps = 3;

// stretches: a kernel's rows, from the source of the second tap of the first pixel on; kLeft and
// kRight: whether the pixels are the first or the last ones of a row.
template <bool kLeft, bool kRight>
void row_of_pixels(const Block& block, std::int64_t in) {
  __m512 sums[kRowImages][kRowPixels] = {};
  for (const Stretch& stretch : block.stretches) {
    const Bf16* const first_image = stretch.from + block.shift;
    const Bf16* const from[kRowImages] = {first_image, first_image + block.from_image,
                                          first_image + 2 * block.from_image,
                                          first_image + 3 * block.from_image};
    for (std::int64_t i = 0; i < stretch.pairs; ++i) {
      __m512bh taps[kRowTaps];
#pragma GCC unroll 3
      for (int tap = 0; tap < kRowTaps; ++tap)
        taps[tap] = pairs_at(stretch.weights + (tap * stretch.pairs + i) * kPairVector);
#pragma GCC unroll 6
      for (int column = kLeft ? 0 : -1; column < kRowPixels + (kRight ? 0 : 1); ++column)
#pragma GCC unroll 4
        for (int image = 0; image < kRowImages; ++image) {
          const __m512bh value = pair_everywhere(from[image] + column * in + kPair * i);
#pragma GCC unroll 3
          for (int tap = 0; tap < kRowTaps; ++tap) {
            const int pixel = column + 1 - tap;
            if (pixel >= 0 && pixel < kRowPixels)
              sums[image][pixel] = add_products(sums[image][pixel], value, taps[tap]);
          }
        }
    }
  }
#pragma GCC unroll 4
  for (int image = 0; image < kRowImages; ++image)
    if (image >= block.skipped)
#pragma GCC unroll 4
      for (int pixel = 0; pixel < kRowPixels; ++pixel)
        store_rounded(block.to + image * block.to_image + pixel * block.channels,
                      sums[image][pixel], first_lanes(block.channels));
}

}  // namespace
}  // namespace onecycle::kernels
