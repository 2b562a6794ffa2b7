#include "kernels/cuda_on_host.h"

#include "kernels/cuda_kernel.h"

#include <gtest/gtest.h>
#include <numeric>
#include <stdexcept>
#include <vector>

// What walks the kernels of the other tests.
namespace onecycle::kernels {
namespace {

__global__ void place_kernel(std::vector<int>* seen) {
  const unsigned block = blockIdx.x + gridDim.x * (blockIdx.y + gridDim.y * blockIdx.z);
  const unsigned thread = threadIdx.x + blockDim.x * (threadIdx.y + blockDim.y * threadIdx.z);
  ++(*seen)[block * blockDim.x * blockDim.y * blockDim.z + thread];
}

TEST(CudaOnHost, WalksEachThreadOfEachBlockOnce) {
  const dim3 grid(3, 2, 2), block(5, 3, 2);
  for (const Walk how : {Walk::threads, Walk::threads_backwards, Walk::loop}) {
    std::vector<int> seen(12 * 30);
    walk(how, grid, block, place_kernel, &seen);
    EXPECT_EQ(seen, std::vector<int>(12 * 30, 1));
  }
}

// Each thread reads what another one wrote before the barrier; the odd ones return before it.
__global__ void reversing_kernel(const int* in, int* out) {
  __shared__ int values[64];
  values[threadIdx.x] = in[blockIdx.x * blockDim.x + threadIdx.x];
  __syncthreads();
  if (threadIdx.x % 2 != 0) return;
  const int reversed = values[blockDim.x - 1 - threadIdx.x];
  __syncthreads();
  values[threadIdx.x] = reversed;
  __syncthreads();
  out[blockIdx.x * blockDim.x + threadIdx.x] = values[threadIdx.x];
}

TEST(CudaOnHost, BarriersHoldTheThreadsThatAreLeft) {
  constexpr int kBlocks = 50, kThreads = 64;
  std::vector<int> in(kBlocks * kThreads), out(in.size(), -1);
  std::iota(in.begin(), in.end(), 0);
  walk(kBlocks, kThreads, reversing_kernel, in.data(), out.data());
  for (int i = 0; i < kBlocks * kThreads; ++i) {
    const int first = i / kThreads * kThreads;
    EXPECT_EQ(out[static_cast<std::size_t>(i)],
              i % 2 == 0 ? first + kThreads - 1 - (i - first) : -1);
  }
}

__global__ void shuffle_kernel(int* across, int* down, int* from, double* sum) {
  const int lane = static_cast<int>(threadIdx.x) % warpSize;
  const int value = 10 * static_cast<int>(threadIdx.x);
  across[threadIdx.x] = __shfl_xor_sync(0xffffffffU, value, 5);
  down[threadIdx.x] = __shfl_down_sync(0xffffffffU, value, 3, 8);
  from[threadIdx.x] = __shfl_sync(0xffffffffU, value, 7);
  double total = lane;
  for (int by = 16; by > 0; by /= 2) total += __shfl_xor_sync(0xffffffffU, total, by);
  sum[threadIdx.x] = total;
}

TEST(CudaOnHost, ShufflesExchangeWithinAWarp) {
  constexpr int kThreads = 96;
  std::vector<int> across(kThreads), down(kThreads), from(kThreads);
  std::vector<double> sum(kThreads);
  walk(1, kThreads, shuffle_kernel, across.data(), down.data(), from.data(), sum.data());
  for (int i = 0; i < kThreads; ++i) {
    const auto k = static_cast<std::size_t>(i);
    EXPECT_EQ(across[k], 10 * (i ^ 5));
    EXPECT_EQ(down[k], 10 * (i % 8 < 5 ? i + 3 : i));  // beyond the group: one's own
    EXPECT_EQ(from[k], 10 * (i / 32 * 32 + 7));
    EXPECT_EQ(sum[k], 31 * 32 / 2);
  }
}

template <class T>
__global__ void counting_kernel(T* total) {
  atomicAdd(total, 1);
}

template <class T>
void expect_all_counted() {
  T total = 0;
  walk(20, 33, counting_kernel<T>, &total);
  EXPECT_EQ(total, T(660));
}

TEST(CudaOnHost, AtomicSumsLoseNothing) {
  expect_all_counted<float>();
  expect_all_counted<double>();
  expect_all_counted<int>();
  expect_all_counted<unsigned>();
  expect_all_counted<unsigned long long>();
}

__global__ void failing_kernel() {
  if (threadIdx.x == 3) throw std::runtime_error("thread 3");
  __syncthreads();
}

// One lane waits for its warp, the others for the block.
__global__ void divided_kernel() {
  if (threadIdx.x == 32) __syncwarp();
  __syncthreads();
}

TEST(CudaOnHost, SaysWhatItCannotWalk) {
  EXPECT_THROW(walk(2, 8, failing_kernel), std::runtime_error);
  EXPECT_THROW(walk(Walk::loop, 1, 8, failing_kernel), std::logic_error);
  EXPECT_THROW(walk(1, 64, divided_kernel), std::logic_error);
}

// Without the barrier that it lacks, thread 0 first reads zeros, and last what the others wrote.
__global__ void racing_kernel(int* out) {
  __shared__ int values[8];
  values[threadIdx.x] = 0;
  __syncthreads();
  values[threadIdx.x] = 1;
  if (threadIdx.x == 0) *out = values[7];
}

TEST(CudaOnHost, OneOfTheOrdersShowsAMissingBarrier) {
  int forwards = -1, backwards = -1;
  walk(Walk::threads, 1, 8, racing_kernel, &forwards);
  walk(Walk::threads_backwards, 1, 8, racing_kernel, &backwards);
  EXPECT_NE(forwards, backwards);
}

}  // namespace
}  // namespace onecycle::kernels
