#include "train/step/step.h"

#include "onecycle/convolution_gradient.h"

#include "network/input_format.h"
#include "train/run_plan.h"
#include "train/step/hardest_rows.h"

#include <utility>

#include <ATen/ATen.h>
#include <ATen/record_function.h>

namespace onecycle {

Step::Step(const Run& run, std::function<void(const std::string&)> warn,
           std::function<void()> after_update)
    : Step(run, std::move(warn), std::move(after_update),
           recorder_for(run.options.graph, run.compute.device)) {}

Step::Step(const Run& run, std::function<void(const std::string&)> warn,
           std::function<void()> after_update, std::unique_ptr<GraphRecorder> recorder)
    : run_(run),
      grouped_norms_(grouped_norms(*run.model)),
      after_update_(std::move(after_update)),
      sums_(run.compute.device),
      graph_(std::move(recorder), run.options.graph == GraphChoice::on, *run.group,
             {[this] { queue(); }, [this] { start_over(); }, std::move(warn)}) {
  run.train->set_format(input_format(*run.model, run.compute));
  repair_convolution_gradients();  // the model may be the caller's own
}

void Step::weights_changed() {
  graph_.renew([this] {
    std::vector<at::Tensor> weights;
    for (const Parameter& parameter : run_.parameters->all())
      if (parameter.working.requires_grad()) weights.push_back(parameter.working);
    reduction_.reset();  // two at once would both listen to the gradients
    reduction_ = run_.group->reduce(std::move(weights), run_.options.gradient_format);
  });
}

// Gradients that were to be filled by a graph go, and the reduction that waits for the rest of
// them.
void Step::start_over() {
  for (Parameter& parameter : run_.parameters->all()) parameter.working.mutable_grad().reset();
  weights_changed();
}

void Step::run(std::int64_t step, const Hyper& hyper) {
  const StepPlan& plan = run_.steps;
  run_.optimizer->write(hyper);
  run_.train->seek(step / plan.steps_per_epoch,
                   step % plan.steps_per_epoch * samples_computed(run_));
  graph_.run();
  if (run_.hardest) run_.hardest->note(step);
}

// The part of a step that is the same in all of them. The step's samples are cut into one part for
// each pass of each rank, equal but for one sample.
void Step::queue() {
  const StepPlan& plan = run_.steps;
  const std::int64_t passes = plan.micro_batches();
  const std::int64_t parts = passes * plan.ranks;
  const std::int64_t samples = samples_computed(run_);
  weight_.reset();
  for (std::int64_t pass = 0; pass < passes; ++pass) {
    const std::int64_t part = pass * plan.ranks + run_.group->rank();
    const std::int64_t first = samples * part / parts;
    const std::int64_t last = samples * (part + 1) / parts;
    reduction_->begin(pass + 1 == passes);
    const StatisticsPass statistics(grouped_norms_, pass, passes);
    add_gradients(batch_of(first, last - first), part);
  }
  reduction_->finish();
  RECORD_USER_SCOPE("onecycle::update");
  if (weight_.defined()) divide_by_weight();
  if (run_.options.grad_clip) clip_gradients();
  run_.optimizer->step();
  after_update_();
}

// The scopes are the phases that a profile tells apart.
Batch Step::batch_of(std::int64_t first, std::int64_t count) {
  RECORD_USER_SCOPE("onecycle::data");
  return run_.train->rows(first, count);
}

void Step::add_gradients(Batch batch, std::int64_t part) {
  const auto [outputs, loss] = forward(batch, part);
  const at::Tensor weight = run_.task->total_weight(batch);
  backward(loss, batch, weight);
  RECORD_USER_SCOPE("onecycle::metrics");
  at::Tensor mean = loss.detach();
  if (weight.defined()) {  // so that sums do not depend on how samples are shared among passes
    mean = mean * (weight / batch.valid);
    weight_ = weight_.defined() ? weight_ + weight : weight;
    sums_.member(&kernels::MetricSums::weight).add_(weight);
  }
  run_.task->add(mean, outputs.detach(), batch, sums_);
}

std::pair<at::Tensor, at::Tensor> Step::forward(Batch& batch, std::int64_t part) {
  RECORD_USER_SCOPE("onecycle::forward");
  at::Tensor outputs = run_.model->forward(batch.inputs);
  if (c10::isReducedFloatingType(outputs.scalar_type())) outputs = outputs.to(at::kFloat);
  if (run_.hardest) outputs = run_.hardest->keep(*run_.task, outputs, batch, part);
  at::Tensor loss = run_.task->loss(outputs, batch);
  return {std::move(outputs), std::move(loss)};
}

void Step::backward(const at::Tensor& loss, const Batch& batch, const at::Tensor& total_weight) {
  RECORD_USER_SCOPE("onecycle::backward");
  at::Tensor root = loss;
  // The reduction takes the mean over the ranks.
  const std::int64_t weight = batch.valid * run_.steps.ranks;
  if (total_weight.defined())  // times samples of weight 1 on average: near the mean in size
    root = root * (total_weight * (static_cast<double>(run_.steps.ranks) /
                                   static_cast<double>(run_.steps.total_batch)))
                      .to(root.scalar_type());
  else if (weight != run_.steps.total_batch)
    root = root * (static_cast<double>(weight) / static_cast<double>(run_.steps.total_batch));
  if (const auto* scale = run_.optimizer->loss_scale())
    root = root * scale->member(&kernels::LossScale::scale);
  root.backward();
}

// One copy from the device, whatever there is to read.
kernels::MetricSums Step::read() {
  const auto* scale = run_.optimizer->loss_scale();
  if (scale == nullptr) return sum_over(*run_.group, sums_.read());
  const at::Tensor both = at::cat({sums_.words(), scale->words()}).cpu();
  scale_ = scale->value_in(both, sums_.words().numel());
  return sum_over(*run_.group, sums_.value_in(both));
}

void Step::restore(const kernels::MetricSums& sums,
                   const std::optional<kernels::LossScale>& scale) {
  kernels::MetricSums own = sums;
  if (!run_.group->is_leader()) own = {0, 0, sums.batches, sums.first_bad};
  sums_.write(own);
  if (auto* buffer = run_.optimizer->loss_scale()) {
    scale_ = scale.value_or(kernels::LossScale{});
    buffer->write(*scale_);
  }
}

// The gradients are those of the weighted sum divided by the step's samples.
void Step::divide_by_weight() {
  const at::NoGradGuard no_grad;
  if (run_.group->size() > 1) {
    at::Tensor sum = weight_.view({1}).clone();
    run_.group->all_reduce(sum);
    weight_ = sum.select(0, 0);
  }
  const at::Tensor factor = run_.steps.total_batch / weight_;
  for (const Parameter& parameter : run_.parameters->all())
    if (at::Tensor gradient = parameter.working.grad(); gradient.defined()) gradient.mul_(factor);
}

// By the norm over all of them, as torch.nn.utils.clip_grad_norm_ does.
void Step::clip_gradients() {
  constexpr double kTiny = 1e-6;
  const at::NoGradGuard no_grad;
  std::vector<at::Tensor> gradients;
  std::vector<at::Tensor> norms;
  for (const Parameter& parameter : run_.parameters->all()) {
    if (!parameter.working.grad().defined()) continue;
    gradients.push_back(parameter.working.grad());
    norms.push_back(
        at::linalg_vector_norm(gradients.back(), 2, {}, false, parameter.master.scalar_type()));
  }
  if (norms.empty()) return;
  at::Tensor norm = at::linalg_vector_norm(at::stack(norms));
  if (const auto* scale = run_.optimizer->loss_scale())
    norm = norm * scale->member(&kernels::LossScale::inverse);
  const at::Tensor factor = (*run_.options.grad_clip / (norm + kTiny)).clamp_max(1);
  for (at::Tensor& gradient : gradients) gradient.mul_(factor);
}

}  // namespace onecycle
