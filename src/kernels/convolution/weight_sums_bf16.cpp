#include "kernels/convolution/weight_sums.h"

#if defined(__AVX512BF16__)

#include "kernels/convolution/bf16_pairs.h"

#include <algorithm>
#include <vector>

// Sums over pixels, which products of pairs take two at a time: the same pixel of two images, woven
// together in tiles of several such pairs that stay in the second level of the caches.
namespace onecycle::kernels {

namespace {

constexpr std::int64_t kMostVectors = 3;  // of channels, at a time

// Rounded up, so that what follows in the scratch memory is aligned to 64 bytes.
std::int64_t whole_vectors(std::int64_t values) {
  return (values + kPairVector - 1) / kPairVector * kPairVector;
}

// A type of this file, so that so is the code of a vector of it (kernels/lanes.h).
struct Slot {
  std::int64_t place;
  bool is_met;  // by any tap
};

// Where the pixels of a tile of pairs of images lie, as pairs of values.
struct Tiles {
  Tiles(const ConvolutionShape& of, const WeightShare& share)
      : shape(of),
        filters(share.last_filter - share.first_filter),
        // Where a kernel's row is a few values, its taps are the lanes of a few vectors.
        joined(of.stride == 1 && of.kernel * of.channels <= kMostVectors * kPairLanes) {
    // Columns that a tap meets one after another lie next to each other: every stride-th one.
    const std::int64_t border = joined ? of.pad : 0;
    const std::int64_t met = (of.width + of.stride - 1) / of.stride + 2 * border;
    columns = of.stride * met;
    for (std::int64_t x = 0; x < of.width; ++x)
      slots.push_back({x % of.stride * met + x / of.stride + border, is_met(x)});
    if (joined) return;
    constexpr std::int64_t kTilePairs = std::int64_t{64} * 1024, kLeastPixels = 256;
    pairs = std::max(kTilePairs / (of.height * of.width * of.channels),
                     kLeastPixels / (out_height(of) * out_width(of)));
    pairs = std::clamp<std::int64_t>(pairs, 1, share.last_pair - share.first_pair);
  }

  const Slot& slot(std::int64_t column) const { return slots[static_cast<std::size_t>(column)]; }
  // Whether any tap meets a row or column.
  bool is_met(std::int64_t at) const { return (at + shape.pad) % shape.stride < shape.kernel; }

  std::int64_t image_values() const {
    const std::int64_t values = kPair * shape.height * columns * pairs * shape.channels;
    // A vector reads past the last pixel's channels.
    return whole_vectors(values) + kMostVectors * kPairVector;
  }
  std::int64_t gradient_values() const {
    return whole_vectors(kPair * out_height(shape) * out_width(shape) * pairs * filters);
  }

  const ConvolutionShape& shape;
  std::int64_t filters;
  bool joined;
  std::int64_t columns = 0;
  std::vector<Slot> slots;  // by column
  std::int64_t pairs = 1;   // of images, in a tile
};

// Pixels one after another that a tap puts together with as many of the output's gradient.
struct Stretch {
  const Bf16* images;
  const Bf16* gradients;
  std::int64_t pixels;
};

struct Block {
  const std::vector<Stretch>& stretches;
  std::int64_t image_shift, gradient_shift;  // of the stretches, in values
  float* sums;
  std::int64_t filter_values;              // from one filter's sums to the next
  std::int64_t channels;                   // at most the vectors' lanes
  std::int64_t image_step, gradient_step;  // values from one pixel to the next
};

// kFilters filters by kVectors vectors of channels.
template <int kFilters, int kVectors>
void add_block(const Block& block) {
  __mmask16 lanes[kVectors];
  __m512 sums[kFilters][kVectors];
#pragma GCC unroll 3
  for (int vector = 0; vector < kVectors; ++vector) {
    lanes[vector] = first_lanes(block.channels - vector * kPairLanes);
#pragma GCC unroll 16
    for (int filter = 0; filter < kFilters; ++filter)
      sums[filter][vector] = _mm512_maskz_loadu_ps(
          lanes[vector], block.sums + filter * block.filter_values + vector * kPairLanes);
  }
  for (const Stretch& stretch : block.stretches) {
    const Bf16* images = stretch.images + block.image_shift;
    const Bf16* gradients = stretch.gradients + block.gradient_shift;
    for (std::int64_t left = stretch.pixels; left > 0; --left) {
      __m512bh values[kVectors];
#pragma GCC unroll 3
      for (int vector = 0; vector < kVectors; ++vector)
        values[vector] = pairs_at(images + vector * kPairVector);
#pragma GCC unroll 16
      for (int filter = 0; filter < kFilters; ++filter) {
        const __m512bh gradient = pair_everywhere(gradients + kPair * filter);
#pragma GCC unroll 3
        for (int vector = 0; vector < kVectors; ++vector)
          sums[filter][vector] = add_products(sums[filter][vector], gradient, values[vector]);
      }
      images += block.image_step;
      gradients += block.gradient_step;
    }
  }
#pragma GCC unroll 3
  for (int vector = 0; vector < kVectors; ++vector)
#pragma GCC unroll 16
    for (int filter = 0; filter < kFilters; ++filter)
      _mm512_mask_storeu_ps(block.sums + filter * block.filter_values + vector * kPairLanes,
                            lanes[vector], sums[filter][vector]);
}

// `pairs` pairs of images from first_pair on, woven together.
struct WovenTile {
  const Bf16* images;
  const Bf16* gradients;
  std::int64_t pairs;
};

WovenTile weave_tile(const Tiles& tiles, const WeightShare& share, std::int64_t first_pair,
                     const Bf16* images, const Bf16* output_gradient, Bf16* scratch) {
  const ConvolutionShape& shape = tiles.shape;
  const std::int64_t pairs = std::min(tiles.pairs, share.last_pair - first_pair);
  const std::int64_t pixels = out_height(shape) * out_width(shape);
  Bf16* const woven_gradients = scratch + tiles.image_values();
  for (std::int64_t pair = 0; pair < pairs; ++pair) {
    const std::int64_t first = kPair * (first_pair + pair);
    const bool alone = first + 1 == shape.count;
    const std::int64_t image = shape.height * shape.width * shape.channels;
    for (std::int64_t y = 0; y < shape.height; ++y) {
      if (!tiles.is_met(y)) continue;
      const Bf16* from = images + first * image + y * shape.width * shape.channels;
      Bf16* const row = scratch + kPair * (y * tiles.columns * pairs + pair) * shape.channels;
      for (std::int64_t x = 0; x < shape.width; ++x, from += shape.channels)
        if (const Slot& slot = tiles.slot(x); slot.is_met)
          weave(from, alone ? nullptr : from + image, shape.channels,
                row + kPair * slot.place * pairs * shape.channels);
    }
    const std::int64_t output = pixels * shape.filters;
    const Bf16* from = output_gradient + first * output + share.first_filter;
    for (std::int64_t pixel = 0; pixel < pixels; ++pixel, from += shape.filters)
      weave(from, alone ? nullptr : from + output, tiles.filters,
            woven_gradients + kPair * (pixel * pairs + pair) * tiles.filters);
  }
  return {scratch, woven_gradients, pairs};
}

// What a tap, or with `joined` a row of the kernel, from `tap_row` and `tap_column` on, puts
// together.
void stretches_of(const Tiles& tiles, const WovenTile& tile, std::int64_t tap_row,
                  std::int64_t tap_column, std::vector<Stretch>& stretches) {
  const ConvolutionShape& shape = tiles.shape;
  std::int64_t first = 0, last = out_width(shape);
  const auto column = [&](std::int64_t x) { return x * shape.stride + tap_column - shape.pad; };
  if (!tiles.joined) {
    while (first < last && column(first) < 0) ++first;
    while (first < last && column(last - 1) >= shape.width) --last;
  }
  stretches.clear();
  if (first == last) return;
  const std::int64_t slot = tiles.joined ? 0 : tiles.slot(column(first)).place;
  for (std::int64_t y = 0; y < out_height(shape); ++y) {
    const std::int64_t row = y * shape.stride + tap_row - shape.pad;
    if (row < 0 || row >= shape.height) continue;
    stretches.push_back(
        {tile.images + kPair * (row * tiles.columns + slot) * tile.pairs * shape.channels,
         tile.gradients + kPair * (y * out_width(shape) + first) * tile.pairs * tiles.filters,
         (last - first) * tile.pairs});
  }
}

void add_tile(const Tiles& tiles, const WovenTile& tile, float* sums) {
  const ConvolutionShape& shape = tiles.shape;
  const std::int64_t filter_values = shape.kernel * shape.kernel * shape.channels;
  const std::int64_t values = tiles.joined ? shape.kernel * shape.channels : shape.channels;
  const std::int64_t most = kPairLanes * (tiles.joined ? kMostVectors : 2);
  std::vector<Stretch> stretches;
  for (std::int64_t row = 0; row < shape.kernel; ++row)
    for (std::int64_t column = 0; column < (tiles.joined ? 1 : shape.kernel); ++column) {
      stretches_of(tiles, tile, row, column, stretches);
      for (std::int64_t first = 0; first < values; first += most) {
        const std::int64_t channels = std::min(most, values - first);
        // One vector by eight filters would wait for its own additions.
        const bool twice = channels <= kPairLanes && tiles.filters % (2 * kWeightFilters) == 0;
        const auto add = channels > 2 * kPairLanes ? add_block<kWeightFilters, 3>
                         : channels > kPairLanes   ? add_block<kWeightFilters, 2>
                         : twice                   ? add_block<2 * kWeightFilters, 1>
                                                   : add_block<kWeightFilters, 1>;
        const std::int64_t step = twice ? 2 * kWeightFilters : kWeightFilters;
        float* const own = sums + (row * shape.kernel + column) * shape.channels + first;
        for (std::int64_t filter = 0; filter < tiles.filters; filter += step)
          add({stretches, kPair * first, kPair * filter, own + filter * filter_values,
               filter_values, channels, kPair * shape.channels, kPair * tiles.filters});
      }
    }
}

}  // namespace

std::int64_t weight_scratch_values(const ConvolutionShape& shape, const WeightShare& share) {
  const Tiles tiles(shape, share);
  return tiles.image_values() + tiles.gradient_values();
}

void weight_sums(const ConvolutionShape& shape, const WeightShare& share,
                 const std::uint16_t* images, const std::uint16_t* output_gradient,
                 std::uint16_t* scratch, float* sums) {
  const Tiles tiles(shape, share);
  const std::int64_t filter_values = shape.kernel * shape.kernel * shape.channels;
  float* const own = sums + share.first_filter * filter_values;
  std::fill_n(own, tiles.filters * filter_values, 0.0F);
  std::fill_n(scratch, tiles.image_values(), Bf16{0});  // borders stay so
  for (std::int64_t pair = share.first_pair; pair < share.last_pair; pair += tiles.pairs)
    add_tile(tiles, weave_tile(tiles, share, pair, images, output_gradient, scratch), own);
}

}  // namespace onecycle::kernels

#endif
