#pragma once

#include "cli/command.h"
#include "tuning/range_test/overlay.h"

#include <optional>
#include <string>
#include <vector>

namespace onecycle {

// The overlays that `onecycle range-test` is asked for: --weight-decay, --momentum and
// --momentum-range, along the sweep that gave the number or, with --constant, at one learning rate.
class AskedOverlays {
 public:
  static void describe(CommandLine& line);  // adds the options

  // Throws UsageError.
  explicit AskedOverlays(const CommandLine& line);

  // Nothing where the range test came to no sweep.
  void add(RangeTest& test, const DataSet& data, const Recipe& recipe,
           const Environment& environment, StopSignal& stop, Observer* progress) const;

 private:
  // A constant momentum, or one that falls from `highest` to `lowest` as the learning rate rises.
  struct Momentum {
    std::string text;
    double highest = 0;
    double lowest = 0;
  };
  static std::vector<double> decays_of(const CommandLine& line);
  static std::vector<Momentum> momenta_of(const CommandLine& line);

  std::vector<double> decays_;  // in l2 units
  std::vector<Momentum> momenta_;
  std::optional<MomentumRange> momentum_range_;
  std::optional<double> constant_;
};

}  // namespace onecycle
