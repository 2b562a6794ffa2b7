// The only file that sees gloo's headers: those of the distribution are older than the gloo inside
// LibTorch, which make_group's first collective holds against them.
#include "dist/group/process_group.h"

#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>

namespace onecycle {

c10::intrusive_ptr<c10d::Backend> gloo_backend(const c10::intrusive_ptr<c10d::Store>& store,
                                               const GroupPlan& plan) {
  auto options = c10d::ProcessGroupGloo::Options::create(plan.timeout);
  options->devices.push_back(c10d::ProcessGroupGloo::createDeviceForHostname(plan.address));
  return c10::make_intrusive<c10d::ProcessGroupGloo>(store, static_cast<int>(plan.rank),
                                                     static_cast<int>(plan.size), options);
}

}  // namespace onecycle
