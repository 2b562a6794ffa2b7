// Weights of any module, into files and out of them.

#include "onecycle/weights.h"

#include "onecycle/error.h"

#include "support/temporary_folder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ATen/ATen.h>
#include <torch/nn/modules/activation.h>
#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/linear.h>

namespace onecycle::testing {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

torch::nn::Sequential network(std::uint64_t seed, std::int64_t outputs = 3) {
  at::manual_seed(seed);
  torch::nn::Sequential net(torch::nn::Linear(4, 6), torch::nn::BatchNorm1d(6), torch::nn::ReLU(),
                            torch::nn::Linear(6, outputs));
  net->forward(at::randn({8, 4}));  // statistics of its own
  return net;
}

std::vector<at::Tensor> state_of(const torch::nn::Module& module) {
  std::vector<at::Tensor> state;
  for (const at::Tensor& one : module.parameters()) state.push_back(one.detach().clone());
  for (const at::Tensor& one : module.buffers()) state.push_back(one.clone());
  return state;
}

bool equal(const std::vector<at::Tensor>& a, const std::vector<at::Tensor>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](const at::Tensor& x, const at::Tensor& y) { return x.equal(y); });
}

std::string failure_of(const std::function<void()>& call) {
  try {
    call();
  } catch (const CheckpointError& error) {
    return error.what();
  }
  return "";
}

TEST(ModuleWeights, AreWhatWasSaved) {
  const TemporaryFolder folder;
  const torch::nn::Sequential saved = network(1);
  for (const char* name : {"w.safetensors", "w.pth", "w.pt"}) {
    const std::string path = folder / name;
    save_weights(*saved, path);
    torch::nn::Sequential loaded = network(2);
    const void* memory = loaded->parameters()[0].data_ptr();
    const WeightsReport report = load_weights(*loaded, path);
    EXPECT_EQ(report.loaded, 9U);
    EXPECT_EQ(report.file, path);
    EXPECT_TRUE(equal(state_of(*loaded), state_of(*saved))) << name;
    EXPECT_EQ(loaded->parameters()[0].data_ptr(), memory);
    EXPECT_TRUE(loaded->parameters()[0].requires_grad());
  }
  EXPECT_THROW(save_weights(*saved, folder / "w.bin"), Error);
}

TEST(ModuleWeights, GoIntoAModuleOnTheStackAndAnotherType) {
  const TemporaryFolder folder;
  const std::string path = folder / "w.safetensors";
  torch::nn::LinearImpl saved(4, 2), loaded(4, 2);
  save_weights(saved, path);
  loaded.to(at::kDouble);
  load_weights(loaded, path);
  EXPECT_TRUE(loaded.weight.equal(saved.weight.to(at::kDouble)));
}

TEST(ModuleWeights, OfAnotherShapeAreNamedAndNothingIsChanged) {
  const TemporaryFolder folder;
  const std::string path = folder / "w.safetensors";
  save_weights(*network(1), path);
  torch::nn::Sequential other = network(2, 5);
  const auto before = state_of(*other);
  EXPECT_THAT(failure_of([&] { load_weights(*other, path); }),
              AllOf(HasSubstr(path), HasSubstr("3.weight"), HasSubstr("3x6"), HasSubstr("5x6")));
  EXPECT_TRUE(equal(state_of(*other), before));

  WeightsOptions partial;
  partial.match = WeightsMatch::partial;
  const WeightsReport report = load_weights(*other, path, partial);
  EXPECT_EQ(report.loaded, 7U);
  EXPECT_THAT(report.left, ElementsAre(HasSubstr("3.weight"), HasSubstr("3.bias")));
  EXPECT_TRUE(other->parameters()[0].equal(network(1)->parameters()[0]));
}

TEST(ModuleWeights, FollowRenames) {
  const TemporaryFolder folder;
  const std::string path = folder / "w.pth";
  torch::nn::Linear saved(4, 2);
  save_weights(*saved, path);
  torch::nn::Sequential loaded(torch::nn::Linear(4, 2));
  EXPECT_THAT(failure_of([&] { load_weights(*loaded, path); }), HasSubstr("0.weight"));
  WeightsOptions options;
  options.rename = {{"^(weight|bias)$", "0.$1"}};
  EXPECT_EQ(load_weights(*loaded, path, options).loaded, 2U);
  EXPECT_TRUE(loaded->parameters()[0].equal(saved->weight));
}

}  // namespace
}  // namespace onecycle::testing
