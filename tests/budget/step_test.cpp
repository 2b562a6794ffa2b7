// What a step of a real run asks of ATen: nothing that waits for the device, and no more operators
// and allocations than it did.

#include "budget/figures.h"
#include "budget/recipes.h"
#include "budget/window.h"
#include "kernels/convolution/direct_convolution.h"
#include "kernels/processor.h"
#include "support/counting_allocator.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ATen/ATen.h>
#include <ATen/record_function.h>

namespace onecycle::testing {
namespace {

// Those that read a value of a tensor on the host.
const std::vector<std::string> kSyncs = {"aten::_local_scalar_dense", "aten::item",
                                         "aten::is_nonzero", "aten::equal", "aten::nonzero"};

std::map<std::string, std::int64_t> calls;  // by operator

std::unique_ptr<at::ObserverContext> count(const at::RecordFunction& function) {
  calls[function.name()] += 1;
  return nullptr;
}

std::int64_t syncs() {
  std::int64_t sum = 0;
  for (const std::string& name : kSyncs) sum += calls[name];
  return sum;
}

struct Counts {
  double operators = 0;  // a step
  double allocations = 0;
};

Counts count_steps(
    const std::string& net, const std::function<void()>& after_each = [] {}) {
  Run run = lean_run(net);
  CountingAllocator& allocator = CountingAllocator::install();
  std::int64_t allocations = 0;
  at::CallbackHandle handle = 0;
  Window window;
  window.first = kFirst;
  window.last = kLast;
  window.each = after_each;
  window.begin = [&] {
    calls.clear();
    allocations = -allocator.allocations();
    handle = at::addThreadLocalCallback(
        at::RecordFunctionCallback(count).scopes({at::RecordScope::FUNCTION}));
  };
  window.end = [&] {
    at::removeCallback(handle);
    allocations += allocator.allocations();
  };
  window.train(run);
  std::int64_t operators = 0;
  for (const auto& [name, number] : calls) operators += number;
  constexpr double kSteps = kLast - kFirst;
  return {static_cast<double>(operators) / kSteps, static_cast<double>(allocations) / kSteps};
}

class LeanStep : public ::testing::TestWithParam<std::string> {};

TEST_P(LeanStep, WaitsForNothingAndStaysLean) {
  // No run is in bf16 where the processor has none, and ATen's loops in place of oneDNN's are other
  // operators.
  const std::string no_bf16 = kernels::why_no_bf16();
  if (GetParam().ends_with("-bf16") && !no_bf16.empty()) GTEST_SKIP() << no_bf16;
  if (GetParam() == "resnet8-direct" && kernels::direct_convolution() == nullptr)
    GTEST_SKIP() << "this processor has no AVX-512 BF16, or has matrix tiles";
  const Counts counts = count_steps(GetParam());
  EXPECT_EQ(syncs(), 0) << ::testing::PrintToString(calls);
  EXPECT_GT(counts.operators, 0);
  EXPECT_GT(counts.allocations, 0);
  expect_lean(GetParam(), "operators", counts.operators);
  expect_lean(GetParam(), "allocations", counts.allocations);
}

TEST(LeanStepCounter, SeesAValueReadOnTheHost) {
  const at::Tensor value = at::ones({1});
  count_steps("mlp", [&] { value.item<float>(); });
  EXPECT_EQ(calls["aten::item"], kLast - kFirst);
  EXPECT_EQ(syncs(), 2 * (kLast - kFirst));
}

INSTANTIATE_TEST_SUITE_P(, LeanStep,
                         ::testing::Values("mlp", "mlp-bf16", "resnet8", "resnet8-bf16",
                                           "resnet8-direct"),
                         [](const auto& tested) {
                           std::string name = tested.param;
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

}  // namespace
}  // namespace onecycle::testing
