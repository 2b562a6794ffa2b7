// LibTorch's memory on the CPU, once it is kept for reuse.

#include "onecycle/host_cache.h"

#include "train/memory.h"

#include <gtest/gtest.h>

#include <ATen/ATen.h>

namespace onecycle {
namespace {

TEST(HostCache, ServesTensorsOfEverySize) {
  const at::Tensor before = at::ones({100'000});
  cache_host_memory();
  cache_host_memory();
  for (const std::int64_t size : {0, 1, 1000, 8191, 8192, 1'000'000}) {
    const at::Tensor tensor = at::full({size}, 3.0);
    EXPECT_EQ(tensor.sum().item<double>(), 3.0 * static_cast<double>(size)) << size;
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(tensor.data_ptr()) % 64, 0U) << size;
  }
  EXPECT_EQ(before.sum().item<double>(), 100'000);  // freed by whatever had made it
}

TEST(HostCache, GivesTheSameMemoryAgain) {
  cache_host_memory();
  const void* first = at::empty({1'000'000}).data_ptr();
  EXPECT_EQ(at::empty({1'000'000}).data_ptr(), first);
}

TEST(HostCache, ALackOfMemoryIsKnownAsOne) {
  cache_host_memory();
  try {
    at::empty({std::int64_t{1} << 58});
    FAIL();
  } catch (const c10::Error& error) {
    EXPECT_TRUE(is_out_of_memory(error)) << error.what_without_backtrace();
  }
}

TEST(HostCache, ResizesWhatItGave) {
  cache_host_memory();
  at::Tensor tensor = at::arange(10'000, at::kFloat);
  tensor.resize_({500'000});
  EXPECT_EQ(tensor[9'999].item<double>(), 9'999);
}

}  // namespace
}  // namespace onecycle
