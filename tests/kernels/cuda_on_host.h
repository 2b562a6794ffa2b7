#pragma once

// Compiles the code of CUDA kernels as C++ and walks it on the CPU, to be included before any .cuh.
// Blocks are walked one after the other, so that a block's shared arrays are static variables; its
// threads run in turns from barrier to barrier. A kernel without barriers and shuffles can be
// walked in a plain loop.
#define ONECYCLE_CUDA_ON_HOST

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <exception>
#include <functional>
#include <math.h>
#include <memory>
#include <stdexcept>
#include <type_traits>
#include <ucontext.h>
#include <vector>
#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/common_interface_defs.h>
#endif

// Not the symbol that nvcc makes of the same kernel.
#define __global__ __attribute__((unused)) static
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
constexpr std::size_t kStackBytes = std::size_t{128} << 10;

inline uint3 place_in(const dim3& size, unsigned index) {
  return {index % size.x, index / size.x % size.y, index / size.x / size.y};
}

inline unsigned volume(const dim3& size) { return size.x * size.y * size.z; }

enum class State { ready, at_block_barrier, at_warp_barrier, done };

struct Thread {
  ucontext_t context = {};
  std::unique_ptr<std::byte[]> stack = std::make_unique<std::byte[]>(kStackBytes);
  State state = State::done;
  unsigned exchanges = 0;  // in this block
};

// What the lanes of a warp show one another, in this exchange and the next.
using Exchange = std::array<std::array<std::uint64_t, kWarp>, 2>;

// The threads of a block, as coroutines of this thread that give way at barriers alone. Switching
// costs a microsecond, where real threads would spin at each barrier.
class Block {
 public:
  explicit Block(dim3 size) : size_(size), threads_(volume(size)) {
    exchanges_.resize((threads_.size() + kWarp - 1) / kWarp);
  }

  // Runs `body` as every thread, the first one first or last. Throws what the first failing thread
  // threw (the others go on without it), and std::logic_error where threads wait at barriers that
  // the others have left or never reach.
  void run(const std::function<void()>& body, bool backwards) {
    body_ = &body;
    failure_ = nullptr;
    for (Thread& thread : threads_) {
      getcontext(&thread.context);
      thread.context.uc_stack.ss_sp = thread.stack.get();
      thread.context.uc_stack.ss_size = kStackBytes;
      thread.context.uc_link = nullptr;
      makecontext(&thread.context, &Block::enter, 0);
      thread.state = State::ready;
      thread.exchanges = 0;
    }
    current_block = this;
    do {
      for (std::size_t i = 0; i < threads_.size(); ++i)
        resume(backwards ? threads_.size() - 1 - i : i);
    } while (open_barriers());
    current_block = nullptr;
    const auto waits = [](const Thread& thread) { return thread.state != State::done; };
    if (failure_) std::rethrow_exception(failure_);
    if (std::ranges::any_of(threads_, waits))
      throw std::logic_error("threads of a block wait at different barriers");
  }

  void wait(State at) {
    threads_[current_].state = at;
    give_way(false);
  }

  unsigned lane() const { return static_cast<unsigned>(current_ % kWarp); }
  // Where this thread's warp exchanges values now.
  std::array<std::uint64_t, kWarp>& next_exchange() {
    return exchanges_[current_ / kWarp][threads_[current_].exchanges++ % 2];
  }

  static inline thread_local Block* current_block = nullptr;  // null in a plain loop

 private:
  static void enter() {
    Block& block = *current_block;
    block.arrived();
    try {
      (*block.body_)();
    } catch (...) {
      if (!block.failure_) block.failure_ = std::current_exception();
    }
    block.threads_[block.current_].state = State::done;
    block.give_way(true);
  }

  void resume(std::size_t thread) {
    if (threads_[thread].state != State::ready) return;
    current_ = thread;
    threadIdx = place_in(size_, static_cast<unsigned>(thread));
#ifdef __SANITIZE_ADDRESS__
    void* fake = nullptr;
    __sanitizer_start_switch_fiber(&fake, threads_[thread].stack.get(), kStackBytes);
#endif
    swapcontext(&scheduler_, &threads_[thread].context);
#ifdef __SANITIZE_ADDRESS__
    __sanitizer_finish_switch_fiber(fake, nullptr, nullptr);
#endif
  }

  void give_way([[maybe_unused]] bool for_good) {
    ucontext_t& own = threads_[current_].context;
#ifdef __SANITIZE_ADDRESS__
    void* fake = nullptr;
    __sanitizer_start_switch_fiber(for_good ? nullptr : &fake, scheduler_stack_, scheduler_bytes_);
#endif
    swapcontext(&own, &scheduler_);
#ifdef __SANITIZE_ADDRESS__
    __sanitizer_finish_switch_fiber(fake, nullptr, nullptr);
#endif
  }

  void arrived() {
#ifdef __SANITIZE_ADDRESS__
    __sanitizer_finish_switch_fiber(nullptr, &scheduler_stack_, &scheduler_bytes_);
#endif
  }

  // Threads that are done count as having arrived at every barrier. Whether one has opened.
  bool open_barriers() {
    bool opened = open(0, threads_.size(), State::at_block_barrier);
    for (std::size_t first = 0; first < threads_.size(); first += kWarp)
      opened |= open(first, std::min<std::size_t>(first + kWarp, threads_.size()),
                     State::at_warp_barrier);
    return opened;
  }

  bool open(std::size_t first, std::size_t last, State barrier) {
    bool waiting = false;
    for (std::size_t i = first; i < last; ++i) {
      if (threads_[i].state != barrier && threads_[i].state != State::done) return false;
      waiting |= threads_[i].state == barrier;
    }
    for (std::size_t i = first; i < last && waiting; ++i)
      if (threads_[i].state == barrier) threads_[i].state = State::ready;
    return waiting;
  }

  dim3 size_;
  std::vector<Thread> threads_;
  std::vector<Exchange> exchanges_;  // by warp
  ucontext_t scheduler_ = {};
  [[maybe_unused]] const void* scheduler_stack_ = nullptr;
  [[maybe_unused]] std::size_t scheduler_bytes_ = 0;
  std::size_t current_ = 0;
  const std::function<void()>* body_ = nullptr;
  std::exception_ptr failure_;
};

inline Block& block_with_barriers() {
  if (Block::current_block == nullptr)
    throw std::logic_error("a plain loop walks a kernel's barrier");
  return *Block::current_block;
}

// The value of lane `from`, whose number may lie outside of the groups of `width` lanes.
template <class T>
T exchanged(unsigned mask, T value, unsigned from, unsigned width) {
  static_assert(sizeof(T) <= sizeof(std::uint64_t));
  if (mask != 0xffffffffU) throw std::logic_error("a shuffle leaves out lanes of its warp");
  Block& block = block_with_barriers();
  auto& values = block.next_exchange();
  std::memcpy(&values[block.lane()], &value, sizeof value);
  block.wait(State::at_warp_barrier);
  const unsigned lane = block.lane();
  const bool inside = from / width == lane / width && from < kWarp;
  std::memcpy(&value, &values[inside ? from : lane], sizeof value);
  return value;
}

inline unsigned lane() { return block_with_barriers().lane(); }

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

template <class Body>
void walk_with_barriers(dim3 grid, dim3 block, bool backwards, const Body& body) {
  gridDim = grid;
  blockDim = block;
  Block threads(block);
  const std::function<void()> run = body;
  for (unsigned b = 0; b < volume(grid); ++b) {
    blockIdx = place_in(grid, backwards ? volume(grid) - 1 - b : b);
    threads.run(run, backwards);
  }
}

}  // namespace onecycle::kernels::on_host

// ---- What kernels call -------------------------------------------------------------------------

inline void __syncthreads() {
  using namespace onecycle::kernels::on_host;
  block_with_barriers().wait(State::at_block_barrier);
}

inline void __syncwarp(unsigned = 0xffffffffU) {
  using namespace onecycle::kernels::on_host;
  block_with_barriers().wait(State::at_warp_barrier);
}

template <class T>
T __shfl_sync(unsigned mask, T value, int from, int width = warpSize) {
  using namespace onecycle::kernels::on_host;
  const auto group = static_cast<unsigned>(width);
  const unsigned first = lane() / group * group;
  return exchanged(mask, value, first + static_cast<unsigned>(from) % group, group);
}

template <class T>
T __shfl_xor_sync(unsigned mask, T value, int of_lane, int width = warpSize) {
  using namespace onecycle::kernels::on_host;
  const unsigned from = lane() ^ static_cast<unsigned>(of_lane);
  return exchanged(mask, value, from, static_cast<unsigned>(width));
}

template <class T>
T __shfl_down_sync(unsigned mask, T value, unsigned by, int width = warpSize) {
  using namespace onecycle::kernels::on_host;
  return exchanged(mask, value, lane() + by, static_cast<unsigned>(width));
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

// Whether a block's threads meet at barriers, and whether the last of the blocks and threads goes
// first: where __syncthreads() is missing, one of the two orders reads what is not there yet.
enum class Walk { threads, threads_backwards, loop };

// Walks what kernel<<<grid, block>>>(args...) would launch, and returns when it is done.
template <class... Parameters, class... Args>
void walk(Walk how, dim3 grid, dim3 block, void (*kernel)(Parameters...), const Args&... args) {
  const auto body = [&] { kernel(args...); };
  how == Walk::loop
      ? on_host::walk_in_loop(grid, block, body)
      : on_host::walk_with_barriers(grid, block, how == Walk::threads_backwards, body);
}

template <class... Parameters, class... Args>
void walk(dim3 grid, dim3 block, void (*kernel)(Parameters...), const Args&... args) {
  walk(Walk::threads, grid, block, kernel, args...);
}

}  // namespace onecycle::kernels
