#include "onecycle/tasks.h"

namespace onecycle {

namespace {

struct ClassificationOptions {};

}  // namespace

TaskRegistry builtin_tasks() {
  TaskRegistry registry("task");
  registry.add(
      OptionTable<ClassificationOptions>(
          "classification", "One label a sample: cross-entropy, and the share that is right"),
      [](const ClassificationOptions&, const TaskContext& context) {
        return classification(context.classes, context.label_smoothing);
      });
  return registry;
}

}  // namespace onecycle
