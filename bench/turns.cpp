// A real run that trains in turns, for bench/run:
//   bench_turns RECIPE [--set KEY=VALUE]...
// Says "ready" before the first step; each line "N" on stdin is answered, N steps later, with the
// seconds that they took. Between turns it sleeps; at the end of stdin it ends.

#include "onecycle/error.h"
#include "onecycle/host_cache.h"

#include "cli/command.h"
#include "core/text/format.h"

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <iostream>

#include <ATen/detail/CUDAHooksInterface.h>

namespace onecycle {
namespace {

class Turns : public Observer {
 public:
  explicit Turns(at::Device device) : device_(device) {}

  void on_run_begin(const RunBegin&) override {
    std::cout << "ready" << std::endl;
    wait();
  }
  void on_batch_end(const BatchEnd&) override {
    if (--left_ > 0) return;
    if (device_.is_cuda()) at::detail::getCUDAHooks().deviceSynchronize(device_.index());
    const std::chrono::duration<double> taken = Clock::now() - began_;
    std::cout << format("{:.6f}", taken.count()) << std::endl;
    wait();
  }

 private:
  using Clock = std::chrono::steady_clock;

  void wait() {
    if (!(std::cin >> left_)) std::_Exit(0);  // no evaluation, no files
    began_ = Clock::now();
  }

  at::Device device_;
  std::int64_t left_ = 0;
  Clock::time_point began_;
};

int run(int argc, char** argv) {
  CommandLine line("turns", "Trains what a recipe describes, in turns.", "RECIPE [--set K=V]...",
                   "");
  line.add_positional();
  line.add_set();
  if (!line.parse(argc, argv)) return 0;
  // Longer than anyone waits, without an evaluation.
  std::vector<std::string> overrides = {"train.duration=500ep", "train.evaluate_every=500ep"};
  for (const std::string& override : line.overrides()) overrides.push_back(override);
  cache_host_memory();  // as the program does
  const Environment environment = shipped_environment();
  const Run run = build(load_recipe(line.single("RECIPE"), overrides), environment);
  Trainer trainer(run);
  Turns turns(run.compute.device);
  trainer.observe(turns);
  trainer.fit();
  return 0;
}

}  // namespace
}  // namespace onecycle

int main(int argc, char** argv) {
  try {
    return onecycle::run(argc, argv);
  } catch (const std::exception& error) {
    std::cerr << "bench_turns: " << error.what() << '\n';
    return 1;
  }
}
