#include "onecycle/batch_recipes.h"
#include "onecycle/build.h"
#include "onecycle/error.h"

#include "cli/command.h"
#include "cli/console.h"
#include "cli/fit_batch/fit_batch_child.h"
#include "cli/ranks.h"
#include "core/process/this_process.h"
#include "core/text/metric_text.h"
#include "core/text/printable.h"
#include "observe/divergence.h"
#include "observe/progress.h"
#include "recipe/recipe_text.h"
#include "train/memory.h"
#include "tuning/batch_size/batch_limit.h"

#include <new>
#include <string_view>
#include <unistd.h>

namespace onecycle {

namespace {

void print_built(const Run& run, const MemoryLimit& limit) {
  Json built = {
      {"event", "built"}, {"train_samples", run.train->size()}, {"limit_bytes", limit.bytes()}};
  add_metric(built, run.task->metrics());
  print_json(built);
}

void probe(const Json& request, const Recipe& recipe, const Environment& environment,
           const MemoryLimit& limit) {
  const Run run = build(probe_recipe(recipe, request.at("batch")), environment);
  print_built(run, limit);
  const BatchProbe probe = probe_batch(run);
  if (!probe.fits) return print_json({{"event", "failed"}, {"message", probe.why}});
  print_json({{"event", "result"},
              {"samples_per_second", probe.samples_per_second},
              {"peak_bytes", limit.peak()}});
}

void trial(const Json& request, const Recipe& recipe, const Environment& environment,
           const MemoryLimit& limit) {
  const Run run = build(recipe, environment);
  print_built(run, limit);
  DivergenceWatch divergence(recipe.stop.divergence_factor, recipe.stop.divergence_window);
  Progress progress(stderr, /*terminal=*/true, /*verbose=*/false);
  std::vector<Observer*> observers = {&divergence};
  if (request.at("progress").get<bool>()) observers.push_back(&progress);
  std::optional<double> seconds;
  if (request.contains("seconds")) seconds = request.at("seconds").get<double>();
  const BatchTrial trial = train_trial(run, seconds, observers);
  if (!trial.failure.empty()) return print_json({{"event", "failed"}, {"message", trial.failure}});
  print_json({{"event", "result"},
              {"lr_max", trial.lr_max},
              {"steps", trial.steps},
              {"planned", trial.planned},
              {"seconds", trial.seconds},
              {"validation", trial.validation},
              {"test", trial.test}});
}

void measure(const Json& request) {
  const Environment environment = shipped_environment(alone_in_place());
  const Recipe recipe =
      read_resolved(request.at("recipe"), "the resolved recipe", environment.registries);
  std::optional<std::int64_t> device_bytes;
  if (request.contains("memory")) device_bytes = request.at("memory").get<std::int64_t>();
  const MemoryLimit limit(recipe.train.device, request.at("limit"), device_bytes,
                          request.at("margin"));
  if (request.contains("batch")) {
    probe(request, recipe, environment, limit);
  } else {
    trial(request, recipe, environment, limit);
  }
}

int failed(const std::string& message) {
  print_json({{"event", "failed"}, {"message", first_line(message)}});
  return 1;
}

}  // namespace

bool is_measuring_child(int argc, char** argv) {
  return argc == 3 && std::string_view(argv[0]) == "fit-batch" &&
         std::string_view(argv[1]) == "--child";
}

int measure_in_child(const char* request) {
  live_no_longer_than(::getppid());
  try {
    measure(Json::parse(request));
    return 0;
  } catch (const Error& error) {
    print_json({{"event", "error"}, {"message", error.what()}, {"exit_code", error.exit_code()}});
    return error.exit_code();
  } catch (const std::bad_alloc&) {
    return failed("out of memory");
  } catch (const c10::Error& error) {
    return failed(is_out_of_memory(error) ? "out of memory" : error.what_without_backtrace());
  } catch (const std::exception& error) {
    return failed(error.what());
  }
}

}  // namespace onecycle
