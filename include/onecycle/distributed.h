#pragma once

#include "onecycle/compute.h"
#include "onecycle/group.h"

#include <functional>
#include <memory>
#include <string>

// Training by several processes: torchrun, srun, mpirun, or RANK and WORLD_SIZE
// (docs/distributed.md).
namespace onecycle {

// What ranks compute on, and what becomes of one that is left behind.
struct DistributedOptions {
  // As in ExperimentOptions: gradients of ranks that each have a GPU go over NCCL, others over
  // gloo.
  DeviceChoice device = DeviceChoice::automatic;
  // Another rank was lost or gave up, and 5 seconds later this one still has its group: its main
  // thread may wait in a collective that never returns. Called once, by a thread of the group's,
  // with a line that says why; it must not drop the group. Empty: one rank prints the line, and
  // this process ends by `_exit(1)`.
  std::function<void(const std::string& why)> on_lost = {};
};

// Joins the ranks that a launcher has started, as the environment says, and waits up to 5 minutes
// for them; alone() where there was no launcher. For ExperimentOptions::group, on every rank:
//
//   const auto group = onecycle::distributed();
//   onecycle::Experiment e(net, task, train, held_out, {.batch_size = 64, .group = group});
//
// Every rank gives the same samples and numbers, and begins with rank 0's weights. A step has
// batch_size x accumulate x size() samples, each rank its part of them; evaluations are shared as
// well. Only rank 0 keeps checkpoints; observers are told on every rank: those that print or write
// belong to `group->is_leader()`. A rank uses the GPU of its local_rank().
//
// The group tells the others that this rank lives. When its last owner drops it, which is due
// before main() returns, the rank has ended in order; while an exception unwinds, the others are
// left to notice. A rank that is not heard of for 30 seconds (ONECYCLE_RANK_TIMEOUT) is lost, and
// fit() throws DistError that names it, on every rank that is not held up.
//
// The process stays as it is: threads (at::set_num_threads; torchrun sets OMP_NUM_THREADS to 1),
// the current GPU and c10d's log level (TORCH_CPP_LOG_LEVEL=ERROR) are the caller's. Throws
// UsageError for an environment that contradicts itself, DistError where ranks cannot be reached.
std::shared_ptr<Group> distributed(const DistributedOptions& options = {});

}  // namespace onecycle
