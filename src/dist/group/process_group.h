#pragma once

#include "onecycle/group.h"

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include <torch/csrc/distributed/c10d/ProcessGroup.hpp>
#include <torch/csrc/distributed/c10d/Store.hpp>

namespace onecycle {

// Where a rank stands among the others, and by what it reaches them.
struct GroupPlan {
  std::int64_t rank = 0;
  std::int64_t size = 1;
  std::int64_t local_rank = 0;
  std::int64_t local_size = 1;
  std::string address = "127.0.0.1";  // of this machine, as the others reach it
  bool nccl = false;                  // for tensors on a GPU
  std::chrono::milliseconds timeout = std::chrono::minutes(10);  // of a collective
  // Where abandon(), failure() and at_step() go; each may be empty.
  std::function<void(const Group::Failure&)> give_up = {};
  std::function<std::optional<Group::Failure>()> explain = {};
  std::function<void(std::int64_t step)> at_step = {};
};

// PyTorch's engine (c10d): gloo for tensors on the CPU, NCCL for those on a GPU. `store` is all
// ranks', and this group's alone. Ends with a first collective, which shows that the ranks reach
// one another. Throws DistError.
std::shared_ptr<Group> make_group(const c10::intrusive_ptr<c10d::Store>& store,
                                  const GroupPlan& plan);

// The two backends, a file each; the second throws DistError where this build has no NCCL.
c10::intrusive_ptr<c10d::Backend> gloo_backend(const c10::intrusive_ptr<c10d::Store>& store,
                                               const GroupPlan& plan);
c10::intrusive_ptr<c10d::Backend> nccl_backend(const c10::intrusive_ptr<c10d::Store>& store,
                                               const GroupPlan& plan);

}  // namespace onecycle
