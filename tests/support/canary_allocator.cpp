#include "support/canary_allocator.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <gtest/gtest.h>
#include <limits>
#include <utility>

#include <c10/core/CPUAllocator.h>

namespace onecycle::testing {

namespace {

constexpr unsigned char kPattern = 0xff;

CanaryAllocator* installed = nullptr;

void mark(void* data, std::size_t bytes) {
  std::memset(static_cast<unsigned char*>(data) + bytes, kPattern, CanaryAllocator::kCanary);
}

// Once a block: the pattern is restored.
void check(void* data, std::size_t bytes) {
  static const std::array<unsigned char, CanaryAllocator::kCanary> kWhole = [] {
    std::array<unsigned char, CanaryAllocator::kCanary> whole{};
    whole.fill(kPattern);
    return whole;
  }();
  const auto* canary = static_cast<const unsigned char*>(data) + bytes;
  if (std::memcmp(canary, kWhole.data(), kWhole.size()) == 0) return;
  const auto end = std::find_if(std::make_reverse_iterator(canary + kWhole.size()),
                                std::make_reverse_iterator(canary),
                                [](unsigned char byte) { return byte != kPattern; })
                       .base();
  ADD_FAILURE() << "something has written " << end - canary << " bytes past the end of a block of "
                << bytes << " bytes";
  mark(data, bytes);
}

class CanaryEnvironment : public ::testing::Environment {
 public:
  void SetUp() override {
    // To valgrind, which watches the blocks' ends itself, canaries are memory like any other.
    if (std::getenv("ONECYCLE_NO_CANARIES") == nullptr) CanaryAllocator::install();
  }
  void TearDown() override {
    if (installed != nullptr) installed->check_all();
  }
};

// A test program has the allocator by being linked with this file.
[[maybe_unused]] const auto* const environment =
    ::testing::AddGlobalTestEnvironment(new CanaryEnvironment);  // gtest's own from here

}  // namespace

CanaryAllocator& CanaryAllocator::install() {
  if (installed == nullptr) {
    installed = new CanaryAllocator(*c10::GetCPUAllocator());  // tensors outlive statics
    c10::SetCPUAllocator(installed, std::numeric_limits<std::uint8_t>::max());
  }
  return *installed;
}

c10::DataPtr CanaryAllocator::allocate(std::size_t bytes) {
  if (bytes == 0) return inner_.allocate(0);
  c10::DataPtr inner = inner_.allocate(bytes + kCanary);
  void* const data = inner.get();
  const c10::Device device = inner.device();
  mark(data, bytes);
  const std::lock_guard lock(mutex_);
  blocks_.insert_or_assign(data, Block{std::move(inner), bytes});
  return {data, data, &CanaryAllocator::free, device};
}

void CanaryAllocator::free(void* data) { installed->release(data); }

void CanaryAllocator::release(void* data) {
  std::unique_lock lock(mutex_);
  const auto block = blocks_.find(data);
  if (block == blocks_.end()) {
    lock.unlock();
    return inner_.raw_deleter()(data);  // from before
  }
  check(data, block->second.bytes);
  blocks_.erase(block);
}

void CanaryAllocator::check_all() {
  const std::lock_guard lock(mutex_);
  for (const auto& [data, block] : blocks_) check(data, block.bytes);
}

void CanaryAllocator::copy_data(void* to, const void* from, std::size_t bytes) const {
  std::memcpy(to, from, bytes);
}

}  // namespace onecycle::testing
