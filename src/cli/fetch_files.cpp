#include "cli/fetch_files.h"

#include "onecycle/fetch.h"

#include "cli/console.h"
#include "cli/progress.h"
#include "cli/signals.h"
#include "core/text/format.h"
#include "core/text/json.h"
#include "core/text/print.h"
#include "core/text/printable.h"

#include <chrono>
#include <cstdlib>

namespace onecycle {

namespace {

using Clock = std::chrono::steady_clock;

constexpr auto kBetweenLines = std::chrono::seconds(1);  // of JSON

double megabytes(double bytes) { return bytes / 1e6; }

std::string progress_text(const std::string& file, std::int64_t done, std::int64_t total,
                          double rate) {
  const std::string whole =
      total > 0 ? format(" of {:.1f}", megabytes(static_cast<double>(total))) : "";
  return format("{}: {:.1f}{} MB, {:.1f} MB/s", file, megabytes(static_cast<double>(done)), whole,
                megabytes(rate));
}

FetchWatch fetch_watch(const CommandLine& line, StatusLine& status, StopSignal& stop,
                       Clock::time_point& last) {
  FetchWatch watch;
  watch.stop = [&stop] { return stop.requested(); };
  watch.say = [&line, &status](const std::string& text) {
    status.clear();
    line.console().say(text);
  };
  watch.progress = [&line, &status, &last](const std::string& file, std::int64_t done,
                                           std::int64_t total, double rate) {
    status.show(progress_text(file, done, total, rate));
    if (!line.json() || Clock::now() - last < kBetweenLines) return;
    last = Clock::now();
    print_json(Json{{"event", "progress"},
                    {"file", file},
                    {"bytes", done},
                    {"total", total},
                    {"bytes_per_second", rate}});
  };
  return watch;
}

void say_file(const CommandLine& line, const FetchedFile& file) {
  const char* status = file.was_there ? "there" : "fetched";
  if (line.json())
    print_json(Json{{"event", "file"}, {"path", file.path}, {"status", status}});
  else
    line.console().say(format("{:<10}{}", status, file.path));
}

}  // namespace

int fetch_files(const CommandLine& line, const std::vector<Download>& downloads,
                const std::string& folder, const std::function<bool()>& whole) {
  FetchOptions how;
  how.folder = folder;
  if (const char* wait = std::getenv("ONECYCLE_FETCH_WAIT")) how.first_wait = std::atof(wait);
  StopSignal stop;
  const SignalScope signals(stop);
  StatusLine status(line.console());
  Clock::time_point last;
  const FetchWatch watch = fetch_watch(line, status, stop, last);
  try {
    for (const Download& download : downloads) {
      const FetchedFile file = fetch_file(download, how, watch);
      status.clear();
      say_file(line, file);
      if (whole()) break;
    }
  } catch (const FetchStopped& stopped) {
    status.clear();
    print(stderr, "onecycle: {}\n", visible(stopped.what()));
    return 128 + stop.signal_number();
  }
  return 0;
}

}  // namespace onecycle
