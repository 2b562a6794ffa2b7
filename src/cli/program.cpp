#include "cli/program.h"

#include "onecycle/device_settings.h"
#include "onecycle/error.h"
#include "onecycle/host_cache.h"
#include "onecycle/registry.h"

#include "cli/busy_machine.h"
#include "cli/command.h"
#include "cli/console.h"
#include "cli/fit_batch/fit_batch_child.h"
#include "cli/process.h"
#include "cli/signals.h"
#include "core/memory/host_memory.h"
#include "core/process/this_process.h"
#include "core/text/format.h"
#include "core/text/print.h"
#include "core/text/printable.h"
#include "front/help.h"
#include "kernels/processor.h"

#include <cstdio>
#include <cstring>
#include <exception>
#include <map>
#include <new>
#include <string>
#include <string_view>
#include <vector>

namespace onecycle {

namespace {

using CommandFunction = int (*)(int argc, char** argv);

const std::map<std::string_view, CommandFunction> kCommands = {
    {"train", train_command},
    {"tune", tune_command},
    {"range-test", range_test_command},
    {"fit-batch", fit_batch_command},
    {"lr-find", range_test_command},
    {"search", search_command},
    {"eval", eval_command},
    {"predict", predict_command},
    {"export", export_command},
    {"import", import_command},
    {"report", report_command},
    {"schedule", schedule_command},
    {"check", check_command},
    {"data", data_command},
    {"weights", weights_command},
    {"info", info_command},
    {"schema", schema_command},
};

CommandFunction find_command(const std::string& name) {
  const auto found = kCommands.find(name);
  if (found != kCommands.end()) return found->second;
  std::vector<std::string> known;
  for (const CommandSummary& command : kCommandSummaries) known.emplace_back(command.name);
  const std::string nearest = nearest_name(name, known);
  throw UsageError(format("no command '{}'{}; `{} --help` lists them", name,
                          nearest.empty() ? "" : ", did you mean '" + nearest + "'?",
                          program_name()));
}

int run_command(int argc, char** argv) {
  const std::string answer = answer_without_command(argv[1]);
  if (!answer.empty()) {
    print("{}", answer);
    return argc > 1 ? 0 : 2;
  }
  (void)kernels::processor();  // what ONECYCLE_CPU says is no level: told before anything is done
  const CommandFunction command = find_command(argv[1]);
  const BusyMachineWatch busy_machine;
  return command(argc - 1, argv + 1);
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

// Throws nothing: whatever went wrong is one line on stderr.
int run_or_tell(int argc, char** argv) {
  explain_bus_errors();
  try {
    // What a process holds on to would be missing from a measured or a limited amount.
    if (!is_measuring_child(argc - 1, argv + 1) && data_limit() == kNoLimit) cache_host_memory();
    heed_cpu_quota();
    return after_output(run_command(argc, argv));
  } catch (const Error& error) {
    return fail(error.what(), error.exit_code());
  } catch (const FitBatchInterrupted& interrupted) {
    return fail("interrupted", 128 + interrupted.signal_number);
  } catch (const std::bad_alloc&) {
    end_without_memory(fail("out of memory", 1));
  } catch (const std::exception& error) {
    if (asked_for_details(argc, argv)) return fail(error.what(), 1);
    if (const auto operation = operation_not_deterministic(error))
      return fail("train.deterministic: " + not_deterministic_text(*operation), 1);
    // ATen's errors carry a stack trace after their first line.
    return fail(first_line(error.what()) + " (-v shows where)", 1);
  }
}

}  // namespace

int run_program(int argc, char** argv) {
  prepare_process();
  set_program_name(argc > 0 ? argv[0] : nullptr);
  const SignalThread signals;
  return run_or_tell(argc, argv);
}

}  // namespace onecycle
