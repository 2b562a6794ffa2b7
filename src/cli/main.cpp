#include "onecycle/error.h"
#include "onecycle/host_cache.h"
#include "onecycle/registry.h"

#include "cli/bus_error.h"
#include "cli/busy_machine.h"
#include "cli/command.h"
#include "cli/fit_batch_child.h"
#include "cli/output.h"
#include "cli/signals.h"
#include "cli/threads.h"
#include "core/format.h"
#include "core/host_memory.h"
#include "core/print.h"
#include "core/printable.h"
#include "core/process.h"
#include "kernels/processor.h"

#include <cstdio>
#include <cstring>
#include <exception>
#include <new>
#include <string>
#include <string_view>
#include <vector>

namespace onecycle {

namespace {

const Command kCommands[] = {
    {"train", "train what a recipe describes", train_command},
    {"tune", "Smith's whole procedure, to a tuned recipe with its evidence", tune_command},
    {"range-test", "the largest useful learning rate, by Smith's LR range test",
     range_test_command},
    {"fit-batch", "the largest batch that fits, the fastest, and one to train with",
     fit_batch_command},
    {"lr-find", "the same as range-test", range_test_command},
    {"search", "grid, random and halving search over any keys of a recipe", search_command},
    {"eval", "accuracy, confusions and calibration of trained weights on a data set", eval_command},
    {"predict", "the classes that a trained network gives to pictures", predict_command},
    {"export", "a run's weights for PyTorch, or as plain safetensors", export_command},
    {"import", "what a file of weights holds, and whether a model takes it", import_command},
    {"report", "one HTML page about a run or a range test, with its plots", report_command},
    {"schedule", "learning rate, momentum and weight decay over a run, without running it",
     schedule_command},
    {"check", "validate recipes: every key, with file, line and column", check_command},
    {"data", "list, verify, describe, fetch and pack data sets", data_command},
    {"info", "devices, libraries, versions and build options", info_command},
    {"schema", "the recipe's JSON Schema, or its reference page", schema_command},
};

constexpr const char* kProgramExamples = R"(
Examples:
  onecycle train recipes/quickstart.yaml
  onecycle train recipes/quickstart.yaml --set schedule.lr_max=0.2 --set train.duration=10ep
  onecycle check recipes/*.yaml
`onecycle COMMAND --help` shows a command's options and examples.
)";

void print_help() {
  print(
      "onecycle trains neural networks by Leslie Smith's disciplined approach.\n\n"
      "Usage: onecycle COMMAND [OPTION]...\n\nCommands:\n");
  for (const Command& command : kCommands) print("  {:<10}{}\n", command.name, command.summary);
  print("{}", kProgramExamples);
}

const Command& find_command(const std::string& name) {
  std::vector<std::string> known;
  for (const Command& command : kCommands) {
    if (name == command.name) return command;
    known.emplace_back(command.name);
  }
  const std::string nearest = nearest_name(name, known);
  throw UsageError(format("no command '{}'{}; `onecycle --help` lists them", name,
                          nearest.empty() ? "" : ", did you mean '" + nearest + "'?"));
}

int run(int argc, char** argv) {
  const std::string_view first = argc > 1 ? argv[1] : "--help";
  if (first == "--help" || first == "-h" || first == "help") {
    print_help();
    return argc > 1 ? 0 : 2;
  }
  if (first == "--version") {
    print("onecycle {}\n", ONECYCLE_VERSION);
    return 0;
  }
  (void)kernels::processor();  // what ONECYCLE_CPU says is no level: told before anything is done
  const Command& command = find_command(std::string(first));
  const BusyMachineWatch busy_machine;
  return command.run(argc - 1, argv + 1);
}

// Without a message where another rank has told the user.
int fail(const std::string& message, int exit_code) {
  if (message.empty()) return exit_code;
  print(stderr, "onecycle: {}\n", visible(message));
  return exit_code;
}

// The exit code after everything printed has left the process.
int after_output(int exit_code) {
  const Output output = finish_output();
  if (output == Output::written || exit_code != 0) return exit_code;
  return fail(output == Output::unread
                  ? ""
                  : "writing to stdout failed, and part of it is lost: is its disk full?",
              1);
}

bool asked_for_details(int argc, char** argv) {
  for (int i = 1; i < argc; ++i)
    if (std::strcmp(argv[i], "-v") == 0 || std::strcmp(argv[i], "--verbose") == 0) return true;
  return false;
}

// ATen's errors carry a stack trace after their first line.
std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }

}  // namespace

int run_program(int argc, char** argv) {
  explain_bus_errors();
  try {
    // What a process holds on to would be missing from a measured or a limited amount.
    if (!is_measuring_child(argc - 1, argv + 1) && data_limit() == kNoLimit) cache_host_memory();
    heed_cpu_quota();
    return after_output(run(argc, argv));
  } catch (const Error& error) {
    return fail(error.what(), error.exit_code());
  } catch (const FitBatchInterrupted& interrupted) {
    return fail("interrupted", 128 + interrupted.signal_number);
  } catch (const std::bad_alloc&) {
    return fail("out of memory", 1);
  } catch (const std::exception& error) {
    if (asked_for_details(argc, argv)) return fail(error.what(), 1);
    return fail(first_line(error.what()) + " (-v shows where)", 1);
  }
}

}  // namespace onecycle

int main(int argc, char** argv) {
  onecycle::prepare_process();
  const onecycle::SignalThread signals;
  return onecycle::run_program(argc, argv);
}
