#include "onecycle/schedule.h"

#include "schedule/survey.h"
#include "schedule/used_numbers.h"

namespace onecycle {

namespace {

class Extended : public Schedule, public Cornered, public WithUsedNumbers {
 public:
  Extended(std::unique_ptr<Schedule> base, std::vector<Extension> extensions)
      : base_(std::move(base)), extensions_(std::move(extensions)) {}

  Hyper at(std::int64_t step, std::int64_t total) const override {
    return after(extensions_.size(), step, total);
  }

  std::vector<std::int64_t> corners(std::int64_t total) const override {
    return corners_after(extensions_.size(), total);
  }

  // Of the schedule as it was planned first, unless it was stretched.
  UsedNumbers used_numbers(std::int64_t total) const override {
    for (const Extension& extension : extensions_)
      if (extension.how != Extend::stretch) {
        total = extension.from;
        break;
      }
    return onecycle::used_numbers(*base_, total);
  }

 private:
  // Under the first `count` extensions, of a run of `total` steps.
  Hyper after(std::size_t count, std::int64_t step, std::int64_t total) const {
    if (count == 0) return base_->at(step, total);
    const Extension& last = extensions_[count - 1];
    if (last.how == Extend::stretch) return after(count - 1, step, total);
    if (step < last.from || total <= last.from) return after(count - 1, step, last.from);
    if (last.how == Extend::hold) return after(count - 1, last.from - 1, last.from);
    return base_->at(step - last.from, total - last.from);
  }

  std::vector<std::int64_t> corners_after(std::size_t count, std::int64_t total) const {
    if (count == 0) return corners_of(*base_, total);
    const Extension& last = extensions_[count - 1];
    if (last.how == Extend::stretch) return corners_after(count - 1, total);
    std::vector<std::int64_t> corners = corners_after(count - 1, last.from);
    if (total <= last.from) return corners;
    corners.push_back(last.from);
    if (last.how == Extend::new_cycle)
      for (const std::int64_t corner : corners_of(*base_, total - last.from))
        corners.push_back(last.from + corner);
    return corners;
  }

  std::unique_ptr<Schedule> base_;
  std::vector<Extension> extensions_;
};

}  // namespace

std::unique_ptr<Schedule> extended(std::unique_ptr<Schedule> base,
                                   const std::vector<Extension>& extensions) {
  if (extensions.empty()) return base;
  return std::make_unique<Extended>(std::move(base), extensions);
}

}  // namespace onecycle
