#pragma once

#include "dist/group/process_group.h"

#include <cstdlib>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include <torch/csrc/distributed/c10d/HashStore.hpp>

namespace onecycle::testing {

// What ranks that play together say of one another, in place of heartbeats.
class Failures {
 public:
  void post(std::int64_t rank, const Group::Failure& failure) {
    const std::lock_guard lock(mutex_);
    if (!first_)
      first_ = Group::Failure{"rank " + std::to_string(rank) + ": " + failure.why,
                              failure.out_of_memory};
  }
  std::optional<Group::Failure> first() {
    const std::lock_guard lock(mutex_);
    return first_;
  }

 private:
  std::mutex mutex_;
  std::optional<Group::Failure> first_;
};

// Runs `work` as so many ranks, a thread each, over gloo. What one of them throws is thrown, rank
// 0's first.
inline void on_ranks(std::int64_t size, const std::function<void(std::shared_ptr<Group>)>& work) {
  // c10d's flight recorder, one a process, is not made for ranks that are threads: it crashed.
  ::setenv("TORCH_FR_BUFFER_SIZE", "0", /*overwrite=*/1);
  const auto store = c10::make_intrusive<c10d::HashStore>();
  Failures failures;
  std::vector<std::exception_ptr> errors(static_cast<std::size_t>(size));
  std::vector<std::thread> ranks;
  for (std::int64_t rank = 0; rank < size; ++rank)
    ranks.emplace_back([&, rank] {
      try {
        GroupPlan plan;
        plan.rank = rank;
        plan.size = size;
        plan.local_rank = 0;
        plan.local_size = size;
        plan.timeout = std::chrono::seconds(60);
        plan.give_up = [&, rank](const Group::Failure& failure) { failures.post(rank, failure); };
        plan.explain = [&] { return failures.first(); };
        work(make_group(store, plan));
      } catch (...) {
        errors[static_cast<std::size_t>(rank)] = std::current_exception();
      }
    });
  for (std::thread& rank : ranks) rank.join();
  for (const std::exception_ptr& error : errors)
    if (error) std::rethrow_exception(error);
}

}  // namespace onecycle::testing
