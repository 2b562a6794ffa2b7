#include "tuning/range_test/guessing.h"

#include "core/text/format.h"
#include "tuning/range_test/rules.h"

#include <algorithm>
#include <cmath>
#include <exception>
#include <numeric>

#include <ATen/ATen.h>
#include <torch/optim/lbfgs.h>

namespace onecycle {

namespace {

constexpr double kByChance = 0.01;  // of all looks together
constexpr std::int64_t kReadAtOnce = 100;

double mean_of(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

// [N, ...]: the targets of the first samples, on the host.
at::Tensor targets_of(const Run& run, std::int64_t samples) {
  Source& source = *run.validation;
  source.set_format({run.compute.device});
  std::vector<at::Tensor> parts;
  for (std::int64_t first = 0; first < samples; first += kReadAtOnce) {
    const std::int64_t count = std::min(kReadAtOnce, samples - first);
    parts.push_back(source.in_order(first, count, count).targets.narrow(0, 0, count).cpu());
  }
  return at::cat(parts);
}

bool are_classes(const Task& task, const at::Tensor& targets) {
  return task.targets().value_or(TargetKind::classes) == TargetKind::classes &&
         !targets.is_floating_point();
}

// How many samples, or places of them, each class has.
at::Tensor class_counts(const at::Tensor& targets) {
  const at::Tensor classes = targets.reshape(-1).to(at::kLong);
  return at::bincount(classes.masked_select(classes.ge(0)));
}

// Outputs of one sample, [1, ...], to begin the search with; undefined where their sizes are not
// known.
at::Tensor first_outputs(const Task& task, const at::Tensor& targets) {
  if (are_classes(task, targets))
    return (class_counts(targets).to(at::kDouble) + 0.1).log().unsqueeze(0);
  const std::int64_t values = targets.numel() / targets.size(0);
  const std::int64_t outputs = task.outputs(values);
  if (outputs != values) return at::zeros({1, outputs}, at::kDouble);
  if (task.targets() == TargetKind::values)
    return targets.to(at::kDouble).mean(0, /*keepdim=*/true);
  return at::zeros_like(targets.narrow(0, 0, 1), at::kDouble);
}

// Of the best outputs that are the same for all samples; empty where the task tells no losses of
// such outputs.
std::vector<double> constant_losses(const Task& task, const at::Tensor& targets) {
  const std::int64_t samples = targets.size(0);
  const Batch batch{{}, targets, {}, samples};
  at::Tensor constant = first_outputs(task, targets);
  std::vector<std::int64_t> sizes = constant.sizes().vec();
  sizes[0] = samples;
  const auto losses_of = [&](const at::Tensor& outputs) {
    return task.sample_losses(outputs.expand(sizes), batch);
  };
  const at::AutoGradMode with_gradients(true);
  constant.requires_grad_(true);
  const at::Tensor before = losses_of(constant);
  if (!before.defined() || before.dim() != 1 || before.size(0) != samples) return {};
  torch::optim::LBFGS search(
      {constant}, torch::optim::LBFGSOptions(1).max_iter(100).line_search_fn("strong_wolfe"));
  search.step([&] {
    search.zero_grad();
    at::Tensor loss = losses_of(constant).mean();
    loss.backward();
    return loss;
  });
  const at::Tensor losses = losses_of(constant).detach().to(at::kDouble).contiguous();
  const auto* first = losses.const_data_ptr<double>();
  return {first, first + samples};
}

// Losses of the samples where their mean, smoothed, is least; empty where they are not known.
std::vector<double> least_losses(const PooledSweeps& sweeps) {
  if (!sweeps.sample_losses || sweeps.sample_losses->empty()) return {};
  return *std::min_element(sweeps.sample_losses->begin(), sweeps.sample_losses->end(),
                           [](const auto& a, const auto& b) { return mean_of(a) < mean_of(b); });
}

}  // namespace

Guessing guessing_on(const Run& run, std::int64_t held_out) {
  Guessing guessing;
  if (run.validation) guessing.samples = std::min(held_out, run.validation->size());
  if (guessing.samples < 1) return guessing;
  const at::Tensor targets = targets_of(run, guessing.samples);
  if (are_classes(*run.task, targets)) {
    const at::Tensor counts = class_counts(targets);
    const auto samples = counts.sum().item<std::int64_t>();
    if (samples > 0)
      guessing.accuracy =
          static_cast<double>(counts.max().item<std::int64_t>()) / static_cast<double>(samples);
  }
  try {
    guessing.losses = constant_losses(*run.task, targets);
  } catch (const std::exception&) {
    // A task of one's own whose outputs are of other sizes: not known.
    guessing.losses.clear();
  }
  return guessing;
}

double largest_by_chance(std::int64_t count) {
  const double share = kByChance / static_cast<double>(std::max<std::int64_t>(1, count));
  double low = 0;
  double high = 40;
  for (int i = 0; i < 100; ++i) {
    const double middle = (low + high) / 2;
    (std::erfc(middle / std::sqrt(2.0)) / 2 > share ? low : high) = middle;
  }
  return high;
}

double accuracy_by_chance(double chance, std::int64_t samples, std::int64_t looks) {
  const auto n = static_cast<double>(std::max<std::int64_t>(1, samples));
  return std::min(1.0, chance + largest_by_chance(looks) * std::sqrt(chance * (1 - chance) / n));
}

bool less_than_by_chance(const std::vector<double>& losses, const std::vector<double>& constant,
                         std::int64_t looks) {
  const double error = paired_error(constant, losses);
  return mean_of(constant) - mean_of(losses) > largest_by_chance(looks) * error;
}

std::string no_better_than_guessing(const PooledSweeps& sweeps, const Guessing& guessing,
                                    std::int64_t looks) {
  const bool by_accuracy = sweeps.measure == Measure::accuracy && guessing.accuracy;
  const std::vector<double> losses = least_losses(sweeps);
  const bool by_losses = !losses.empty() && losses.size() == guessing.losses.size();
  if (!by_accuracy && !by_losses) return "";
  if (by_losses && less_than_by_chance(losses, guessing.losses, looks)) return "";
  if (!by_accuracy)
    return format(
        "no better than guessing: the held-out loss is {:.3g} at best, and outputs that are the "
        "same for all {} samples have {:.3g}; look at the targets, or hold more samples out",
        mean_of(losses), guessing.samples, mean_of(guessing.losses));
  const double best = reach_of(sweeps);
  const double chance = accuracy_by_chance(*guessing.accuracy, guessing.samples, looks);
  if (best > chance) return "";
  return format(
      "no better than guessing: {:.1f} % of {} held-out samples at best, and chance reaches "
      "{:.1f} %; look at the labels, or hold more samples out",
      100 * best, guessing.samples, 100 * chance);
}

}  // namespace onecycle
