#include "data/arrays/standardise.h"

#include "onecycle/error.h"

#include "core/text/format.h"
#include "data/moments.h"
#include "data/needed_memory.h"

#include <algorithm>
#include <utility>

#include <ATen/ATen.h>

namespace onecycle {

namespace {

constexpr std::int64_t kStandardisedAtOnce = 1 << 22;  // numbers: float64 ones are made of few

// Calls work(first, rows) for parts of [N,...].
template <class Work>
void in_parts(const at::Tensor& samples, Work work) {
  const std::int64_t count = samples.size(0);
  const std::int64_t numbers = samples.numel() / std::max<std::int64_t>(count, 1);
  const std::int64_t step =
      std::max<std::int64_t>(1, kStandardisedAtOnce / std::max<std::int64_t>(numbers, 1));
  for (std::int64_t first = 0; first < count; first += step)
    work(first, std::min(step, count - first));
}

// Of [F], float64.
std::vector<double> doubles(const at::Tensor& values) {
  const auto* first = values.const_data_ptr<double>();
  return {first, first + values.numel()};
}

}  // namespace

ChannelStatistics number_statistics(const at::Tensor& samples, const std::string& what) {
  const bool each = samples[0].numel() <= kMostNumberStatistics;
  const at::Tensor rows = each ? samples.flatten(1) : samples.reshape({-1, 1});
  const auto count = static_cast<double>(rows.size(0));
  const auto part = [&](std::int64_t first, std::int64_t size) {
    return rows.narrow(0, first, size).to(at::kDouble);
  };
  at::Tensor sum = at::zeros({rows.size(1)}, at::kDouble);
  at::Tensor varies = at::zeros({rows.size(1)}, at::kBool);
  in_parts(rows, [&](std::int64_t first, std::int64_t size) {
    sum += part(first, size).sum(0);
    varies.logical_or_(rows.narrow(0, first, size).ne(rows[0]).any(0));
  });
  const at::Tensor mean = sum / count;
  at::Tensor squares = at::zeros_like(sum);
  in_parts(rows, [&](std::int64_t first, std::int64_t size) {
    squares += (part(first, size) - mean).square().sum(0);
  });
  const at::Tensor std = (squares / count).sqrt();
  ChannelStatistics found{doubles(at::where(varies, mean, rows[0].to(at::kDouble))),
                          doubles(at::where(varies, std, at::ones_like(std)))};
  for (std::size_t i = 0; i < found.std.size(); ++i)
    check_moments({found.mean[i], found.std[i]},
                  each ? format("{}: number {} (counted from 0) of the inputs", what, i)
                       : format("{}: the numbers of the inputs", what));
  return found;
}

at::Tensor standardised(const at::Tensor& samples, const std::vector<double>& mean,
                        const std::vector<double>& std, const std::string& what,
                        std::int64_t first) {
  if (mean.empty()) return samples.to(at::kFloat);
  const auto of_sample = [&](const std::vector<double>& values) {
    const at::Tensor of_all = at::tensor(values, at::kDouble).to(samples.device());
    return values.size() == 1 ? of_all : of_all.view(samples.sizes().slice(1));
  };
  const at::Tensor means = of_sample(mean), deviations = of_sample(std);
  if (samples.device().is_cpu())
    require_memory(samples.numel() * static_cast<std::int64_t>(sizeof(float)),
                   format("{}: its {} standardised samples", what, samples.size(0)),
                   "use fewer samples");
  at::Tensor result = at::empty(samples.sizes(), samples.options().dtype(at::kFloat));
  in_parts(samples, [&](std::int64_t begin, std::int64_t size) {
    const at::Tensor part = samples.narrow(0, begin, size).to(at::kDouble);
    const at::Tensor made = result.narrow(0, begin, size).copy_((part - means) / deviations);
    const at::Tensor sound = made.isfinite().flatten(1).all(1);
    if (sound.all().item<bool>()) return;
    throw DataError(
        format("{}: sample {} (counted from 0) has a number so far from those trained on that it "
               "is beyond float32 when standardised; mend the sample, or leave it out",
               what, first + begin + sound.logical_not().nonzero()[0].item<std::int64_t>()));
  });
  return result;
}

}  // namespace onecycle
