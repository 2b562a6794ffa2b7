#pragma once

#include "onecycle/score.h"

#include <string>
#include <string_view>

namespace onecycle {

// Text for HTML and XML, in content and in quoted attributes; what is not `visible` is spelled out.
std::string escaped(std::string_view text);

// For people: four digits, "12,345", "0.0125", "1.29e-5"; "–" for what is not a number.
std::string human_number(double value);
std::string human_percent(double fraction);  // "88.71 %"
// In percent where it is a fraction, else a number.
std::string human_metric(const Metric& metric, double value);
// What it is called: its label, unless that is the beginning of its name: "accuracy", "mAP".
std::string human_name(const Metric& metric);
// Above a figure of it, and along its axis: "Accuracy" and "accuracy, %"; "rmse" and "rmse".
std::string title_of(const Metric& metric);
std::string unit_of(const Metric& metric);
std::string human_seconds(double seconds);  // "3 h 20 min", "41 s"

// A tick's label beside neighbours `step` apart: "0.25", "1.5k", "1e-7".
std::string tick_text(double value, double step);

}  // namespace onecycle
