#include "onecycle/device_settings.h"

#include "onecycle/compute.h"
#include "onecycle/error.h"

#include "support/environment.h"

#include <cstdlib>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <torch/nn/modules/linear.h>

namespace onecycle {
namespace {

using ::testing::AllOf;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kVariable = "CUBLAS_WORKSPACE_CONFIG";

std::string workspace() {
  const char* value = std::getenv(kVariable);
  return value == nullptr ? "none" : value;
}

// What ATen is set to, in its own terms.
std::vector<bool> of_aten() {
  const at::Context& context = at::globalContext();
  return {context.allowTF32CuBLAS(),         context.allowTF32CuDNN(),
          context.benchmarkCuDNN(),          context.deterministicCuDNN(),
          context.deterministicAlgorithms(), context.deterministicFillUninitializedMemory()};
}

// Without a value of the variable, as most machines are.
class DeviceSettingsOf : public ::testing::Test {
 protected:
  DeviceSettingsOf() { ::unsetenv(kVariable); }

 private:
  testing::Environment before_{{{kVariable, ""}}};
  DeviceSettingsGuard guard_;
};

// PyTorch 2.11: torch.backends.cuda.matmul.allow_tf32 False, torch.backends.cudnn.allow_tf32 True.
TEST_F(DeviceSettingsOf, DefaultsArePyTorchsButForAutotuning) {
  const std::vector<bool> before = of_aten();
  EXPECT_EQ(before, (std::vector<bool>{false, true, false, false, false, true}));
  use_device_settings({});
  EXPECT_EQ(of_aten(), (std::vector<bool>{false, true, true, false, false, true}));
}

TEST_F(DeviceSettingsOf, Tf32IsForProductsAndConvolutions) {
  use_device_settings({.tf32 = Tf32Choice::on});
  EXPECT_EQ(of_aten(), (std::vector<bool>{true, true, true, false, false, true}));
  EXPECT_EQ(tf32_text(), "TF32 in products and convolutions");
  use_device_settings({.tf32 = Tf32Choice::off});
  EXPECT_EQ(of_aten(), (std::vector<bool>{false, false, true, false, false, true}));
  EXPECT_EQ(tf32_text(), "no TF32");
  use_device_settings({.tf32 = Tf32Choice::automatic});
  EXPECT_EQ(of_aten(), (std::vector<bool>{false, true, true, false, false, true}));
  EXPECT_EQ(tf32_text(), "TF32 in convolutions");
}

TEST_F(DeviceSettingsOf, DeterministicRunsAreNotAutotuned) {
  use_device_settings({.deterministic = true});
  EXPECT_EQ(of_aten(), (std::vector<bool>{false, true, false, true, true, false}));
  EXPECT_EQ(workspace(), ":4096:8");
  try {
    use_device_settings({.autotune = AutotuneChoice::on, .deterministic = true});
    FAIL() << "autotuned and deterministic";
  } catch (const FieldError& error) {
    EXPECT_EQ(error.field(), "train.autotune");
  }
  use_device_settings({.autotune = AutotuneChoice::off});
  EXPECT_EQ(of_aten(), (std::vector<bool>{false, true, false, false, false, true}));
}

TEST_F(DeviceSettingsOf, ComeBackWhenAGuardEnds) {
  const std::vector<bool> before = of_aten();
  {
    const DeviceSettingsGuard guard;
    use_device_settings({Tf32Choice::on, AutotuneChoice::automatic, true});
    EXPECT_NE(of_aten(), before);
    EXPECT_NE(workspace(), "none");
  }
  EXPECT_EQ(of_aten(), before);
  EXPECT_EQ(workspace(), "none");
}

// The two values are those of cuBLAS's documentation, "Results Reproducibility".
TEST_F(DeviceSettingsOf, KnowsWhichWorkspacesAreDeterministic) {
  EXPECT_EQ(why_not_deterministic(":4096:8"), "");
  EXPECT_EQ(why_not_deterministic(":16:8"), "");
  EXPECT_THAT(why_not_deterministic(nullptr), HasSubstr("is not set"));
  EXPECT_THAT(why_not_deterministic(":4096:2:16:8"),
              AllOf(HasSubstr("CUBLAS_WORKSPACE_CONFIG is ':4096:2:16:8'"),
                    HasSubstr("unset it, or set it to :4096:8 or :16:8"), Not(HasSubstr("\n"))));
}

TEST_F(DeviceSettingsOf, KeepTheWorkspaceThatSomebodySet) {
  ::setenv(kVariable, ":16:8", 1);
  use_device_settings({.deterministic = true});
  EXPECT_EQ(workspace(), ":16:8");
  ::setenv(kVariable, ":4096:2", 1);
  if (why_no_cuda().empty()) {
    EXPECT_THROW(use_device_settings({.deterministic = true}), FieldError);
  } else {
    use_device_settings({.deterministic = true});
  }
  EXPECT_EQ(workspace(), ":4096:2");
}

TEST_F(DeviceSettingsOf, AreInTheSummaryOfWhatIsComputed) {
  const torch::nn::Linear model(2, 2);
  const auto summary = [&](DeviceChoice device) {
    return choose_compute({device, Precision::fp32}, *model).summary;
  };
  use_device_settings({});
  EXPECT_THAT(summary(DeviceChoice::cpu), AllOf(EndsWith("fp32"), Not(HasSubstr("TF32"))));
  use_device_settings({.deterministic = true});
  EXPECT_THAT(summary(DeviceChoice::cpu), EndsWith("fp32, deterministic"));
  if (!why_no_cuda().empty() || !has_tf32({at::kCUDA, 0})) return;
  EXPECT_THAT(summary(DeviceChoice::cuda), EndsWith("fp32 (TF32 in convolutions), deterministic"));
}

// Without it, PyTorch 2.11 gives eight sums in eight calls of this on two threads:
// torch.zeros(7).index_put_((i,), g, accumulate=True).
TEST_F(DeviceSettingsOf, SumsByPositionRepeatOnACpu) {
  const int threads = at::get_num_threads();
  at::set_num_threads(2);
  use_device_settings({.deterministic = true});
  const at::Tensor values = at::randn({1000000});
  const at::Tensor positions = at::randint(0, 7, {1000000}, at::kLong);
  const auto sums = [&] {
    return at::zeros({7}).index_put_({positions}, values, /*accumulate=*/true);
  };
  const at::Tensor first = sums();
  for (int again = 0; again < 7; ++again) EXPECT_TRUE(sums().equal(first));
  at::set_num_threads(threads);
}

TEST_F(DeviceSettingsOf, NameTheOperationThatIsNotDeterministic) {
  use_device_settings({.deterministic = true});
  try {
    at::Context::alertNotDeterministic("kthvalue CUDA");
    FAIL() << "ATen lets it pass";
  } catch (const std::exception& error) {
    const auto operation = operation_not_deterministic(error);
    ASSERT_TRUE(operation);
    EXPECT_EQ(*operation, "kthvalue CUDA");
    EXPECT_EQ(not_deterministic_text(*operation),
              "kthvalue CUDA has no deterministic implementation on this device; set "
              "train.deterministic=false, or train with train.device=cpu");
  }
  EXPECT_FALSE(operation_not_deterministic(std::runtime_error("out of memory")));
}

}  // namespace
}  // namespace onecycle
