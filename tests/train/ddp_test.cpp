// A step of several ranks against Python's DistributedDataParallel (ddp.py) on the same weights and
// samples.

#include "onecycle/loader.h"

#include "core/text/format.h"
#include "support/places.h"
#include "support/ranks.h"
#include "support/temporary_folder.h"
#include "train/support.h"

#include <cstdlib>
#include <gtest/gtest.h>

namespace onecycle {
namespace {

const std::vector<std::string> kSettings = {
    "model={name: resnet8}", "train.precision=fp64", "train.duration=1it",
    "optimizer={name: sgd, momentum: 0, weight_decay: 0}", "schedule={name: constant, lr: 1}"};

std::string python() {
  const char* given = std::getenv("ONECYCLE_PYTHON");
  return given != nullptr ? given : "";
}

RecipeRun run_on(const std::shared_ptr<Group>& group, std::int64_t batch) {
  std::vector<std::string> settings = kSettings;
  settings.push_back(format("data.batch_size={}", batch));
  Environment environment;
  environment.group = group;
  return build(tiny_recipe(settings), environment);
}

// The run's first step's samples and its weights before.
Snapshot first_step(std::int64_t batch) {
  const onecycle::RecipeRun run = run_on(alone(), batch);
  LoaderOptions options;
  options.dtype = at::kDouble;
  options.batch_size = batch;
  options.mean = run.data.mean;
  options.std = run.data.std;
  options.seed = run.options.seed;
  const Batch samples = Loader(run.data.train, options).train_rows(0, 0, batch);
  Snapshot snapshot;
  copy_out(ordered_model_tensors(*run.parameters), "model.", snapshot);
  snapshot.tensors.push_back({"images", samples.inputs.contiguous()});
  snapshot.tensors.push_back({"labels", samples.targets});
  return snapshot;
}

TEST(DistributedDataParallel, GivesTheSameGradients) {
  if (python().empty()) GTEST_SKIP() << "needs a Python with torch in ONECYCLE_PYTHON";
  const TemporaryFolder folder;
  const Snapshot start = first_step(16);
  write_checkpoint(folder / "in", start);
  const std::string command = format("'{}' -B '{}/tests/train/ddp.py' {} {} 2", python(),
                                     source_dir(), folder / "in", folder / "out");
  ASSERT_EQ(std::system(command.c_str()), 0);
  TensorsByName expected;
  for (const NamedTensor& item : read_checkpoint(folder / "out").tensors)
    expected[item.name] = item.tensor;

  std::vector<double> differences(2, 1);
  testing::on_ranks(2, [&](const std::shared_ptr<Group>& group) {
    onecycle::RecipeRun run = run_on(group, 8);
    Trainer trainer(run);
    ASSERT_EQ(trainer.fit().steps, 1);
    double largest = 0;
    std::size_t compared = 0;
    for (const Parameter& parameter : run.parameters->all()) {
      for (const NamedTensor& before : start.tensors) {
        if (before.name != "model." + parameter.name) continue;
        const at::Tensor gradient = before.tensor - parameter.master;  // at a rate of 1
        const at::Tensor difference = gradient - expected.at(parameter.name);
        largest = std::max(largest, difference.abs().max().item<double>());
        EXPECT_GT(expected.at(parameter.name).abs().max().item<double>(), 1e-6) << parameter.name;
        ++compared;
      }
    }
    EXPECT_EQ(compared, expected.size());
    differences[static_cast<std::size_t>(group->rank())] = largest;
  });
  EXPECT_LT(differences[0], 1e-12);
  EXPECT_LT(differences[1], 1e-12);
}

}  // namespace
}  // namespace onecycle
