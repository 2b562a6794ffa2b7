#include "dist/launch/launcher.h"

#include "core/process/processors.h"
#include "core/process/this_process.h"
#include "core/text/format.h"
#include "core/text/number.h"
#include "core/text/print.h"
#include "core/text/printable.h"
#include "dist/group/sealed_store.h"
#include "dist/launch/launch_attempt.h"

#include <cstdlib>
#include <string_view>
#include <unistd.h>

extern char** environ;

namespace onecycle {

namespace {

constexpr const char* kHost = "127.0.0.1";
constexpr const char* kLauncher = "ONECYCLE_LAUNCHER";
constexpr std::chrono::seconds kStoreTimeout{30};

// This process's environment with some variables given or replaced.
class RankEnvironment {
 public:
  RankEnvironment() {
    for (char** variable = environ; *variable != nullptr; ++variable)
      variables_.emplace_back(*variable);
    for (const char* own : {"RANK=", "LOCAL_RANK=", "ONECYCLE_RESUME="}) drop(own);
  }
  void set(const std::string& name, const std::string& value) {
    drop(name + "=");
    variables_.push_back(name + "=" + value);
  }
  const std::vector<std::string>& variables() const { return variables_; }

 private:
  void drop(std::string_view start) {
    std::erase_if(variables_, [&](const std::string& text) { return text.starts_with(start); });
  }

  std::vector<std::string> variables_;
};

RankEnvironment environment_of(const LaunchOptions& options, std::uint16_t port,
                               const std::string& secret) {
  RankEnvironment environment;
  environment.set("WORLD_SIZE", std::to_string(options.ranks));
  environment.set("LOCAL_WORLD_SIZE", std::to_string(options.ranks));
  environment.set("MASTER_ADDR", kHost);
  environment.set("MASTER_PORT", std::to_string(port));
  environment.set("TORCHELASTIC_USE_AGENT_STORE", "True");
  environment.set("ONECYCLE_STORE_SECRET", secret);
  environment.set(kLauncher, std::to_string(::getpid()));
  if (std::getenv("OMP_NUM_THREADS") == nullptr)
    environment.set("OMP_NUM_THREADS", std::to_string(share_of_processors(options.ranks)));
  return environment;
}

}  // namespace

int launch(const LaunchOptions& options) {
  std::signal(SIGUSR1, SIG_IGN);  // ranks start so, with nothing to save; the queue gets it still
  SignalQueue signals(LaunchAttempt::signals());
  const auto store = serve_store(kHost, 0, kStoreTimeout);
  if (options.verbose)
    print(stderr, "onecycle: the store is served at {}:{}\n", kHost, store->getPort());
  const std::string secret = new_secret();
  RankEnvironment environment = environment_of(options, store->getPort(), secret);
  for (std::int64_t number = 0;; ++number) {
    environment.set("ONECYCLE_ATTEMPT", std::to_string(number));
    LaunchAttempt attempt(options, store_of_attempt(store, number, secret), signals);
    attempt.start(environment.variables());
    const LaunchAttempt::End end = attempt.run();
    if (!end.lost_a_rank || number >= options.max_restarts) return end.exit_code;
    const std::string folder = attempt.folder();
    if (!folder.empty()) environment.set("ONECYCLE_RESUME", folder);
    print(stderr, "onecycle: all {} ranks start again (restart {} of {}){}\n", options.ranks,
          number + 1, options.max_restarts,
          folder.empty() ? "" : ", from the last checkpoint in " + visible(folder));
  }
}

void live_with_launcher() {
  const char* launcher = std::getenv(kLauncher);
  if (launcher == nullptr) return;
  const auto pid = parse_integer(launcher);
  ::unsetenv(kLauncher);  // what this process starts is no child of the launcher
  if (pid) live_no_longer_than(static_cast<pid_t>(*pid));
}

}  // namespace onecycle
