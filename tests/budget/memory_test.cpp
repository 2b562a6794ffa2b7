// The peak of a step's tensors against PyTorch's for the same work: weights, gradients, momentum,
// batch and activations; data sets not counted. Of what libraries allocate beside ATen nothing is
// known, on either side.

#include "budget/window.h"
#include "core/text/format.h"
#include "support/counting_allocator.h"
#include "support/places.h"
#include "support/temporary_folder.h"
#include "train/support.h"

#include <cstdlib>
#include <gtest/gtest.h>

namespace onecycle::testing {
namespace {

constexpr std::int64_t kFirstCounted = 2;
constexpr std::int64_t kLastCounted = 5;

double our_peak(const std::vector<std::string>& overrides) {
  const Recipe recipe = tiny_recipe(overrides);
  const DataSet data = build(recipe, Environment()).data;
  CountingAllocator& allocator = CountingAllocator::install();
  const std::int64_t before = allocator.live_bytes();
  Run run = build_on(data, recipe, Environment());
  double peak = 0;
  Window window;
  window.first = kFirstCounted;
  window.last = kLastCounted;
  window.begin = [&] { allocator.forget_peak(); };
  window.end = [&] { peak = static_cast<double>(allocator.peak_bytes() - before); };
  window.train(run);
  return peak;
}

double pytorch_peak(const std::string& net, const std::string& precision, int batch) {
  const TemporaryFolder folder;
  const std::string command = format("'{}' -B '{}/tests/budget/memory.py' '{}' {} {} {} > '{}'",
                                     std::getenv("ONECYCLE_PYTHON"), source_dir(),
                                     built("tests/budget/libstep_counting_module.so"), net,
                                     precision, batch, folder / "peak");
  if (std::system(command.c_str()) != 0) return 0;
  return std::stod(read_bytes(folder / "peak"));
}

void compare(const std::string& net, const std::string& precision, int batch, int channels,
             int side) {
  const char* python = std::getenv("ONECYCLE_PYTHON");
  if (python == nullptr || *python == '\0')
    GTEST_SKIP() << "needs a Python with torch in ONECYCLE_PYTHON";
  const std::string model = net == "mlp" ? "{name: mlp, hidden: [256, 128]}" : net;
  const double ours = our_peak(
      {format("data.format={{name: synthetic, train: {}, test: 10, classes: 10, channels: {}, "
              "height: {}, width: {}}}",
              6 * batch, channels, side, side),
       format("data.batch_size={}", batch), "data.validation=0", "model=" + model,
       "train.duration=6it", "train.log_every=1000", "train.evaluate_every=1000it",
       "train.precision=" + precision});
  const double pytorch = pytorch_peak(net, precision, batch);
  ASSERT_GT(pytorch, 0);
  std::cout << format("{} {}: {:.2f} MB, PyTorch {:.2f} MB, ratio {:.3f}\n", net, precision,
                      ours / 1e6, pytorch / 1e6, ours / pytorch);
  EXPECT_LE(ours, 1.1 * pytorch);
}

TEST(LeanMemory, Mlp) { compare("mlp", "fp32", 128, 1, 28); }
TEST(LeanMemory, ResNet20) { compare("resnet20", "fp32", 32, 3, 32); }
TEST(LeanMemory, ResNet20InBf16) { compare("resnet20", "bf16", 32, 3, 32); }

}  // namespace
}  // namespace onecycle::testing
