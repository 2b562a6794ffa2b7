#pragma once

// Compiles the code of CUDA kernels as C++ and walks it on the CPU, to be included before any .cuh.
// Blocks are walked one after the other, so that a block's shared arrays are static variables; its
// threads are threads, so that the thread sanitizer sees a missing __syncthreads(). A kernel
// without barriers and shuffles can be walked in a plain loop.
#define ONECYCLE_CUDA_ON_HOST

#include <array>
#include <atomic>
#include <barrier>
#include <cstdint>
#include <cstring>
#include <deque>
#include <exception>
#include <math.h>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <thread>
#include <type_traits>
#include <vector>

#define __global__ inline
#define __device__
#define __host__
#define __shared__ static
#define __forceinline__ inline
#define __launch_bounds__(...)

struct uint3 {
  unsigned x = 0;
  unsigned y = 0;
  unsigned z = 0;
};

struct dim3 {
  unsigned x = 1;
  unsigned y = 1;
  unsigned z = 1;

  constexpr dim3(unsigned of_x = 1, unsigned of_y = 1, unsigned of_z = 1)
      : x(of_x), y(of_y), z(of_z) {}
};

constexpr int warpSize = 32;
inline thread_local uint3 threadIdx;
inline thread_local uint3 blockIdx;
inline thread_local dim3 blockDim;
inline thread_local dim3 gridDim;

namespace onecycle::kernels::on_host {

constexpr unsigned kWarp = 32;

struct Warp {
  explicit Warp(unsigned threads) : barrier(threads) {}

  std::barrier<> barrier;
  std::array<std::array<std::uint64_t, kWarp>, 2> values = {};  // of this exchange and the next
};

struct Block {
  explicit Block(unsigned threads) : barrier(threads) {
    for (unsigned first = 0; first < threads; first += kWarp)
      warps.emplace_back(threads - first < kWarp ? threads - first : kWarp);
  }

  std::barrier<> barrier;
  std::deque<Warp> warps;
};

inline thread_local Block* block_under_way = nullptr;  // null in a plain loop
inline thread_local unsigned thread_under_way = 0;     // its place in the block
inline thread_local unsigned exchanges = 0;            // of the thread in this block

inline Block& block_with_barriers() {
  if (block_under_way == nullptr) throw std::logic_error("a plain loop walks a kernel's barrier");
  return *block_under_way;
}

inline Warp& warp_with_barriers() { return block_with_barriers().warps[thread_under_way / kWarp]; }

// The value of lane `from`, whose number may lie outside of the groups of `width` lanes.
template <class T>
T exchanged(unsigned mask, T value, unsigned from, unsigned width) {
  static_assert(sizeof(T) <= sizeof(std::uint64_t));
  if (mask != 0xffffffffU) throw std::logic_error("a shuffle leaves out lanes of its warp");
  Warp& warp = warp_with_barriers();
  auto& values = warp.values[exchanges++ % 2];
  const unsigned lane = thread_under_way % kWarp;
  std::memcpy(&values[lane], &value, sizeof value);
  warp.barrier.arrive_and_wait();
  const bool inside = from / width == lane / width && from < kWarp;
  std::memcpy(&value, &values[inside ? from : lane], sizeof value);
  return value;
}

inline uint3 place_in(const dim3& size, unsigned index) {
  return {index % size.x, index / size.x % size.y, index / size.x / size.y};
}

inline unsigned volume(const dim3& size) { return size.x * size.y * size.z; }

template <class Body>
void walk_in_loop(dim3 grid, dim3 block, const Body& body) {
  gridDim = grid;
  blockDim = block;
  for (unsigned b = 0; b < volume(grid); ++b) {
    blockIdx = place_in(grid, b);
    for (unsigned t = 0; t < volume(block); ++t) {
      threadIdx = place_in(block, t);
      body();
    }
  }
}

// Throws what the first failing thread threw; the others then go on without it.
template <class Body>
void walk_in_threads(dim3 grid, dim3 block, const Body& body) {
  const unsigned num_threads = volume(block);
  std::optional<Block> current(num_threads);
  const auto renew = [&]() noexcept { current.emplace(num_threads); };
  std::barrier between_blocks(num_threads, renew);
  std::exception_ptr failure;
  std::mutex failing;
  const auto walk_as = [&](unsigned thread) {
    gridDim = grid;
    blockDim = block;
    threadIdx = place_in(block, thread);
    thread_under_way = thread;
    for (unsigned b = 0; b < volume(grid); ++b) {
      blockIdx = place_in(grid, b);
      block_under_way = &*current;
      exchanges = 0;
      try {
        body();
      } catch (...) {
        const std::lock_guard lock(failing);
        if (!failure) failure = std::current_exception();
      }
      current->warps[thread / kWarp].barrier.arrive_and_drop();
      current->barrier.arrive_and_drop();
      between_blocks.arrive_and_wait();
    }
  };
  std::vector<std::thread> threads;
  threads.reserve(num_threads);
  for (unsigned t = 0; t < num_threads; ++t) threads.emplace_back(walk_as, t);
  for (std::thread& thread : threads) thread.join();
  if (failure) std::rethrow_exception(failure);
}

}  // namespace onecycle::kernels::on_host

// ---- What kernels call -------------------------------------------------------------------------

inline void __syncthreads() {
  onecycle::kernels::on_host::block_with_barriers().barrier.arrive_and_wait();
}

inline void __syncwarp(unsigned = 0xffffffffU) {
  onecycle::kernels::on_host::warp_with_barriers().barrier.arrive_and_wait();
}

template <class T>
T __shfl_sync(unsigned mask, T value, int from, int width = warpSize) {
  using namespace onecycle::kernels::on_host;
  const auto group = static_cast<unsigned>(width);
  const unsigned first = thread_under_way % kWarp / group * group;
  return exchanged(mask, value, first + static_cast<unsigned>(from) % group, group);
}

template <class T>
T __shfl_xor_sync(unsigned mask, T value, int of_lane, int width = warpSize) {
  using namespace onecycle::kernels::on_host;
  const unsigned from = thread_under_way % kWarp ^ static_cast<unsigned>(of_lane);
  return exchanged(mask, value, from, static_cast<unsigned>(width));
}

template <class T>
T __shfl_down_sync(unsigned mask, T value, unsigned by, int width = warpSize) {
  using namespace onecycle::kernels::on_host;
  return exchanged(mask, value, thread_under_way % kWarp + by, static_cast<unsigned>(width));
}

template <class T>
T atomicAdd(T* place, std::type_identity_t<T> value) {
  return std::atomic_ref<T>(*place).fetch_add(value);
}

template <class T>
T __ldg(const T* place) {
  return *place;
}

template <class T>
constexpr T min(T a, T b) {
  return b < a ? b : a;
}

template <class T>
constexpr T max(T a, T b) {
  return a < b ? b : a;
}

namespace onecycle::kernels {

enum class Walk { threads, loop };

// Walks what kernel<<<grid, block>>>(args...) would launch, and returns when it is done.
template <class... Parameters, class... Args>
void walk(Walk how, dim3 grid, dim3 block, void (*kernel)(Parameters...), const Args&... args) {
  const auto body = [&] { kernel(args...); };
  how == Walk::loop ? on_host::walk_in_loop(grid, block, body)
                    : on_host::walk_in_threads(grid, block, body);
}

template <class... Parameters, class... Args>
void walk(dim3 grid, dim3 block, void (*kernel)(Parameters...), const Args&... args) {
  walk(Walk::threads, grid, block, kernel, args...);
}

}  // namespace onecycle::kernels
