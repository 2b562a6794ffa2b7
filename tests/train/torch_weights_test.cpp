// Weights from Python and back: networks that PyTorch saved in every kind of file compute the same
// logits here, and what is written here loads strictly there (torch_weights.py).

#include "onecycle/models.h"
#include "onecycle/optimizer.h"

#include "data/tensor_bytes.h"
#include "formats/torch/torch_writer.h"
#include "network/weights.h"
#include "support/places.h"
#include "support/temporary_folder.h"
#include "train/support.h"

#include <cstdlib>
#include <gtest/gtest.h>

#include <ATen/ATen.h>

namespace onecycle {
namespace {

std::string python() {
  const char* given = std::getenv("ONECYCLE_PYTHON");
  return given != nullptr ? given : "";
}

bool run_script(const std::string& arguments) {
  const std::string command =
      "'" + python() + "' -B '" + source_dir() + "/tests/train/torch_weights.py' " + arguments;
  return std::system(command.c_str()) == 0;
}

struct Network {
  explicit Network(const std::string& name)
      : model(builtin_models().make(name, {3, 48, 40, 11, 5})),
        parameters(model, at::kCPU, at::kFloat, at::MemoryFormat::ChannelsLast) {
    model->eval();
  }

  std::shared_ptr<Model> model;
  Parameters parameters;
};

void write_exports(const Network& network, const std::string& path) {
  Snapshot snapshot;
  copy_out(ordered_model_tensors(network.parameters), "", snapshot);
  std::vector<StoredTensor> tensors;
  for (const NamedTensor& item : snapshot.tensors)
    tensors.push_back(stored(item.name, item.tensor));
  write_torch(path + ".exported.pth", tensors);
  write_safetensors(path + ".exported.safetensors", tensors, {{"format", "pt"}});
}

void compare(const std::string& name) {
  if (python().empty()) GTEST_SKIP() << "needs a Python with torch in ONECYCLE_PYTHON";
  const TemporaryFolder folder;
  ASSERT_TRUE(run_script("make " + folder.path() + " " + name));
  const at::NoGradGuard no_grad;
  TensorsByName expected;
  for (const NamedTensor& item : read_checkpoint(folder / (name + ".expected")).tensors)
    expected[item.name] = item.tensor;
  for (const char* kind : {"archive", "legacy", "wrapped", "strided", "safetensors"}) {
    SCOPED_TRACE(kind);
    Network network(name);
    const WeightsReport report = load_weights(folder / (name + "." + kind), network.parameters);
    EXPECT_EQ(report.loaded, ordered_model_tensors(network.parameters).size());
    const at::Tensor logits = network.model->forward(expected.at("images"));
    EXPECT_LE((logits - expected.at("logits")).abs().max().item<float>(), 1e-4);
    EXPECT_GT(logits.abs().max().item<float>(), 0.1);
    if (kind == std::string("archive")) write_exports(network, folder / name);
  }
  EXPECT_TRUE(run_script("check " + folder.path() + " " + name));
}

TEST(TorchWeights, ResNet18) { compare("resnet18"); }

// Half a gigabyte each.
TEST(TorchWeights, LargerResNets) {
  if (std::getenv("ONECYCLE_LONG_TESTS") == nullptr) GTEST_SKIP() << "set ONECYCLE_LONG_TESTS=1";
  compare("resnet34");
  compare("resnet50");
}

}  // namespace
}  // namespace onecycle
