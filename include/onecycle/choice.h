#pragma once

#include <any>
#include <memory>
#include <string>
#include <utility>
#include <vector>

// A part that was chosen among several, with its options, and what may be asked of them.
namespace onecycle {

struct OptionGroup;

// What tuning asks of a part, whatever the part calls its options.
enum class Change {
  set_lr,        // of a schedule its highest, with what follows from it
  scale_lr,      // every rate, by a factor
  release_lr,    // to whoever else names one
  set_momentum,  // a constant one
  set_momentum_max,
  set_momentum_min,
  release_momentum,
  set_weight_decay,
  release_weight_decay,
  decay_as_l2,
  scale_lengths,  // every duration but the run's own, and what is counted in steps
};

// A named alternative of an option whose value is a map with a `name`: a registry's entry.
struct Variant {
  std::string name;
  std::string meaning;
  std::shared_ptr<const OptionGroup> options;
};
// All that an option may choose from.
using Variants = std::vector<Variant>;

// The value of such an option: the variant's name, and its options as the struct that they fill.
class Choice {
 public:
  Choice() = default;
  // The variant with all options at their defaults.
  Choice(std::string chosen) : name(std::move(chosen)) {}
  Choice(const char* chosen) : name(chosen) {}
  // With options as `group` has read them.
  Choice(std::string chosen, std::any options, std::shared_ptr<const OptionGroup> group)
      : name(std::move(chosen)), options_(std::move(options)), group_(std::move(group)) {}

  std::string name;

  // Empty where they are the defaults.
  const std::any& options() const { return options_; }
  // The options as struct S, or null where they are another's.
  template <class S>
  const S* as() const {
    return std::any_cast<S>(&options_);
  }
  // Their description; null where no recipe was read.
  const std::shared_ptr<const OptionGroup>& group() const { return group_; }
  std::string text() const;  // all options on one line, as recipes have them; "{}" without a group

 private:
  std::any options_;
  std::shared_ptr<const OptionGroup> group_;
};

}  // namespace onecycle
