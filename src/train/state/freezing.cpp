#include "onecycle/freezing.h"

#include "onecycle/error.h"
#include "onecycle/optimizer.h"

#include "core/text/format.h"
#include "optim/names.h"

#include <algorithm>
#include <limits>
#include <set>

namespace onecycle {

namespace {

constexpr std::int64_t kForever = std::numeric_limits<std::int64_t>::max();

// Whether each weight stands in a layer group up to the one that `to` names.
std::vector<bool> weights_up_to(const std::string& to, const Parameters& parameters,
                                std::size_t rule) {
  std::vector<bool> result(parameters.all().size(), false);
  std::string known;
  for (const LayerGroup& group : parameters.layer_groups()) {
    for (const std::size_t index : group.parameters) result[index] = true;
    known += (known.empty() ? "" : ", ") + group.name;
    const auto& children = group.children;
    if (group.name == to || std::find(children.begin(), children.end(), to) != children.end())
      return result;
  }
  throw FieldError(format("train.freeze[{}].to", rule),
                   format("no layer group '{}'; the model has {}", to, known));
}

// What one rule holds. Throws FieldError where that is nothing.
std::vector<bool> weights_of(const FreezeRule& options, const Parameters& parameters,
                             std::size_t rule) {
  std::vector<bool> result(parameters.all().size(), true);
  if (options.to) result = weights_up_to(*options.to, parameters, rule);
  for (std::size_t i = 0; i < result.size(); ++i) {
    const std::string& name = parameters.all()[i].name;
    if (!fits(options.match, name) || (options.except && fits(*options.except, name)))
      result[i] = false;
  }
  if (std::none_of(result.begin(), result.end(), [](bool picked) { return picked; }))
    throw FieldError(format("train.freeze[{}]", rule),
                     format("picks no parameter; the model has {}", names_of(parameters.all())));
  return result;
}

}  // namespace

Freezing::Freezing(const std::vector<FreezeRule>& rules, bool statistics,
                   const Parameters& parameters, std::int64_t total_steps)
    : spans_(parameters.all().size()), statistics_(statistics) {
  std::set<std::int64_t> starts{0};
  for (std::size_t rule = 0; rule < rules.size(); ++rule) {
    const Span span{rules[rule].from, rules[rule].until.value_or(kForever)};
    if (span.until <= span.from)
      throw FieldError(
          format("train.freeze[{}].until", rule),
          format("ends at step {}, not after step {}, where `from` begins", span.until, span.from));
    starts.insert({span.from, span.until});
    const std::vector<bool> picked = weights_of(rules[rule], parameters, rule);
    for (std::size_t i = 0; i < spans_.size(); ++i)
      if (picked[i]) spans_[i].push_back(span);
  }
  starts.erase(starts.lower_bound(std::max<std::int64_t>(1, total_steps)), starts.end());
  starts_.assign(starts.begin(), starts.end());
  for (const std::int64_t step : spans_.empty() ? std::vector<std::int64_t>{} : starts_) {
    bool trains = false;
    for (std::size_t i = 0; i < spans_.size(); ++i) trains = trains || !frozen_at(i, step);
    if (!trains)
      throw FieldError("train.freeze",
                       format("freezes every parameter {}, so that nothing trains; leave the head "
                              "out, with `to` or `except`",
                              step == 0 ? "at the start" : format("from step {} on", step)));
  }
}

std::int64_t Freezing::first_step(std::int64_t phase) const {
  return starts_.at(static_cast<std::size_t>(phase));
}

std::int64_t Freezing::phase_of(std::int64_t step) const {
  return std::upper_bound(starts_.begin(), starts_.end(), step) - starts_.begin() - 1;
}

std::int64_t Freezing::trains_from(std::size_t parameter) const {
  std::int64_t step = 0;
  while (step < kForever && frozen_at(parameter, step))
    for (const Span& span : spans_[parameter])
      if (span.from <= step) step = std::max(step, span.until);
  return step;
}

bool Freezing::frozen_at(std::size_t parameter, std::int64_t step) const {
  if (spans_.empty()) return false;
  const auto& spans = spans_.at(parameter);
  return std::any_of(spans.begin(), spans.end(),
                     [&](const Span& span) { return span.from <= step && step < span.until; });
}

bool Freezing::frozen(std::size_t parameter, std::int64_t phase) const {
  return frozen_at(parameter, first_step(phase));
}

void Freezing::apply(std::int64_t phase, Parameters& parameters) const {
  for (std::size_t i = 0; i < parameters.all().size(); ++i) {
    Parameter& parameter = parameters.all()[i];
    const bool held = frozen(i, phase);
    parameter.working.set_requires_grad(!held);
    parameter.updates_before = held ? 0 : trains_from(i);
  }
  for (const auto& layer : parameters.module().modules()) {
    if (!is_norm(*layer)) continue;
    const auto own = layer->parameters(false);
    const bool trains =
        std::any_of(own.begin(), own.end(), [](const at::Tensor& t) { return t.requires_grad(); });
    layer->train(trains || !statistics_);
  }
}

Freezing Freezing::held(std::int64_t phase) const {
  Freezing result;
  result.statistics_ = statistics_;
  for (std::size_t i = 0; i < spans_.size(); ++i)
    result.spans_.push_back(frozen(i, phase) ? std::vector{Span{0, kForever}}
                                             : std::vector<Span>{});
  return result;
}

}  // namespace onecycle
