#include "kernels/cuda_on_host.h"

#include "kernels/batch/gather.cuh"
#include "support/formula.h"
#include "support/guarded.h"

#include <cmath>
#include <cstring>
#include <functional>
#include <gtest/gtest.h>
#include <string>
#include <type_traits>
#include <vector>

// The code of the batch's kernels, walked on the CPU, beside the CPU's own: the same bits.
namespace onecycle::kernels {
namespace {

template <class T>
constexpr ScalarType kElement = ScalarType::f32;
template <>
inline constexpr ScalarType kElement<double> = ScalarType::f64;
template <>
inline constexpr ScalarType kElement<BFloat16> = ScalarType::bf16;
template <>
inline constexpr ScalarType kElement<Float16> = ScalarType::f16;

struct Shape {
  std::int64_t channels = 3;
  std::int64_t height = 0;
  std::int64_t width = 0;
  std::int64_t samples = 9;
  std::int64_t batch = 6;
  std::int64_t valid = 5;
};

// What a Gather points to, but for its output.
template <class In>
struct Source {
  explicit Source(const Shape& shape, std::size_t shift) {
    const std::int64_t size = shape.channels * shape.height * shape.width;
    for (const double value :
         formula("images", shape.samples * size + static_cast<std::int64_t>(shift), 1))
      images.push_back(std::is_same_v<In, float> ? static_cast<In>(value + .5)
                                                 : static_cast<In>((value + .5) * 255.99));
    for (const double value : formula("mean", size, 1)) mean.push_back(value + .5);
    for (std::int64_t i = 0; i < shape.samples; ++i) {
      labels.push_back(10 * i);
      order.push_back((4 * i + 3) % shape.samples);
      partner.push_back(shape.samples - 1 - i);
      rows.push_back((i + 2) % shape.samples);
      weight.push_back(.5f + .05f * static_cast<float>(i % 10));
    }
    for (std::int64_t i = 0; i < kCropSteps; ++i) {
      const double share = (static_cast<double>(i) + .5) / kCropSteps;
      const double area = (.1 + .9 * share) * static_cast<double>(shape.height * shape.width);
      const double aspect = std::exp((2 * share - 1) * std::log(4. / 3));
      tables.side[i] = std::llround(std::sqrt(area) * 65536);
      tables.aspect[i] = std::llround(std::sqrt(aspect) * 65536);
      tables.inverse[i] = std::llround(std::sqrt(1 / aspect) * 65536);
    }
    gather.pixel = std::is_same_v<In, float> ? Pixel::float32 : Pixel::uint8;
    gather.images = images.data() + shift;
    gather.labels = labels.data();
    gather.channels = shape.channels;
    gather.height = shape.height;
    gather.width = shape.width;
    gather.order = order.data();
    gather.offset = shape.samples > shape.batch ? 1 : 0;
    gather.batch = shape.batch;
    gather.valid = shape.valid;
    gather.seed = 7;
    gather.epoch = 3;
    gather.mean = mean.data();
    gather.inverse_std = inverse_std.data();
  }

  std::vector<In> images = {};
  std::vector<double> mean = {};
  std::vector<double> inverse_std = {4, 5, 2.5};
  std::vector<std::int64_t> labels = {}, order = {}, partner = {}, rows = {};
  std::vector<float> weight = {};
  CropTables tables = {};
  Gather gather = {};
};

// `gather`'s outputs, of `Out`.
template <class Out>
struct Batch {
  Batch(Gather gather_in, std::size_t shift)
      : gather(gather_in),
        out(static_cast<std::size_t>(gather.batch * gather.channels * gather.h() * gather.w()),
            shift),
        labels(static_cast<std::size_t>(gather.batch), shift),
        mix_labels(static_cast<std::size_t>(gather.batch), shift),
        mix_weight(static_cast<std::size_t>(gather.batch), shift),
        grey_sums(std::vector<std::int64_t>(static_cast<std::size_t>(2 * gather.batch)), shift) {
    gather.element = kElement<Out>;
    gather.out = out.data();
    gather.out_labels = labels.data();
    gather.out_mix_labels = mix_labels.data();
    gather.out_mix_weight = mix_weight.data();
    gather.grey_sums = grey_sums.data();
  }

  void walk_kernels() {
    run_gather_kernels(gather, [&](auto kernel) {
      walk(Walk::loop, gather_grid(gather), kGatherThreads, kernel, gather);
    });
  }

  template <class T>
  static bool same_bits(const Guarded<T>& a, const Guarded<T>& b) {
    return a.is_intact() && b.is_intact() &&
           std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0;
  }

  bool same_as(const Batch& other) const {
    return same_bits(out, other.out) && same_bits(labels, other.labels) &&
           same_bits(mix_labels, other.mix_labels) && same_bits(mix_weight, other.mix_weight) &&
           grey_sums.is_intact();
  }

  Gather gather;
  Guarded<Out> out;
  Guarded<std::int64_t> labels;
  Guarded<std::int64_t> mix_labels;
  Guarded<float> mix_weight;
  Guarded<std::int64_t> grey_sums;
};

template <class Out>
void expect_same_batch(const Gather& gather, std::size_t shift) {
  Batch<Out> walked(gather, shift), alone(gather, shift);
  walked.walk_kernels();
  gather_cpu(alone.gather, 0, gather.batch);
  EXPECT_TRUE(walked.same_as(alone)) << "element " << static_cast<int>(kElement<Out>);
}

using Change = std::function<void(Gather&)>;

template <class In>
void expect_same_batches(const Shape& shape, const Change& change, bool mixed = false,
                         bool cropped = false) {
  for (const std::size_t shift : {0U, 1U})
    for (const bool channels_last : {false, true}) {
      SCOPED_TRACE("shift " + std::to_string(shift) + (channels_last ? ", channels last" : ""));
      Source<In> source(shape, shift);
      Gather& gather = source.gather;
      gather.channels_last = channels_last;
      gather.rows = shift == 0 ? nullptr : source.rows.data();
      if (mixed) {
        gather.partner = source.partner.data();
        gather.mix_weight = source.weight.data();
      }
      if (cropped) {
        gather.crop = &source.tables;
        gather.fallback[2] = static_cast<std::int32_t>(shape.height);
        gather.fallback[3] = static_cast<std::int32_t>(shape.width);
      }
      change(gather);
      expect_same_batch<float>(gather, shift);
      expect_same_batch<double>(gather, shift);
      expect_same_batch<BFloat16>(gather, shift);
      expect_same_batch<Float16>(gather, shift);
    }
}

template <class In>
void expect_same_in_all_ways(const Change& change) {
  for (const bool mixed : {false, true})
    for (const auto& [height, width] :
         std::vector<std::pair<std::int64_t, std::int64_t>>{{1, 31}, {3, 11}, {20, 17}}) {
      SCOPED_TRACE(std::to_string(height) + " x " + std::to_string(width) +
                   (mixed ? ", mixed" : ""));
      expect_same_batches<In>({3, height, width}, change, mixed);
    }
}

void plain(Gather&) {}

void placed_anew(Gather& gather) {
  gather.pad_crop = 2;
  gather.flip = true;
  gather.cutout = 3;
}

void around_a_mean_image(Gather& gather) {
  placed_anew(gather);
  gather.mean_image = true;
}

void reflected_and_alternating(Gather& gather) {
  gather.pad_crop = gather.height > 1 ? 2 : 0;
  gather.pad_reflects = true;
  gather.flip = gather.flip_alternates = true;
}

void jittered(Gather& gather) {
  placed_anew(gather);
  for (int i = 0; i < 3; ++i) {
    gather.jitter_low[i] = .6f;
    gather.jitter_span[i] = .8f;
  }
}

TEST(GatherKernel, CopiesBytes) { expect_same_in_all_ways<std::uint8_t>(plain); }
TEST(GatherKernel, CopiesFloats) { expect_same_in_all_ways<float>(plain); }
TEST(GatherKernel, AugmentsBytes) { expect_same_in_all_ways<std::uint8_t>(placed_anew); }
TEST(GatherKernel, AugmentsFloats) { expect_same_in_all_ways<float>(placed_anew); }
TEST(GatherKernel, AroundAMeanImage) {
  expect_same_in_all_ways<std::uint8_t>(around_a_mean_image);
  expect_same_in_all_ways<float>(around_a_mean_image);
}
TEST(GatherKernel, Reflects) { expect_same_in_all_ways<std::uint8_t>(reflected_and_alternating); }
TEST(GatherKernel, JittersBytes) { expect_same_in_all_ways<std::uint8_t>(jittered); }
void values_jittered(Gather& gather) {
  placed_anew(gather);
  gather.value_shift = .14F;
  gather.value_scale = .13F;
}

TEST(GatherKernel, JittersValuesOfBytes) { expect_same_in_all_ways<std::uint8_t>(values_jittered); }
TEST(GatherKernel, JittersValuesOfFloats) { expect_same_in_all_ways<float>(values_jittered); }
TEST(GatherKernel, JittersFloats) { expect_same_in_all_ways<float>(jittered); }

TEST(GatherKernel, SamplesBoxes) {
  for (const bool mixed : {false, true}) {
    const auto smaller = [](Gather& gather) { gather.out_height = gather.out_width = 11; };
    expect_same_batches<std::uint8_t>({3, 20, 17}, smaller, mixed, true);
    expect_same_batches<float>({3, 20, 17}, jittered, mixed, true);
    expect_same_batches<float>({1, 20, 17}, smaller, mixed, true);
  }
}

TEST(GatherKernel, ReadsItsPositionWhereItRuns) {
  const GatherPosition position{2, 5};
  expect_same_in_all_ways<std::uint8_t>([&](Gather& gather) {
    placed_anew(gather);
    gather.position = &position;
    gather.offset = 0;
  });
}

// More elements than a row's blocks have threads, and more rows than a launch has of blocks.
TEST(GatherKernel, SizesBeyondTheGrid) {
  for (const std::int64_t width : {1, 31, 33, 1'000'003}) {
    SCOPED_TRACE(width);
    const Shape shape{1, 1, width, 2, 2, 2};
    for (const std::size_t shift : {0U, 1U}) {
      const Source<std::uint8_t> bytes(shape, shift);
      expect_same_batch<BFloat16>(bytes.gather, shift);
      const Source<float> floats(shape, shift);
      expect_same_batch<float>(floats.gather, shift);
    }
  }
  const std::int64_t rows = kMostRowsOfBlocks + 3;
  Source<std::uint8_t> many({1, 1, 1, rows, rows, rows - 1}, 0);
  EXPECT_EQ(gather_grid(many.gather).y, kMostRowsOfBlocks);
  expect_same_batch<float>(many.gather, 0);
}

TEST(GatherKernel, AnEmptyBatchLaunchesNothing) {
  Source<float> source({1, 2, 2}, 0);
  source.gather.batch = 0;
  run_gather_kernels(source.gather, [](auto) { ADD_FAILURE(); });
}

}  // namespace
}  // namespace onecycle::kernels
