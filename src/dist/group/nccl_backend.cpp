#include "dist/group/process_group.h"

#include <torch/csrc/distributed/c10d/ProcessGroupNCCL.hpp>

namespace onecycle {

c10::intrusive_ptr<c10d::Backend> nccl_backend(const c10::intrusive_ptr<c10d::Store>& store,
                                               const GroupPlan& plan) {
  auto options = c10d::ProcessGroupNCCL::Options::create();
  options->timeout = plan.timeout;
  return c10::make_intrusive<c10d::ProcessGroupNCCL>(store, static_cast<int>(plan.rank),
                                                     static_cast<int>(plan.size), options);
}

}  // namespace onecycle
