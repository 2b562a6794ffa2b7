#include "kernels/cuda_on_host.h"

#include "kernels/device_memory.cuh"
#include "support/guarded.h"

#include <gtest/gtest.h>
#include <vector>

namespace onecycle::kernels {
namespace {

TEST(WriteKernel, WritesWhatItIsGivenAndNoMore) {
  std::vector<std::uint64_t> from;
  for (std::uint64_t i = 1; i <= kLargestWrite / 8; ++i) from.push_back(i * 0x0123456789abcdefU);
  for (std::size_t size = 8; size <= kLargestWrite; size += 8) {
    Guarded<std::uint64_t> to(size / 8, 1);
    walk(Walk::loop, 1, words_in(size), write_kernel, to.data(), words_to_write(from.data(), size));
    EXPECT_TRUE(std::equal(to.data(), to.data() + to.size(), from.begin())) << size;
    EXPECT_TRUE(to.is_intact()) << size;
  }
}

TEST(WriteKernel, RefusesWhatDoesNotFit) {
  const std::vector<std::uint64_t> from(9);
  for (const std::size_t size : {0U, 4U, 12U, 72U})
    EXPECT_THROW(words_to_write(from.data(), size), Error) << size;
}

}  // namespace
}  // namespace onecycle::kernels
