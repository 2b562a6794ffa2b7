// A real run that trains in turns, for bench/run:
//   bench_turns RECIPE [--set KEY=VALUE]...

#include "turns.h"

#include "onecycle/error.h"
#include "onecycle/host_cache.h"

#include "cli/command.h"

#include <iostream>
#include <optional>

#include <ATen/detail/CUDAHooksInterface.h>

namespace onecycle {
namespace {

class InTurns : public Observer {
 public:
  explicit InTurns(at::Device device) : device_(device) {}

  void on_run_begin(const RunBegin&) override { turns_.emplace(); }
  void on_batch_end(const BatchEnd&) override {
    if (turns_->ends() && device_.is_cuda())
      at::detail::getCUDAHooks().deviceSynchronize(device_.index());
    turns_->done();
  }

 private:
  at::Device device_;
  std::optional<Turns> turns_;
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
  InTurns turns(run.compute.device);
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
