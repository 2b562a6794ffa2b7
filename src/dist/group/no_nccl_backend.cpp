#include "onecycle/error.h"

#include "dist/group/process_group.h"

namespace onecycle {

c10::intrusive_ptr<c10d::Backend> nccl_backend(const c10::intrusive_ptr<c10d::Store>&,
                                               const GroupPlan&) {
  throw DistError(
      "this build has no NCCL, so that ranks cannot share GPUs' work: run the set-up again with "
      "ONECYCLE_TORCH=full, or set train.device to cpu");
}

}  // namespace onecycle
