#include "kernels/direct_convolution.h"
#include "kernels/weight_sums.h"

#if defined(__AVX512BF16__)

#include "kernels/bf16_pairs.h"
#include "kernels/pixel_blocks.h"

#include <algorithm>
#include <vector>

namespace onecycle::kernels {

namespace {

// A direction of a convolution: what comes out at a pixel is the sum, over the kernel's taps, of
// the `in` channels of a pixel of the source, times that tap's weights.
struct Product {
  Product(const ConvolutionShape& shape, Direction direction)
      : forward(direction == Direction::forward),
        kernel(shape.kernel),
        stride(shape.stride),
        pad(forward ? shape.pad : shape.kernel - 1 - shape.pad),
        count(shape.count),
        from_height(forward ? shape.height : out_height(shape)),
        from_width(forward ? shape.width : out_width(shape)),
        in(forward ? shape.channels : shape.filters),
        to_height(forward ? out_height(shape) : shape.height),
        to_width(forward ? out_width(shape) : shape.width),
        out(forward ? shape.filters : shape.channels) {}

  // Of the channels that come out, in a panel.
  std::int64_t lanes() const { return out > kPairLanes ? 2 * kPairLanes : kPairLanes; }
  std::int64_t panels() const { return (out + lanes() - 1) / lanes(); }
  std::int64_t panel_values() const { return kernel * kernel * in * lanes(); }
  std::int64_t from_image() const { return from_height * from_width * in; }
  std::int64_t to_image() const { return to_height * to_width * out; }

  // Where a tap of the kernel falls in a source of `size` rows or columns; -1: nowhere. Taps of
  // the image's gradient are numbered backwards, so that sources ascend with them.
  std::int64_t source(std::int64_t target, std::int64_t tap, std::int64_t size) const {
    std::int64_t at = forward ? target * stride + tap - pad : target + tap - pad;
    if (at < 0) return -1;
    if (!forward) {
      if (at % stride != 0) return -1;
      at /= stride;
    }
    return at < size ? at : -1;
  }

  bool forward;
  std::int64_t kernel, stride, pad, count;
  std::int64_t from_height, from_width, in;
  std::int64_t to_height, to_width, out;
};

// Taps next to each other whose sources are, too.
struct Taps {
  std::int64_t first, source, count;
};

using Axis = std::vector<std::vector<Taps>>;  // by target

Axis axis_of(const Product& product, std::int64_t targets, std::int64_t size, bool joined) {
  Axis axis(static_cast<std::size_t>(targets));
  for (std::int64_t target = 0; target < targets; ++target) {
    std::vector<Taps>& all = axis[static_cast<std::size_t>(target)];
    for (std::int64_t tap = 0; tap < product.kernel; ++tap) {
      const std::int64_t source = product.source(target, tap, size);
      if (source < 0) continue;
      if (joined && !all.empty() && all.back().first + all.back().count == tap &&
          all.back().source + all.back().count == source)
        ++all.back().count;
      else
        all.push_back({tap, source, 1});
    }
  }
  return axis;
}

bool goes_by_rows(const Product& product) {
  return product.out <= kPairLanes && product.kernel == kRowTaps && product.stride == 1 &&
         product.pad == 1 && product.to_width % kRowPixels == 0 && product.to_width > kRowPixels;
}

bool suits(const ConvolutionShape& shape) {
  return shape.count >= kImages && shape.channels > 0 && shape.filters > 0 &&
         shape.filters % kWeightFilters == 0 && shape.pad < shape.kernel && out_height(shape) > 0 &&
         out_width(shape) > 0;
}

std::int64_t panels(const ConvolutionShape& shape, Direction direction) {
  return Product(shape, direction).panels();
}

std::int64_t panel_values(const ConvolutionShape& shape, Direction direction) {
  const Product product(shape, direction);
  return product.panels() * product.panel_values();
}

// Pairs of channels of sixteen filters, a filter a lane.
__m512i pairs_of_filters(const Bf16* weight, std::int64_t filter_values, std::int64_t filters) {
  const __m512i lanes = _mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
  const __m512i offsets =
      _mm512_mullo_epi32(lanes, _mm512_set1_epi32(static_cast<int>(filter_values / kPair)));
  return _mm512_mask_i32gather_epi32(_mm512_setzero_si512(), first_lanes(filters), offsets, weight,
                                     sizeof(std::uint32_t));
}

void arrange(const ConvolutionShape& shape, Direction direction, const Bf16* weight, Bf16* panels,
             std::int64_t begin, std::int64_t end) {
  const Product product(shape, direction);
  const std::int64_t taps = product.kernel * product.kernel, lanes = product.lanes();
  const std::int64_t filter_values = taps * shape.channels;
  Bf16* to = panels + begin * product.panel_values();
  for (std::int64_t panel = begin; panel < end; ++panel)
    for (std::int64_t tap = 0; tap < taps; ++tap)
      for (std::int64_t pair = 0; pair < product.in; pair += kPair)
        for (std::int64_t lane = 0; lane < lanes; lane += kPairLanes, to += kPairVector) {
          const std::int64_t out = panel * lanes + lane, left = product.out - out;
          if (left < kPairLanes) _mm512_storeu_si512(to, _mm512_setzero_si512());
          if (left <= 0) continue;
          if (product.forward) {
            const Bf16* const filter = weight + out * filter_values;
            _mm512_storeu_si512(
                to, pairs_of_filters(filter + tap * shape.channels + pair, filter_values, left));
          } else {
            const Bf16* const filter = weight + pair * filter_values;
            const std::int64_t at = (taps - 1 - tap) * shape.channels + out;
            weave(filter + at, filter + filter_values + at, std::min(left, kPairLanes), to);
          }
        }
}

std::int64_t images_at_once(const Product& product) {
  return goes_by_rows(product) ? kRowImages : kImages;
}

std::int64_t rows(const ConvolutionShape& shape, Direction direction) {
  const Product product(shape, direction);
  const std::int64_t images = images_at_once(product);
  return (product.count + images - 1) / images * product.to_height;
}

// A row of the target in a block of images.
struct Row {
  Row(const Product& product, std::int64_t row) : y(row % product.to_height) {
    const std::int64_t images = images_at_once(product);
    const std::int64_t wanted = row / product.to_height * images;
    first_image = std::min(wanted, product.count - images);
    skipped = static_cast<int>(wanted - first_image);
  }

  std::int64_t y, first_image;
  int skipped;
};

void convolve_by_rows(const Product& product, const Axis& source_rows, const Bf16* from,
                      const Bf16* panels, Bf16* to, const Row& row) {
  const Bf16* const images = from + row.first_image * product.from_image();
  Bf16* const target =
      to + row.first_image * product.to_image() + row.y * product.to_width * product.out;
  std::vector<Stretch> stretches;
  for (const Taps& taps : source_rows[static_cast<std::size_t>(row.y)])
    stretches.push_back({images + taps.source * product.from_width * product.in,
                         panels + taps.first * kRowTaps * product.in * kPairLanes,
                         product.in / kPair});
  for (std::int64_t x = 0; x < product.to_width; x += kRowPixels) {
    const auto add = x == 0                               ? row_of_pixels<true, false>
                     : x + kRowPixels == product.to_width ? row_of_pixels<false, true>
                                                          : row_of_pixels<false, false>;
    add({stretches, x * product.in, 0, product.from_image(), target + x * product.out,
         product.to_image(), product.out, row.skipped},
        product.in);
  }
}

void convolve_pixels(const Product& product, const Axis& source_rows, const Axis& source_columns,
                     const Bf16* from, const Bf16* panels, Bf16* to, const Row& row,
                     std::int64_t first_panel, std::int64_t last_panel) {
  const Bf16* const images = from + row.first_image * product.from_image();
  Bf16* const target = to + row.first_image * product.to_image();
  const std::int64_t lanes = product.lanes();
  const auto add = lanes == kPairLanes ? narrow_pixel : wide_pixel;
  std::vector<Stretch> stretches;
  for (std::int64_t x = 0; x < product.to_width; ++x) {
    stretches.clear();
    for (const Taps& down : source_rows[static_cast<std::size_t>(row.y)])
      for (const Taps& across : source_columns[static_cast<std::size_t>(x)])
        stretches.push_back(
            {images + (down.source * product.from_width + across.source) * product.in,
             panels + (down.first * product.kernel + across.first) * product.in * lanes,
             across.count * product.in / kPair});
    Bf16* const pixel = target + (row.y * product.to_width + x) * product.out;
    for (std::int64_t panel = first_panel; panel < last_panel; ++panel)
      add({stretches, 0, panel * product.panel_values(), product.from_image(),
           pixel + panel * lanes, product.to_image(), product.out - panel * lanes, row.skipped});
  }
}

void convolve(const ConvolutionShape& shape, Direction direction, const Bf16* from,
              const Bf16* panels, Bf16* to, std::int64_t begin, std::int64_t end) {
  // Values of the weight that stay in the second level of the caches.
  constexpr std::int64_t kCached = std::int64_t{128} * 1024;
  const Product product(shape, direction);
  const Axis source_rows = axis_of(product, product.to_height, product.from_height, false);
  const Axis source_columns = axis_of(product, product.to_width, product.from_width, true);
  if (goes_by_rows(product)) {
    for (std::int64_t row = begin; row < end; ++row)
      convolve_by_rows(product, source_rows, from, panels, to, Row(product, row));
    return;
  }
  const std::int64_t at_once = std::max<std::int64_t>(1, kCached / product.panel_values());
  for (std::int64_t first = 0; first < product.panels(); first += at_once)
    for (std::int64_t row = begin; row < end; ++row)
      convolve_pixels(product, source_rows, source_columns, from, panels, to, Row(product, row),
                      first, std::min(first + at_once, product.panels()));
}

constexpr DirectConvolution kDirectConvolution = {
    suits, panels, panel_values, arrange, rows, convolve, weight_scratch_values, weight_sums};

}  // namespace

const DirectConvolution* bf16_direct_convolution() { return &kDirectConvolution; }

}  // namespace onecycle::kernels

#else

namespace onecycle::kernels {

const DirectConvolution* bf16_direct_convolution() { return nullptr; }

}  // namespace onecycle::kernels

#endif
