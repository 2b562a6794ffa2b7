#include "cli/batch_notes.h"
#include "cli/train_run.h"
#include "core/text/format.h"
#include "data/sample_place.h"
#include "train/step/decay.h"

#include <algorithm>
#include <map>

namespace onecycle {

namespace {

// "2,048 = 256 per GPU × 4 GPUs × 2 accumulated"; a factor of 1 is left out.
std::string batch_text(const RecipeRun& run) {
  const StepPlan& steps = run.steps;
  const std::int64_t passes = steps.micro_batches();
  std::string text = grouped(steps.total_batch);
  if (steps.ranks == 1 && passes == 1) return text;
  text += " = " + pass_text(steps);
  const char* rank = run.compute.device.is_cuda() ? "GPU" : "rank";
  if (steps.ranks > 1) text += format(" per {} × {} {}s", rank, steps.ranks, rank);
  if (passes > 1) text += format(" × {} accumulated", passes);
  return text;
}

// What an extended schedule holds: one that had come down to almost nothing learns no more.
void describe_held(const RecipeRun& run, const Console& console) {
  constexpr double kSmallShare = 0.01;  // of the peak
  const auto& extensions = run.recipe.train.extensions;
  if (extensions.empty() || extensions.back().how != Extend::hold) return;
  const std::int64_t from = extensions.back().from.steps(run.steps.steps_per_epoch);
  if (from >= run.steps.total_steps) return;
  const double lr = run.schedule->at(from, run.steps.total_steps).lr;
  console.say(
      format("extension  holds a learning rate of {:.4g} from step {} on", lr, grouped(from)));
  if (lr < kSmallShare * run.rule.lr_max)
    console.warn(
        format("--extend hold: the schedule had come down to a learning rate of {:.4g}, {:.2g} of "
               "its peak, and stays there for {} steps, in which next to nothing is learned; to "
               "learn more: --extend new-cycle (or stretch)",
               lr, lr / run.rule.lr_max, grouped(run.steps.total_steps - from)));
}

// "0.0316", or "0.0316 to 2" where the weights of a group differ.
std::string rates_text(const RecipeRun& run, const LayerGroup& group) {
  double least = run.parameters->all()[group.parameters.front()].lr_scale;
  double most = least;
  for (const std::size_t index : group.parameters) {
    least = std::min(least, run.parameters->all()[index].lr_scale);
    most = std::max(most, run.parameters->all()[index].lr_scale);
  }
  return least == most ? format("{:.3g}", least) : format("{:.3g} to {:.3g}", least, most);
}

// "all along", "never", "from step 390 (epoch 1)", "until step 780 (epoch 2)" or several such.
std::string spans_text(const RecipeRun& run, std::size_t parameter) {
  std::string text;
  bool trains = true;
  for (std::int64_t phase = 0; phase < run.freezing.phases(); ++phase) {
    const std::int64_t step = run.freezing.first_step(phase);
    if (run.freezing.frozen(parameter, phase) != trains) continue;
    trains = !trains;
    if (step > 0)
      text += format("{}{} step {} (epoch {:.3g})", text.empty() ? "" : ", ",
                     trains ? "from" : "until", grouped(step),
                     static_cast<double>(step) / static_cast<double>(run.steps.steps_per_epoch));
  }
  if (!text.empty()) return text;
  return trains ? "all along" : "never";
}

// When a layer group trains, or how many of its parameters when.
std::string training_text(const RecipeRun& run, const LayerGroup& group) {
  std::map<std::pair<std::int64_t, std::string>, std::int64_t> weights;  // by first step and text
  for (const std::size_t index : group.parameters)
    weights[{run.freezing.trains_from(index), spans_text(run, index)}] +=
        run.parameters->all()[index].master.numel();
  std::string text;
  for (const auto& [key, count] : weights) {
    std::string when = key.second;
    if (weights.size() > 1) when = format("{} of them {}", grouped(count), when);
    text += (text.empty() ? "" : ", ") + when;
  }
  return text;
}

// A line a layer group where they are not all treated alike.
void describe_layers(const RecipeRun& run, const Console& console) {
  const auto& all = run.parameters->all();
  const bool alike = std::all_of(
      all.begin(), all.end(), [](const Parameter& parameter) { return parameter.lr_scale == 1; });
  if (alike && run.recipe.train.freeze.empty()) return;
  const auto groups = run.parameters->layer_groups();
  std::size_t width = std::string("group").size();
  for (const LayerGroup& group : groups) width = std::max(width, group.name.size());
  console.say(format("layers     {:<{}} {:>12}  {:<14}  {}", "group", width, "parameters",
                     "learning rate", "trains"));
  for (const LayerGroup& group : groups) {
    std::int64_t count = 0;
    for (const std::size_t index : group.parameters) count += all[index].master.numel();
    console.say(format("           {:<{}} {:>12}  x {:<12}  {}", group.name, width, grouped(count),
                       rates_text(run, group), training_text(run, group)));
  }
  if (!run.recipe.train.freeze.empty() && run.recipe.train.freeze_statistics)
    console.say("           norms of frozen layers keep their statistics");
}

}  // namespace

void describe(const RecipeRun& run, const Console& console) {
  const DataSet& data = run.data;
  const std::vector<std::int64_t> shape =
      data.is_pictures() ? std::vector{data.channels(), data.height(), data.width()}
                         : data.sample_shape();
  console.say(format("data       {}: {} train, {} validation, {} test; {}, {}", data.name,
                     grouped(data.train.size()), grouped(data.validation.size()),
                     grouped(data.test.size()), joined(shape, "x"),
                     counted(data.outputs(), data.target_kind)));
  if (data.read_from_host)
    console.say(format("           the GPU reads the images, {:.1f} GB, in the memory of the host",
                       static_cast<double>(image_bytes(data)) / 1e9));
  const ModelSummary summary = summarise(*run.model, run.context);
  console.say(format(
      "model      {}: {} parameters, {:.4g} M multiply-adds and {:.4g} kB of "
      "activations a sample",
      run.recipe.model.name, grouped(summary.parameters), static_cast<double>(summary.macs) / 1e6,
      static_cast<double>(summary.activation_bytes) / 1e3));
  if (run.proxy)
    console.say(
        format("proxy      {}: {} parameters; trained first, it chooses {} of every {} "
               "samples by their losses",
               run.recipe.train.proxy.model.name,
               grouped(summarise(*run.proxy->model, run.context).parameters),
               grouped(run.steps.total_batch), grouped(run.steps.read_batch)));
  if (run.weights) console.say("weights    " + run.weights->text());
  if (run.group->size() > 1)
    console.say(
        format("ranks      {}; the learning rate is the recipe's: no rule scales it with the "
               "total batch",
               run.group->summary()));
  console.say(format("training   total batch {}, {} steps an epoch, {} steps ({})", batch_text(run),
                     grouped(run.steps.steps_per_epoch), grouped(run.steps.total_steps),
                     run.recipe.train.duration.text()));
  if (const std::string norms = norms_note(run); !norms.empty()) console.say("norms      " + norms);
  console.say(format("schedule   {} to a learning rate of {:.4g}; {}", run.recipe.schedule.name,
                     run.rule.lr_max, run.recipe.optimizer.name));
  if (const std::string rate = rate_note(run); !rate.empty()) console.warn(rate);
  describe_held(run, console);
  console.say("decay      " + decay_text(*run.schedule, run.rule, run.steps.total_steps));
  describe_layers(run, console);
  console.say(format("computing  {}", run.compute.summary));
}

}  // namespace onecycle
