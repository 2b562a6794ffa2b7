#include "report/page/run_answer.h"

#include "core/process/this_process.h"
#include "core/text/format.h"
#include "core/text/number.h"
#include "core/text/shell_word.h"
#include "report/page/text.h"

#include <cmath>
#include <cstddef>

namespace onecycle {

namespace {

constexpr double kGentler = 0.3;  // of the learning rate at which a run diverged
constexpr double kLonger = 2;     // than a run that may still learn

std::string epochs_text(double epochs) {
  return human_number(epochs) + (epochs == 1 ? " epoch" : " epochs");
}

std::string validation_answer(const RunFiles& files, const std::string& what, const Metric& kind) {
  const RunCsv& metrics = files.metrics;
  const auto values = metrics.numbers("validation_" + what);
  const auto epochs = metrics.numbers("epoch");
  const std::size_t last = last_row(values);
  if (last == values.size()) return "";
  const std::size_t best = best_row(values, kind.larger_is_better);
  const bool is_loss = what == "loss";
  std::string text = format("Validation {} {}", is_loss ? what : human_name(kind),
                            human_metric(kind, values[last]));
  const double loss = metrics.numbers("validation_loss")[last];
  if (!is_loss && std::isfinite(loss)) text += format(" (loss {})", human_number(loss));
  text += " after " + epochs_text(epochs[last]);
  return text + (values[best] == values[last]
                     ? ", its best."
                     : format("; the best, {}, at epoch {}.", human_metric(kind, values[best]),
                              human_number(epochs[best])));
}

}  // namespace

std::string answer_of(const RunFiles& files) {
  if (!files.kinds.empty()) {
    const Metric& kind = files.kinds.front();
    const std::string text = validation_answer(files, kind.name, kind);
    if (!text.empty()) return text;
  }
  const std::string text = validation_answer(files, "loss", {"loss", "loss", false, false});
  if (!text.empty()) return text;
  for (const RunCsv* table : {&files.steps, &files.metrics}) {
    const auto losses = table->numbers("train_loss");
    const std::size_t last = last_row(losses);
    if (last < losses.size())
      return format("Training loss {} after {}; nothing was held out to judge it by.",
                    human_number(losses[last]), epochs_text(table->numbers("epoch")[last]));
  }
  return "";
}

std::vector<PageCommand> next_of(const RunFiles& files, const std::string& folder,
                                 const std::string& ending) {
  if (files.recipe.empty()) return {};
  const auto with = [&](const std::string& change) {
    return format("{} train {} --set {}", program_name(), shell_word(folder + "/recipe.yaml"),
                  change);
  };
  const PageCommand resume = {"go on where it ended",
                              program_name() + " train --resume " + shell_word(folder)};
  if (ending == "interrupted") return {resume};
  if (ending.empty()) return {{"go on, unless it is under way", resume.line}};
  if (ending == "diverged") {
    if (!files.has_lr_max) return {};
    return {{"again with a lower learning rate",
             with("schedule.lr_max=" +
                  number_text(parse_number(format("{:.2g}", kGentler * files.lr_max))
                                  .value_or(kGentler * files.lr_max)))}};
  }
  if (ending == "out of memory") return {};
  std::vector<PageCommand> next = {
      {"score the weights on the test split", program_name() + " eval " + shell_word(folder)}};
  if (files.duration)
    next.push_back(
        {"again, twice as long", with("train.duration=" + files.duration->times(kLonger).text())});
  return next;
}

}  // namespace onecycle
