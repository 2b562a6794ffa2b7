#include "onecycle/error.h"

#include "cli/command.h"
#include "core/format.h"
#include "core/number.h"
#include "core/print.h"
#include "train/decay.h"

#include <algorithm>
#include <iostream>
#include <nlohmann/json.hpp>

namespace onecycle {

namespace {

constexpr const char* kExamples = R"(  onecycle schedule recipes/quickstart.yaml
  onecycle schedule recipes/quickstart.yaml --set schedule.policy=smith --csv > schedule.csv
  onecycle schedule my.yaml --samples 1281167
)";

constexpr int kShownRows = 21;
constexpr int kBarCells = 40;

std::string bar(double share) {
  std::string text;
  for (int i = 0; i < static_cast<int>(std::lround(share * kBarCells)); ++i) text += "█";
  return text;
}

void print_csv(const Course& course) {
  print("step,lr,momentum,weight_decay\n");
  for (std::int64_t step = 0; step < course.steps.total_steps; ++step) {
    const Hyper hyper = course.schedule->at(step, course.steps.total_steps);
    print("{},{},{},{}\n", step, number_text(hyper.lr), number_text(hyper.momentum),
          number_text(hyper.weight_decay));
  }
}

void print_json(const Course& course) {
  for (std::int64_t step = 0; step < course.steps.total_steps; ++step) {
    const Hyper hyper = course.schedule->at(step, course.steps.total_steps);
    std::cout << nlohmann::ordered_json{{"event", "schedule"},
                                        {"step", step},
                                        {"lr", hyper.lr},
                                        {"momentum", hyper.momentum},
                                        {"weight_decay", hyper.weight_decay}}
                     .dump()
              << '\n';
  }
}

void print_table(const Course& course, const Console& console) {
  const std::int64_t total = course.steps.total_steps;
  const double peak = course.optimizer.rule.lr_max;
  console.say(format("{} steps, {} an epoch, total batch {}; learning rate at most {:.4g}",
                     grouped(total), grouped(course.steps.steps_per_epoch),
                     grouped(course.steps.total_batch), peak));
  console.say("decay: " + decay_text(*course.schedule, course.optimizer.rule, total) + "\n");
  print("{:>9}  {:>7}  {:>10}  {:>8}  {:>12}\n", "step", "epoch", "lr", "momentum", "weight decay");
  const std::int64_t rows = std::min<std::int64_t>(kShownRows, total);
  for (std::int64_t row = 0; row < rows; ++row) {
    const std::int64_t step = rows == 1 ? 0 : row * (total - 1) / (rows - 1);
    const Hyper hyper = course.schedule->at(step, total);
    const double epoch =
        static_cast<double>(step) / static_cast<double>(course.steps.steps_per_epoch);
    print("{:>9}  {:>7.2f}  {:>10.4g}  {:>8.4f}  {:>12.3g}  {}\n", step, epoch, hyper.lr,
          hyper.momentum, hyper.weight_decay, bar(peak > 0 ? hyper.lr / peak : 0));
  }
}

std::int64_t samples_of(const CommandLine& line, const Recipe& recipe,
                        const Registries& registries) {
  if (line.has("samples")) {
    const auto given = parse_integer(line.text("samples"));
    if (!given || *given < 1)
      throw UsageError("onecycle schedule: --samples: expected a number of training samples");
    return *given;
  }
  const auto planned = planned_samples(recipe, registries);
  if (!planned)
    throw UsageError(
        "onecycle schedule: the data set does not say how many samples it has; add "
        "--samples N, the size of its training part");
  return *planned;
}

}  // namespace

int schedule_command(int argc, char** argv) {
  CommandLine line(
      "schedule",
      "Learning rate, momentum and weight decay over a run: reads no data, needs no GPU.",
      "RECIPE [--csv] [--set KEY=VALUE]...", kExamples);
  line.add_positional();
  line.add_set();
  line.add_flag("csv", "step,lr,momentum,weight_decay of every step");
  line.add_option("samples", "N", "samples in the training part, where the data set does not say");
  if (!line.parse(argc, argv)) return 0;

  const Registries registries = shipped_registries();
  const Recipe recipe = load_recipe(line.single("RECIPE"), line.overrides(), registries);
  const Course course = plan_course(recipe, samples_of(line, recipe, registries), registries);
  if (line.has("csv")) {
    print_csv(course);
  } else if (line.json()) {
    print_json(course);
  } else {
    print_table(course, line.console());
  }
  return 0;
}

}  // namespace onecycle
