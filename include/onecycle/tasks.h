#pragma once

#include "onecycle/registry.h"
#include "onecycle/task.h"

#include <cstdint>
#include <memory>

namespace onecycle {

// What a task needs to know of the data and the run.
struct TaskContext {
  std::int64_t classes = 0;
  double label_smoothing = 0;
};

// The tasks that recipes may name.
using TaskRegistry = Registry<std::shared_ptr<const Task>(const TaskContext&)>;

// classification
TaskRegistry builtin_tasks();

}  // namespace onecycle
