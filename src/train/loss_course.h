#pragma once

#include "onecycle/verdict.h"

#include <vector>

namespace onecycle {

using CurvePoints = std::vector<LearningCurvePoint>;
using LossMember = double LearningCurvePoint::*;

inline constexpr double kNotableChange = 0.02;  // of the mean loss over the window, or nats
inline constexpr double kNotableRise = 0.05;    // of the lowest loss, or nats: the end is above it

// Where one loss goes over a window.
struct Trend {
  Slope slope;
  double span = 0;  // of the window, in epochs
  double unit = 1;  // of what is notable: the mean loss there, or a nat

  double fall() const { return -slope.value * span; }
  double part(double loss_an_epoch) const { return unit > 0 ? loss_an_epoch * span / unit : 0; }
  bool falls() const { return slope.high < 0 && part(slope.value) < -kNotableChange; }
  bool rises() const { return slope.low > 0 && part(slope.value) > kNotableChange; }
  // Known to be so, where an interval that is wide would leave it open.
  bool is_flat() const {
    return part(slope.low) > -kNotableRise && part(slope.high) < kNotableRise;
  }
};
// Of two points or more; `in_nats`: of losses without ratios.
Trend trend_of(const CurvePoints& curve, LossMember loss, bool in_nats);

// Where one loss began, its lowest, and its end.
struct Course {
  double first = 0;
  double lowest = 0;
  double end = 0;     // of the latest three, like `lowest` of any three
  double last = 0;    // evaluation
  bool rose = false;  // the end is above the lowest, beyond noise
};
// Of three points or more.
Course course_of(const CurvePoints& curve, LossMember loss, bool in_nats);

}  // namespace onecycle
