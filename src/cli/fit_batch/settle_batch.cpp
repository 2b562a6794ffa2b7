#include "cli/fit_batch/settle_batch.h"

#include "cli/fit_batch/fit_batch_task.h"
#include "cli/signals.h"
#include "core/text/format.h"

namespace onecycle {

SettledBatch settle_batch(const Recipe& recipe, const Session& session, bool always) {
  if (!recipe.data.batch_size.automatic && !always) return {recipe, ""};
  StopSignal stop;
  const SignalScope signals(stop);
  FitBatchTask task{session.line(), {}, session.environment(), with_any_batch(recipe), stop};
  task.limit_bytes = less_margin(task.own_memory(), task.options.margin);
  task.num_train = planned_samples(recipe, session.environment()).value_or(0);
  session.console().say("batch size is fitted to memory and speed");
  const BatchChoice choice = search_batch(task);
  SettledBatch settled{recipe,
                       format("{} is the smallest within 5 % of {} samples/s, {} the "
                              "largest that fits; {}",
                              grouped(choice.fastest), grouped(std::llround(choice.best_rate)),
                              grouped(choice.largest), why_chosen(choice))};
  settled.recipe.data.batch_size = {choice.chosen};
  session.console().say(format("batch size {}: {}", grouped(choice.chosen), settled.evidence));
  return settled;
}

}  // namespace onecycle
