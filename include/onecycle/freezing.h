#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace onecycle {

class Parameters;

// Weights that a run keeps as they are: those in the layer groups up to `to` whose names fit
// `match` and do not fit `except`, globs as in ParameterGroup.
struct FreezeRule {
  std::optional<std::string> to = {};  // a child of the model, or of a layer group; empty: all
  std::string match = "*";
  std::optional<std::string> except = {};
  std::int64_t from = 0;                   // steps
  std::optional<std::int64_t> until = {};  // the first step after it; empty: to the end of the run
};

// Which weights a run keeps as they are, and when: a pure function of the step. The rules cut the
// run into phases. A frozen weight gets no gradient, so
// that neither update nor decay nor the optimizer's state moves, and nothing is computed below the
// lowest weight that trains. A norm whose scale and shift are frozen normalises by its running
// statistics and leaves them (torch's evaluation mode), unless told otherwise.
class Freezing {
 public:
  Freezing() = default;  // one phase, nothing frozen
  // `statistics`: of norms whose scale and shift are frozen, too. Phases begin within the run's
  // `total_steps`. Throws FieldError where a rule picks no weight,
  // names no layer group, or a phase would leave nothing to train.
  Freezing(const std::vector<FreezeRule>& rules, bool statistics, const Parameters& parameters,
           std::int64_t total_steps);

  // At least 1.
  std::int64_t phases() const { return static_cast<std::int64_t>(starts_.size()); }
  // Of a phase, 0-based.
  std::int64_t first_step(std::int64_t phase) const;
  std::int64_t phase_of(std::int64_t step) const;  // 0-based
  // `parameter`: an index into Parameters::all(), here and below.
  bool frozen(std::size_t parameter, std::int64_t phase) const;
  // The same in the phase of the step.
  bool frozen_at(std::size_t parameter, std::int64_t step) const;
  // The first step that trains it: 0 for what is not frozen then, beyond any run for what always
  // is.
  std::int64_t trains_from(std::size_t parameter) const;

  // Puts the weights and norms of a module in training mode into that phase.
  void apply(std::int64_t phase, Parameters& parameters) const;

  // As in that phase, for a run that stays there.
  Freezing held(std::int64_t phase) const;

 private:
  struct Span {  // of steps
    std::int64_t from;
    std::int64_t until;  // the first step after it
  };

  std::vector<std::int64_t> starts_{0};   // the phases' first steps, ascending
  std::vector<std::vector<Span>> spans_;  // by parameter, when it is held
  bool statistics_ = true;
};

}  // namespace onecycle
