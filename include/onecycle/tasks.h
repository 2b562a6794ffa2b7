#pragma once

#include "onecycle/data.h"
#include "onecycle/registry.h"
#include "onecycle/task.h"

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
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
class TaskRegistry : public Registry<std::shared_ptr<const Task>(const TaskContext&)> {
 public:
  using Registry::add;
  using Registry::Registry;

  // Adds entry(table, make), a task whose targets are always of one kind: data that could be read
  // as another, like columns of whole numbers, is read as that. Of one added without, the data
  // decides.
  template <class Options, class Make>
  void add(const OptionTable<Options>& table, TargetKind targets, Make make) {
    const Entry entry = Registry::entry(table, std::move(make));
    targets_.emplace(entry.variant.name, targets);
    add(entry);
  }

  // Nothing where the task was added without, and for other names.
  std::optional<TargetKind> targets_of(const std::string& name) const;

 private:
  std::map<std::string, TargetKind> targets_;
};

// classification, multi_label, regression
TaskRegistry builtin_tasks();

}  // namespace onecycle
