#include "onecycle/datasets.h"

#include "core/format.h"

namespace onecycle {

std::int64_t BatchSize::of(std::int64_t num_train) const {
  if (all) return num_train;
  if (automatic)
    throw FieldError("data.batch_size",
                     "auto is fitted by train, range-test and tune; give a number here (onecycle "
                     "fit-batch RECIPE --write FILE finds one)");
  if (count > num_train)
    throw FieldError("data.batch_size",
                     format("{} is more than the {} samples of the training part; "
                            "use at most {}, or all",
                            count, num_train, num_train));
  return count;
}

}  // namespace onecycle
