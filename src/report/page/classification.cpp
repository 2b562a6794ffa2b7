#include "onecycle/classification.h"

#include "core/text/csv_text.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace onecycle {

namespace {

constexpr std::size_t kBins = 15;
constexpr std::int64_t kTop = 5;

// The bin of a confidence in (0, 1]; its upper bound belongs to it.
std::size_t bin_of(double confidence) {
  const double place = std::ceil(confidence * static_cast<double>(kBins)) - 1;
  return static_cast<std::size_t>(std::clamp(place, 0.0, static_cast<double>(kBins - 1)));
}

// Divides the sums of the bins by their counts.
void finish_bins(Classification& result) {
  for (ReliabilityBin& bin : result.bins) {
    if (bin.samples == 0) continue;
    const auto count = static_cast<double>(bin.samples);
    result.overconfidence += (bin.confidence - bin.accuracy) / static_cast<double>(result.samples);
    result.ece += std::abs(bin.accuracy - bin.confidence) / static_cast<double>(result.samples);
    bin.confidence /= count;
    bin.accuracy /= count;
  }
}

std::optional<double> share(std::int64_t part, std::int64_t whole) {
  if (whole == 0) return std::nullopt;
  return static_cast<double>(part) / static_cast<double>(whole);
}

}  // namespace

std::int64_t Classification::labelled(std::size_t label) const {
  return std::accumulate(confusion[label].begin(), confusion[label].end(), std::int64_t{0});
}

std::int64_t Classification::predicted(std::size_t predicted) const {
  std::int64_t count = 0;
  for (const auto& row : confusion) count += row[predicted];
  return count;
}

std::optional<double> Classification::recall(std::size_t label) const {
  return share(confusion[label][label], labelled(label));
}

std::optional<double> Classification::precision(std::size_t label) const {
  return share(confusion[label][label], predicted(label));
}

std::optional<double> Classification::f1(std::size_t label) const {
  return share(2 * confusion[label][label], labelled(label) + predicted(label));
}

Classification classification_of(std::span<const float> probabilities,
                                 std::span<const std::int64_t> labels,
                                 std::vector<std::string> classes, std::size_t most_mistakes) {
  Classification result;
  const std::size_t width = classes.size();
  result.samples = static_cast<std::int64_t>(labels.size());
  result.confusion.assign(width, std::vector<std::int64_t>(width, 0));
  result.bins.resize(kBins);
  std::int64_t correct = 0;
  std::int64_t among_top = 0;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    const auto row = probabilities.subspan(i * width, width);
    const auto best = std::max_element(row.begin(), row.end());
    const auto label = static_cast<std::size_t>(labels[i]);
    const auto taken = static_cast<std::size_t>(best - row.begin());
    const bool right = taken == label;
    ++result.confusion[label][taken];
    correct += right;
    const auto above =
        std::count_if(row.begin(), row.end(), [&](float other) { return other > row[label]; });
    among_top += above < kTop;
    const double own = static_cast<double>(row[label]);
    ReliabilityBin& bin = result.bins[bin_of(static_cast<double>(*best))];
    ++bin.samples;
    bin.confidence += static_cast<double>(*best);
    bin.accuracy += right ? 1 : 0;
    if (!right)
      result.mistakes.push_back({static_cast<std::int64_t>(i), labels[i],
                                 static_cast<std::int64_t>(taken), static_cast<double>(*best),
                                 own});
  }
  const auto count = static_cast<double>(std::max<std::size_t>(1, labels.size()));
  result.accuracy = static_cast<double>(correct) / count;
  if (width > static_cast<std::size_t>(kTop)) result.top5 = static_cast<double>(among_top) / count;
  finish_bins(result);
  std::stable_sort(
      result.mistakes.begin(), result.mistakes.end(),
      [](const Mistake& a, const Mistake& b) { return a.label_probability < b.label_probability; });
  if (result.mistakes.size() > most_mistakes) result.mistakes.resize(most_mistakes);
  result.classes = std::move(classes);
  return result;
}

std::string confusion_csv(const Classification& result) {
  std::string text = "label";
  for (const std::string& name : result.classes) text += "," + csv_cell(name);
  text += "\n";
  for (std::size_t label = 0; label < result.classes.size(); ++label) {
    text += csv_cell(result.classes[label]);
    for (const std::int64_t samples : result.confusion[label])
      text += "," + std::to_string(samples);
    text += "\n";
  }
  return text;
}

}  // namespace onecycle
