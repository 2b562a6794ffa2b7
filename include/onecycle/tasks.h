#pragma once

#include "onecycle/data.h"
#include "onecycle/registry.h"
#include "onecycle/task.h"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace onecycle {

// What a task needs to know of the data and the run.
struct TaskContext {
  std::int64_t classes = 0;  // classes, labels or values of a sample
  double label_smoothing = 0;
  std::vector<std::string> names = {};  // of the classes or labels
  TargetStatistics targets = {};
};

// The tasks that recipes may name.
using TaskRegistry = Registry<std::shared_ptr<const Task>(const TaskContext&)>;

// classification, multi_label, regression
TaskRegistry builtin_tasks();

}  // namespace onecycle
