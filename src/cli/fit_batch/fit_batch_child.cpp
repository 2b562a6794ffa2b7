#include "cli/fit_batch/fit_batch_child.h"

#include "onecycle/error.h"

#include "core/process/child_process.h"
#include "core/text/format.h"
#include "core/text/json_text.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <csignal>
#include <cstring>

namespace onecycle {

namespace {

using Clock = ChildProcess::Clock;

constexpr std::chrono::milliseconds kTick{200};  // between looks at requests to stop

std::string death_of(const ChildProcess& child) {
  const int signal = child.killed_by();
  if (signal == 0) return format("ended with exit code {}", child.exit_code());
  const char* name = strsignal(signal);
  return format("ended by signal {} ({})", signal, name != nullptr ? name : "?");
}

void take(const std::string& line, ChildOutcome& outcome) {
  const Json json = Json::parse(line, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) {
    if (!line.empty()) outcome.why = line;
    return;
  }
  const std::string event = json.value("event", "");
  if (event == "built") outcome.built = json;
  if (event == "result") outcome.result = json;
  if (event == "failed") outcome.why = json.value("message", "");
  if (event != "error") return;
  const std::string message = json.value("message", "");
  if (json.value("exit_code", 1) == 2) throw RecipeError(message);
  throw Error(message);
}

}  // namespace

ChildOutcome run_child(const Json& request, std::optional<double> seconds, bool progress,
                       const StopSignal& stop) {
  const auto deadline =
      Clock::now() + std::chrono::milliseconds(std::llround(1e3 * seconds.value_or(1e9)));
  ChildProcess child(
      {.arguments = {"fit-batch", "--child", json_text(request)},
       .errors = progress ? ChildStart::Errors::own : ChildStart::Errors::with_output,
       .leads_a_group = false});  // Ctrl-Z stops it too
  if (child.failure() != 0)
    throw Error(format("cannot start a child process: {}", std::strerror(child.failure())));
  ChildOutcome outcome;
  std::string text;
  bool late = false;
  while (!stop.requested() && !late && child.read(text, std::min(deadline, Clock::now() + kTick)))
    late = Clock::now() >= deadline;
  if (stop.requested()) throw FitBatchInterrupted{stop.signal_number()};
  if (late) child.signal(SIGKILL);
  child.wait();
  // The terminal's Ctrl-C reaches the child too.
  if (stop.requested()) throw FitBatchInterrupted{stop.signal_number()};
  for (std::size_t begin = 0, end = 0; begin < text.size(); begin = end + 1) {
    end = std::min(text.find('\n', begin), text.size());
    take(text.substr(begin, end - begin), outcome);
  }
  if (!outcome.result.is_null()) return outcome;
  if (late) outcome.why = format("it took longer than {:.4g} s", *seconds);
  if (!late && (outcome.why.empty() || child.killed_by() != 0)) outcome.why = death_of(child);
  return outcome;
}

}  // namespace onecycle
