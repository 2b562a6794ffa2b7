#include "kernels/convolution/direct_convolution.h"
#include "kernels/convolution/weight_sums.h"

#if defined(__AVX512BF16__)

#include "kernels/convolution/bf16_pairs.h"
#include "kernels/convolution/pixel_blocks.h"

#include <algorithm>
#include <vector>

namespace onecycle::kernels {

namespace {

// A direction of a convolution: what comes out at a pixel is the sum, over the kernel's taps, of
// the `in` channels of a pixel of the source, times that tap's weights.
struct Geometry {
  Geometry(const ConvolutionShape& shape, Direction direction)
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

Axis axis_of(const Geometry& geometry, std::int64_t targets, std::int64_t size, bool joined) {
  Axis axis(static_cast<std::size_t>(targets));
  for (std::int64_t target = 0; target < targets; ++target) {
    std::vector<Taps>& all = axis[static_cast<std::size_t>(target)];
    for (std::int64_t tap = 0; tap < geometry.kernel; ++tap) {
      const std::int64_t source = geometry.source(target, tap, size);
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

bool goes_by_rows(const Geometry& geometry) {
  return geometry.out <= kPairLanes && geometry.kernel == kRowTaps && geometry.stride == 1 &&
         geometry.pad == 1 && geometry.to_width % kRowPixels == 0 && geometry.to_width > kRowPixels;
}

bool suits(const ConvolutionShape& shape) {
  const auto holds_kernel = [&](std::int64_t side) {
    return side > 0 && side + 2 * shape.pad >= shape.kernel;
  };
  return shape.count >= kImages && shape.channels > 0 && shape.filters > 0 &&
         shape.filters % kWeightFilters == 0 && shape.pad < shape.kernel &&
         holds_kernel(shape.height) && holds_kernel(shape.width);
}

std::int64_t panels(const ConvolutionShape& shape, Direction direction) {
  return Geometry(shape, direction).panels();
}

std::int64_t panel_values(const ConvolutionShape& shape, Direction direction) {
  const Geometry geometry(shape, direction);
  return geometry.panels() * geometry.panel_values();
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
  const Geometry geometry(shape, direction);
  const std::int64_t taps = geometry.kernel * geometry.kernel, lanes = geometry.lanes();
  const std::int64_t filter_values = taps * shape.channels;
  Bf16* to = panels + begin * geometry.panel_values();
  for (std::int64_t panel = begin; panel < end; ++panel)
    for (std::int64_t tap = 0; tap < taps; ++tap)
      for (std::int64_t pair = 0; pair < geometry.in; pair += kPair)
        for (std::int64_t lane = 0; lane < lanes; lane += kPairLanes, to += kPairVector) {
          const std::int64_t out = panel * lanes + lane, left = geometry.out - out;
          if (left < kPairLanes) _mm512_storeu_si512(to, _mm512_setzero_si512());
          if (left <= 0) continue;
          if (geometry.forward) {
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

std::int64_t images_at_once(const Geometry& geometry) {
  return goes_by_rows(geometry) ? kRowImages : kImages;
}

std::int64_t rows(const ConvolutionShape& shape, Direction direction) {
  const Geometry geometry(shape, direction);
  const std::int64_t images = images_at_once(geometry);
  return (geometry.count + images - 1) / images * geometry.to_height;
}

// A row of the target in a block of images.
struct Row {
  Row(const Geometry& geometry, std::int64_t row) : y(row % geometry.to_height) {
    const std::int64_t images = images_at_once(geometry);
    const std::int64_t wanted = row / geometry.to_height * images;
    first_image = std::min(wanted, geometry.count - images);
    skipped = static_cast<int>(wanted - first_image);
  }

  std::int64_t y, first_image;
  int skipped;
};

void convolve_by_rows(const Geometry& geometry, const Axis& source_rows, const Bf16* from,
                      const Bf16* panels, Bf16* to, const Row& row) {
  const Bf16* const images = from + row.first_image * geometry.from_image();
  Bf16* const target =
      to + row.first_image * geometry.to_image() + row.y * geometry.to_width * geometry.out;
  std::vector<Stretch> stretches;
  for (const Taps& taps : source_rows[static_cast<std::size_t>(row.y)])
    stretches.push_back({images + taps.source * geometry.from_width * geometry.in,
                         panels + taps.first * kRowTaps * geometry.in * kPairLanes,
                         geometry.in / kPair});
  for (std::int64_t x = 0; x < geometry.to_width; x += kRowPixels) {
    const auto add = x == 0                                ? row_of_pixels<true, false>
                     : x + kRowPixels == geometry.to_width ? row_of_pixels<false, true>
                                                           : row_of_pixels<false, false>;
    add({stretches, x * geometry.in, 0, geometry.from_image(), target + x * geometry.out,
         geometry.to_image(), geometry.out, row.skipped},
        geometry.in);
  }
}

void convolve_pixels(const Geometry& geometry, const Axis& source_rows, const Axis& source_columns,
                     const Bf16* from, const Bf16* panels, Bf16* to, const Row& row,
                     std::int64_t first_panel, std::int64_t last_panel) {
  const Bf16* const images = from + row.first_image * geometry.from_image();
  Bf16* const target = to + row.first_image * geometry.to_image();
  const std::int64_t lanes = geometry.lanes();
  const auto add = lanes == kPairLanes ? narrow_pixel : wide_pixel;
  std::vector<Stretch> stretches;
  for (std::int64_t x = 0; x < geometry.to_width; ++x) {
    stretches.clear();
    for (const Taps& down : source_rows[static_cast<std::size_t>(row.y)])
      for (const Taps& across : source_columns[static_cast<std::size_t>(x)])
        stretches.push_back(
            {images + (down.source * geometry.from_width + across.source) * geometry.in,
             panels + (down.first * geometry.kernel + across.first) * geometry.in * lanes,
             across.count * geometry.in / kPair});
    Bf16* const pixel = target + (row.y * geometry.to_width + x) * geometry.out;
    for (std::int64_t panel = first_panel; panel < last_panel; ++panel)
      add({stretches, 0, panel * geometry.panel_values(), geometry.from_image(),
           pixel + panel * lanes, geometry.to_image(), geometry.out - panel * lanes, row.skipped});
  }
}

void convolve(const ConvolutionShape& shape, Direction direction, const Bf16* from,
              const Bf16* panels, Bf16* to, std::int64_t begin, std::int64_t end) {
  // Values of the weight that stay in the second level of the caches.
  constexpr std::int64_t kCached = std::int64_t{128} * 1024;
  const Geometry geometry(shape, direction);
  const Axis source_rows = axis_of(geometry, geometry.to_height, geometry.from_height, false);
  const Axis source_columns = axis_of(geometry, geometry.to_width, geometry.from_width, true);
  if (goes_by_rows(geometry)) {
    for (std::int64_t row = begin; row < end; ++row)
      convolve_by_rows(geometry, source_rows, from, panels, to, Row(geometry, row));
    return;
  }
  const std::int64_t at_once = std::max<std::int64_t>(1, kCached / geometry.panel_values());
  for (std::int64_t first = 0; first < geometry.panels(); first += at_once)
    for (std::int64_t row = begin; row < end; ++row)
      convolve_pixels(geometry, source_rows, source_columns, from, panels, to, Row(geometry, row),
                      first, std::min(first + at_once, geometry.panels()));
}

constexpr DirectConvolutionCpu kDirectConvolutionCpu = {
    suits, panels, panel_values, arrange, rows, convolve, weight_scratch_values, weight_sums};

}  // namespace

const DirectConvolutionCpu* bf16_direct_convolution() { return &kDirectConvolutionCpu; }

}  // namespace onecycle::kernels

#else

namespace onecycle::kernels {

const DirectConvolutionCpu* bf16_direct_convolution() { return nullptr; }

}  // namespace onecycle::kernels

#endif
