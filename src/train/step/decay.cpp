#include "train/step/decay.h"

#include "core/text/format.h"
#include "schedule/survey.h"

#include <algorithm>
#include <cmath>

namespace onecycle {

DecaySummary summarise_decay(const Schedule& schedule, const UpdateRule& rule, std::int64_t total) {
  double largest = 0;
  double lr_decay = 0;  // sum of lr_t lambda_t
  double momentum = 0;
  survey(schedule, total, [&](std::int64_t, const Hyper& hyper, std::int64_t count) {
    const auto steps = static_cast<double>(count);
    largest = std::max(largest, hyper.weight_decay);
    lr_decay += steps * hyper.lr * hyper.weight_decay;
    momentum += steps * hyper.momentum / static_cast<double>(total);
  });
  const double gain = rule.form == MomentumForm::ema ? 1 : 1 / (1 - momentum);
  double to_decoupled = 1;
  if (rule.decay == DecayMode::l2) to_decoupled = gain;
  if (rule.decay == DecayMode::independent) to_decoupled = 1 / rule.lr_max;
  DecaySummary summary;
  summary.decoupled = largest * to_decoupled;
  summary.l2 = summary.decoupled / gain;
  summary.independent = summary.decoupled * rule.lr_max;
  summary.exponent = lr_decay * to_decoupled;
  return summary;
}

std::string decay_text(const Schedule& schedule, const UpdateRule& rule, std::int64_t total) {
  const DecaySummary summary = summarise_decay(schedule, rule, total);
  if (summary.decoupled == 0) return "none";
  if (rule.adaptive && rule.decay == DecayMode::l2)
    return format("{:.3g} l2, divided by the gradients' size: no equivalent in the other modes",
                  summary.l2);
  const std::string l2 = format("{:.3g} l2", summary.l2);
  const std::string decoupled = format("{:.3g} decoupled", summary.decoupled);
  const std::string independent = format("{:.3g} independent", summary.independent);
  std::string text;
  if (rule.decay == DecayMode::l2) text = l2 + " = about " + decoupled + ", " + independent;
  if (rule.decay == DecayMode::decoupled) text = decoupled + " = " + independent;
  if (rule.decay == DecayMode::independent) text = independent + " = " + decoupled;
  if (rule.decay != DecayMode::l2 && !rule.adaptive) text += ", about " + l2;
  return text + format("; alone it shrinks weights to {:.3g} of their size over the run",
                       std::exp(-summary.exponent));
}

}  // namespace onecycle
