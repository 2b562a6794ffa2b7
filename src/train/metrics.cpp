#include "train/metrics.h"

#include "kernels/current_stream.h"

#include <algorithm>
#include <cstring>

#include <ATen/ATen.h>

namespace onecycle {

using kernels::MetricSums;

namespace {

// The bytes where they are.
at::Tensor bytes_of(MetricSums& sums) {
  return at::from_blob(&sums, {static_cast<std::int64_t>(sizeof sums)}, at::kByte);
}

}  // namespace

Metrics::Metrics(at::Device device) {
  MetricSums zero;
  sums_ = bytes_of(zero).to(device, /*non_blocking=*/false, /*copy=*/true);
}

void Metrics::add(const at::Tensor& mean_loss, const at::Tensor& logits, const at::Tensor& labels) {
  auto* sums = static_cast<MetricSums*>(sums_.mutable_data_ptr());
  const at::Tensor rows = logits.contiguous();
  const auto* loss = mean_loss.const_data_ptr<float>();
  const auto* values = rows.const_data_ptr<float>();
  const auto* targets = labels.const_data_ptr<std::int64_t>();
  if (sums_.is_cuda()) {
    kernels::add_metrics_cuda(sums, loss, values, targets, rows.size(0), rows.size(1),
                              kernels::current_stream(sums_.device()));
  } else {
    kernels::add_metrics_cpu(sums, loss, values, targets, rows.size(0), rows.size(1));
  }
}

MetricSums Metrics::read() const {
  MetricSums result;
  const at::Tensor on_host = sums_.cpu();
  std::memcpy(&result, on_host.const_data_ptr(), sizeof result);
  return result;
}

void Metrics::write(const MetricSums& sums) {
  MetricSums copy = sums;
  sums_.copy_(bytes_of(copy));
}

MetricSums sum_over(Group& group, const MetricSums& own) {
  if (group.size() == 1) return own;
  // Counts are exact in doubles up to 2^53.
  const auto all =
      group.gather({own.loss, static_cast<double>(own.correct), static_cast<double>(own.samples),
                    static_cast<double>(own.batches), static_cast<double>(own.first_bad)});
  MetricSums sums;
  for (const auto& one : all) {
    sums.loss += one[0];
    sums.correct += static_cast<std::int64_t>(one[1]);
    sums.samples += static_cast<std::int64_t>(one[2]);
    sums.batches = std::max(sums.batches, static_cast<std::int64_t>(one[3]));
    const auto bad = static_cast<std::int64_t>(one[4]);
    if (bad >= 0) sums.first_bad = sums.first_bad < 0 ? bad : std::min(sums.first_bad, bad);
  }
  return sums;
}

Score score_between(const MetricSums& before, const MetricSums& after) {
  Score score;
  score.samples = after.samples - before.samples;
  const auto count = static_cast<double>(std::max<std::int64_t>(1, score.samples));
  score.loss = (after.loss - before.loss) / count;
  score.accuracy = static_cast<double>(after.correct - before.correct) / count;
  return score;
}

}  // namespace onecycle
