#include "kernels/cuda_on_host.h"

#include "kernels/metrics/metrics.cuh"
#include "support/formula.h"
#include "support/guarded.h"

#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>
#include <limits>
#include <string>
#include <utility>
#include <vector>

// The code of the GPU's kernel, walked on the CPU, and the CPU's own beside std::max_element.
namespace onecycle::kernels {
namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();

struct Batch {
  Batch(std::int64_t samples, std::int64_t classes, std::size_t shift = 0)
      : num_samples(samples), num_classes(classes), first(shift) {
    const auto values = formula("logits", samples * classes + static_cast<std::int64_t>(shift), 8);
    logits.assign(values.begin(), values.end());
    for (std::int64_t i = 0; i < samples; ++i) {
      const std::int64_t best = std::max_element(row(i), row(i) + classes) - row(i);
      labels.push_back(i % 7 == 3 ? -1 : i % 3 == 0 ? i % classes : best);
    }
  }

  float* row(std::int64_t i) { return logits.data() + first + i * num_classes; }
  const float* row(std::int64_t i) const { return logits.data() + first + i * num_classes; }

  MetricSums expected(MetricSums sums) const {
    double counted = 0;
    for (std::int64_t i = 0; i < num_samples; ++i) {
      const std::int64_t label = labels[static_cast<std::size_t>(i)];
      if (label < 0) continue;
      counted += 1;
      sums.own[0] += std::max_element(row(i), row(i) + num_classes) - row(i) == label;
    }
    if (!(std::abs(mean_loss) < kInfinity) && sums.first_bad < 0) sums.first_bad = sums.batches;
    sums.loss += mean_loss * counted;
    sums.samples += counted;
    sums.batches += 1;
    return sums;
  }

  std::int64_t num_samples;
  std::int64_t num_classes;
  std::size_t first;
  std::vector<float> logits = {};
  std::vector<std::int64_t> labels = {};
  float mean_loss = 1.3f;
};

void expect_same(const MetricSums& sums, const MetricSums& expected) {
  EXPECT_EQ(sums.loss, expected.loss);
  EXPECT_EQ(sums.samples, expected.samples);
  EXPECT_EQ(sums.batches, expected.batches);
  EXPECT_EQ(sums.first_bad, expected.first_bad);
  EXPECT_EQ(sums.weight, expected.weight);
  EXPECT_TRUE(std::equal(sums.own, sums.own + kMostSums, expected.own));
}

// `blocks`: in place of as many as are launched.
MetricSums walked(const Batch& batch, const MetricSums& before, unsigned blocks = 0,
                  Walk how = Walk::threads) {
  Guarded<MetricSums> sums(std::vector<MetricSums>{before});
  run_metrics_kernel(batch.num_samples, batch.num_classes, [&](auto kernel, unsigned launched) {
    walk(how, blocks == 0 ? launched : blocks, kMetricsThreads, kernel, sums.data(),
         &batch.mean_loss, batch.row(0), batch.labels.data(), batch.num_samples, batch.num_classes);
  });
  EXPECT_TRUE(sums.is_intact());
  return sums[0];
}

void expect_right(const Batch& batch, const MetricSums& before = {}) {
  const MetricSums expected = batch.expected(before);
  MetricSums on_cpu = before;
  add_metrics_cpu(&on_cpu, &batch.mean_loss, batch.row(0), batch.labels.data(), batch.num_samples,
                  batch.num_classes);
  {
    SCOPED_TRACE("the CPU's");
    expect_same(on_cpu, expected);
  }
  SCOPED_TRACE("the kernel");
  for (const Walk how : {Walk::threads, Walk::threads_backwards})
    expect_same(walked(batch, before, 0, how), expected);
}

TEST(MetricsKernel, CountsAsTheCpu) {
  for (const auto& [samples, classes] : std::vector<std::pair<std::int64_t, std::int64_t>>{
           {0, 10}, {1, 1}, {1, 3}, {512, 10}, {257, 31}, {31, 32}, {1024, 1000}}) {
    SCOPED_TRACE(std::to_string(samples) + " x " + std::to_string(classes));
    expect_right(Batch(samples, classes));
  }
  for (const std::size_t shift : {1U, 2U}) expect_right(Batch(33, 1001, shift));
}

TEST(MetricsKernel, LossesInFp64KeepTheirDigits) {
  const Batch batch(31, 3);
  const double loss = 1 + 1e-12;
  MetricSums on_cpu, on_gpu;
  add_metrics_cpu(&on_cpu, &loss, batch.row(0), batch.labels.data(), batch.num_samples,
                  batch.num_classes);
  run_metrics_kernel(batch.num_samples, batch.num_classes, [&](auto kernel, unsigned blocks) {
    walk(blocks, kMetricsThreads, kernel, &on_gpu, &loss, batch.row(0), batch.labels.data(),
         batch.num_samples, batch.num_classes);
  });
  EXPECT_EQ(on_cpu.loss, loss * on_cpu.samples);
  EXPECT_EQ(on_gpu.loss, on_cpu.loss);
}

TEST(MetricsKernel, MoreRowsThanTheBlocksTakeAtOnce) {
  for (const std::int64_t classes : {3, 33}) {
    const Batch batch(1000, classes);
    for (const unsigned blocks : {1U, 3U}) {
      SCOPED_TRACE(std::to_string(classes) + " classes, blocks " + std::to_string(blocks));
      expect_same(walked(batch, {}, blocks), batch.expected({}));
    }
  }
  const auto blocks_of = [](std::int64_t samples, std::int64_t classes) {
    unsigned result = 0;
    run_metrics_kernel(samples, classes, [&](auto, unsigned blocks) { result = blocks; });
    return result;
  };
  EXPECT_EQ(blocks_of(512, 10), 2);
  EXPECT_EQ(blocks_of(1024, 1000), 128);
  EXPECT_EQ(blocks_of(0, 1000), 1);  // which counts the batch
  EXPECT_EQ(blocks_of(1 << 20, 1000), kMostMetricsBlocks);
}

TEST(MetricsKernel, AddsToWhatIsThere) {
  MetricSums before;
  before.loss = .25;
  before.samples = 100;
  before.batches = 4;
  before.own[0] = 60;
  before.own[kMostSums - 1] = 8;
  before.weight = 2;
  Batch batch(300, 40);
  expect_right(batch, before);
  batch.mean_loss = kNan;
  for (const double bad : {-1., 2.}) {
    before.first_bad = bad;
    const MetricSums after = walked(batch, before);
    EXPECT_EQ(after.first_bad, bad < 0 ? 4 : 2);
    EXPECT_EQ(after.own[0], batch.expected(before).own[0]);
  }
}

// The first of equal ones is the largest; a NaN is it in the first place alone; no class of that
// number: wrong, and nothing read.
TEST(MetricsKernel, TiesNansAndLabelsOfNoClass) {
  for (const std::int64_t classes : {5, 33}) {
    SCOPED_TRACE(classes);
    Batch batch(9 * classes, classes);
    for (std::int64_t i = 0; i < batch.num_samples; ++i) {
      float* row = batch.row(i);
      const std::int64_t label = i % classes;
      batch.labels[static_cast<std::size_t>(i)] = label;
      std::fill_n(row, classes, i / classes == 8 ? -kInfinity : 0.0f);
      switch (i / classes) {
        case 1:
          row[label] = 1;
          break;
        case 2:
          row[label] = 1;
          row[0] = kNan;
          break;
        case 3:
          row[label] = kNan;
          break;
        case 4:
          row[label] = row[classes - 1] = kInfinity;
          break;
        case 5:
          row[label] = 1;
          row[(label + 1) % classes] = kNan;
          break;
        case 6:
          std::fill_n(row, classes, kNan);
          break;
        case 7:
          row[label] = -0.0f;
          break;
      }
    }
    expect_right(batch);
    for (std::int64_t& label : batch.labels) label += classes;
    expect_right(batch);
  }
}

}  // namespace
}  // namespace onecycle::kernels
