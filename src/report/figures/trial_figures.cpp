#include "report/figures/trial_figures.h"

#include "core/text/format.h"
#include "core/text/number.h"
#include "report/page/text.h"
#include "report/range_file.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <optional>
#include <string>

namespace onecycle {

namespace {

constexpr double kWorthSeeing = 1.5;  // of the lowest loss, or nats above one that is not positive;
                                      // what is above is cut off
constexpr double kWideRange = 4;      // between the values: then their axis is logarithmic

struct TriedValue {
  std::string label;
  std::optional<double> value;
  double loss = 0;  // not a number: it diverged
  bool chosen = false;
};

// "0.001", "5 ep"; nothing for "as the recipe" and "0.95-0.85-0.95".
std::optional<double> value_of(const std::string& label) {
  constexpr std::string_view kEpochs = " ep";
  return parse_number(label.ends_with(kEpochs) ? label.substr(0, label.size() - kEpochs.size())
                                               : label);
}

std::vector<TriedValue> tried_in(const Json& choice) {
  std::vector<TriedValue> tried;
  for (const Json& trial : list_in(choice, "trials")) {
    const std::string label = text_in(trial, "label");
    tried.push_back({label, value_of(label), number_in(trial, "loss"), is_chosen(trial)});
  }
  return tried;
}

// By the values above 0; then a 0 has no place on the axis.
bool is_logarithmic(const std::vector<TriedValue>& tried) {
  double low = INFINITY;
  double high = 0;
  for (const TriedValue& one : tried) {
    if (!one.value || *one.value == 0) continue;
    if (*one.value < 0) return false;
    low = std::min(low, *one.value);
    high = std::max(high, *one.value);
  }
  return high >= kWideRange * low;
}

std::string file_name_of(const std::string& what) {
  std::string name = "trials";
  bool apart = true;
  for (const char c : what) {
    const bool plain = std::isalnum(static_cast<unsigned char>(c)) != 0;
    if (plain && apart) name += '-';
    if (plain) name += c;
    apart = !plain;
  }
  return name;
}

void cut_off_high_losses(Figure& figure, const std::vector<TriedValue>& tried) {
  double lowest = INFINITY;
  double highest = -INFINITY;
  for (const TriedValue& one : tried) {
    if (!std::isfinite(one.loss)) continue;
    lowest = std::min(lowest, one.loss);
    highest = std::max(highest, one.loss);
  }
  const double high = lowest > 0 ? kWorthSeeing * lowest : lowest + kWorthSeeing;
  if (highest <= high) return;
  figure.y.high = high;
  figure.note += format(" Losses above {} are cut off.", human_number(high));
}

// Beside the outermost values, for their dots and what is written at them.
void leave_room(PlotAxis& axis, double low, double high) {
  constexpr double kShare = 0.08;
  if (axis.logarithmic) {
    const double factor = std::pow(high / low, kShare);
    axis.low = low / factor, axis.high = high * factor;
  } else {
    axis.low = low - kShare * (high - low), axis.high = high + kShare * (high - low);
  }
}

Figure figure_of_trials(const std::string& what, std::vector<TriedValue> tried) {
  Figure figure;
  figure.name = file_name_of(what);
  figure.title = "Validation loss by " + what;
  figure.note = "Lower is better. Dots: trials; the line marks what was chosen.";
  figure.x.label = what;
  figure.y.label = "loss";
  figure.x.logarithmic = is_logarithmic(tried);
  std::stable_sort(tried.begin(), tried.end(), [](const TriedValue& a, const TriedValue& b) {
    return a.value.value_or(INFINITY) < b.value.value_or(INFINITY);
  });
  PlotSeries curve;
  curve.label = "validation loss";
  std::vector<TriedValue> beside;
  for (const TriedValue& one : tried) {
    if (!one.value || (figure.x.logarithmic && *one.value == 0)) {
      beside.push_back(one);
      continue;
    }
    const std::string loss = std::isfinite(one.loss) ? human_number(one.loss) : "diverged";
    figure.marks.push_back({one.chosen ? "chosen: " + one.label : one.label + ": " + loss,
                            *one.value, one.loss, one.chosen});
    if (!std::isfinite(one.loss)) continue;
    curve.x.push_back(*one.value);
    curve.y.push_back(one.loss);
  }
  if (curve.x.size() < 2) return figure;
  figure.series.push_back(curve);
  leave_room(figure.x, curve.x.front(), curve.x.back());
  for (const TriedValue& one : beside) {
    if (!std::isfinite(one.loss)) continue;
    PlotSeries line;
    line.label = one.label + (one.chosen ? " (chosen)" : "");
    line.style = PlotSeries::Style::dashed;
    line.colour = static_cast<int>(figure.series.size()) % 6;
    line.x = {figure.x.low, figure.x.high};
    line.y = {one.loss, one.loss};
    figure.series.push_back(std::move(line));
  }
  cut_off_high_losses(figure, tried);
  return figure;
}

}  // namespace

bool is_chosen(const Json& trial) {
  return trial.is_object() && trial.contains("chosen") && trial["chosen"] == true;
}

std::vector<Figure> trial_figures(const Json& tuning) {
  std::vector<Figure> figures;
  for (const Json& choice : list_in(tuning, "choices")) {
    Figure figure = figure_of_trials(text_in(choice, "what"), tried_in(choice));
    if (!figure.series.empty()) figures.push_back(std::move(figure));
  }
  return figures;
}

}  // namespace onecycle
