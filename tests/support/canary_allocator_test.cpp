// The canaries themselves.

#include "support/canary_allocator.h"

#include <gtest/gtest-spi.h>
#include <gtest/gtest.h>

#include <ATen/ATen.h>
#include <c10/core/CPUAllocator.h>

namespace onecycle::testing {
namespace {

TEST(Canaries, SeeAWritePastATensorWhenItsMemoryComesBack) {
  EXPECT_NONFATAL_FAILURE(
      {
        const at::Tensor tensor = at::zeros({5});
        tensor.data_ptr<float>()[6] = 0;
      },
      "8 bytes past the end of a block of 20 bytes");
}

TEST(Canaries, SeeItWhileATensorIsInUse) {
  const at::Tensor tensor = at::zeros({3}, at::kByte);
  tensor.data_ptr<std::uint8_t>()[3] = 7;
  EXPECT_NONFATAL_FAILURE(CanaryAllocator::install().check_all(),
                          "1 bytes past the end of a block of 3 bytes");
}

TEST(Canaries, SeeItInMemoryThatOneDnnAsksFor) {
  c10::Allocator& allocator = *c10::GetCPUAllocator();
  auto* data = static_cast<std::uint8_t*>(allocator.raw_allocate(100));
  data[CanaryAllocator::kCanary + 99] = 0;
  EXPECT_NONFATAL_FAILURE(allocator.raw_deallocate(data),
                          "4096 bytes past the end of a block of 100 bytes");
}

TEST(Canaries, SayNothingOfWritesWithinABlock) {
  const at::Tensor tensor = at::empty({1000});
  tensor.fill_(1);
  EXPECT_EQ(tensor.clone().resize_({2000}).size(0), 2000);
  EXPECT_EQ(at::empty({0}).numel(), 0);
}

}  // namespace
}  // namespace onecycle::testing
