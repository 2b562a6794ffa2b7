#include "report/page/evaluation_content.h"

#include "core/text/format.h"
#include "report/page/picture_uri.h"
#include "report/page/text.h"

#include <algorithm>
#include <cmath>

namespace onecycle {

namespace {

constexpr std::size_t kMostClassesInMatrix = 40;
constexpr std::size_t kMostConfusions = 20;

std::string percent_or_dash(const std::optional<double>& share) {
  return share ? human_percent(*share) : "–";
}

std::string small_percent(double share) {
  return share < 1e-4 ? "below 0.01 %" : human_percent(share);
}

struct Confusion {
  std::size_t label;
  std::size_t predicted;
  std::int64_t samples;
};

// The wrong answers that come most often, those first.
std::vector<Confusion> confusions_of(const Classification& result) {
  std::vector<Confusion> list;
  for (std::size_t label = 0; label < result.confusion.size(); ++label)
    for (std::size_t other = 0; other < result.confusion.size(); ++other)
      if (label != other && result.confusion[label][other] > 0)
        list.push_back({label, other, result.confusion[label][other]});
  std::stable_sort(list.begin(), list.end(),
                   [](const Confusion& a, const Confusion& b) { return a.samples > b.samples; });
  if (list.size() > kMostConfusions) list.resize(kMostConfusions);
  return list;
}

PageTable classes_of(const Classification& result) {
  PageTable table;
  table.title = "Classes";
  table.names = {"class", "samples", "recall", "precision", "F1"};
  table.textual = {true, false, false, false, false};
  table.note =
      "Recall: the share of the class's samples that are right. Precision: the share right among "
      "the samples predicted as it. F1: their harmonic mean. The hardest class first.";
  std::vector<std::size_t> order(result.classes.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return result.recall(a).value_or(2) < result.recall(b).value_or(2);
  });
  for (const std::size_t i : order)
    table.rows.push_back({result.classes[i], human_number(static_cast<double>(result.labelled(i))),
                          percent_or_dash(result.recall(i)), percent_or_dash(result.precision(i)),
                          result.f1(i) ? format("{:.3f}", *result.f1(i)) : "–"});
  return table;
}

PageTable confusions_table(const Classification& result) {
  PageTable table;
  table.title = "Most frequent confusions";
  table.names = {"class", "predicted", "samples", "of the class"};
  table.textual = {true, true, false, false};
  for (const Confusion& one : confusions_of(result))
    table.rows.push_back({result.classes[one.label], result.classes[one.predicted],
                          human_number(static_cast<double>(one.samples)),
                          human_percent(static_cast<double>(one.samples) /
                                        static_cast<double>(std::max<std::int64_t>(
                                            1, result.labelled(one.label))))});
  return table;
}

PageTable bins_table(const Classification& result) {
  PageTable table;
  table.title = "Calibration";
  table.names = {"confidence", "samples", "mean confidence", "accuracy", "difference"};
  table.textual = {true, false, false, false, false};
  table.note =
      "Confidence: the largest of a sample's probabilities. ECE: the mean absolute difference, "
      "weighted by samples. Intervals without a sample are left out.";
  const auto bins = static_cast<double>(result.bins.size());
  for (std::size_t i = 0; i < result.bins.size(); ++i) {
    const ReliabilityBin& bin = result.bins[i];
    if (bin.samples == 0) continue;
    table.rows.push_back({format("{:.3f} to {:.3f}", static_cast<double>(i) / bins,
                                 static_cast<double>(i + 1) / bins),
                          human_number(static_cast<double>(bin.samples)),
                          human_percent(bin.confidence), human_percent(bin.accuracy),
                          format("{:+.2f} %", 100 * (bin.accuracy - bin.confidence))});
  }
  return table;
}

Figure reliability_figure(const Classification& result) {
  Figure figure;
  figure.name = "reliability";
  figure.title = "Reliability";
  figure.note =
      format("Points below the dashed line: more confident than right. ECE {} over {} intervals.",
             human_percent(result.ece), result.bins.size());
  figure.x.label = "mean confidence, %";
  figure.y.label = "accuracy, %";
  figure.x.low = figure.y.low = 0;
  figure.x.high = figure.y.high = 100;
  PlotSeries perfect;
  perfect.label = "perfectly calibrated";
  perfect.style = PlotSeries::Style::dashed;
  perfect.colour = 5;
  perfect.x = perfect.y = {0, 100};
  PlotSeries measured;
  measured.label = "measured";
  PlotSeries points;
  points.label = "intervals";
  points.style = PlotSeries::Style::points;
  for (const ReliabilityBin& bin : result.bins) {
    if (bin.samples == 0) continue;
    measured.x.push_back(100 * bin.confidence);
    measured.y.push_back(100 * bin.accuracy);
  }
  points.x = measured.x;
  points.y = measured.y;
  figure.series = {perfect, measured, points};
  return figure;
}

PageGallery mistakes_gallery(const EvaluationReport& evaluation) {
  const Classification& result = evaluation.result;
  PageGallery gallery;
  gallery.title = "Worst mistakes";
  gallery.note =
      "Those whose true class gets the lowest probability: look for wrong labels and odd pictures "
      "here. The percentages are its probabilities.";
  const std::size_t count = std::min(evaluation.pictures.size(), result.mistakes.size());
  for (std::size_t i = 0; i < count; ++i) {
    const Mistake& mistake = result.mistakes[i];
    const std::string& label = result.classes[static_cast<std::size_t>(mistake.label)];
    const std::string& taken = result.classes[static_cast<std::size_t>(mistake.predicted)];
    PagePicture picture;
    picture.image = picture_uri(evaluation.pictures[i]);
    picture.alternative = format("sample {}: {}, predicted {}", mistake.sample, label, taken);
    picture.lines = {label, format("predicted {}, {}", taken, human_percent(mistake.confidence)),
                     format("{} {}", label, small_percent(mistake.label_probability)),
                     format("sample {}", mistake.sample)};
    gallery.pictures.push_back(std::move(picture));
  }
  return gallery;
}

void add_words(PageContent& content, const Classification& result) {
  const double points = 100 * result.overconfidence;
  content.answer = format("{} of {} samples are right.", human_percent(result.accuracy),
                          human_number(static_cast<double>(result.samples)));
  content.words.push_back(
      format("The network is on average {:.1f} points {} than right (expected calibration error "
             "{}).",
             std::abs(points), points >= 0 ? "more confident" : "less confident",
             human_percent(result.ece)));
}

}  // namespace

PageContent evaluation_content(const EvaluationReport& evaluation) {
  const Classification& result = evaluation.result;
  PageContent content;
  content.title = evaluation.title;
  content.subtitle = evaluation.subtitle;
  add_words(content, result);
  content.facts = {{"accuracy", human_percent(result.accuracy)},
                   {"loss", human_number(evaluation.loss)}};
  if (result.top5) content.facts.emplace_back("in the top 5", human_percent(*result.top5));
  content.facts.emplace_back("calibration error (ECE)", human_percent(result.ece));
  content.facts.emplace_back("samples", human_number(static_cast<double>(result.samples)));
  content.figures = {reliability_figure(result)};
  if (result.classes.size() <= kMostClassesInMatrix)
    content.matrices.push_back(
        {"Confusion matrix",
         "One row per true class, one column per predicted class. Shaded by the share of the row; "
         "the counts are in confusion.csv.",
         "true \\ predicted", result.classes, result.confusion});
  for (PageTable table : {classes_of(result), confusions_table(result), bins_table(result)})
    if (!table.rows.empty()) content.tables.push_back(std::move(table));
  if (!evaluation.pictures.empty()) content.galleries.push_back(mistakes_gallery(evaluation));
  content.recipe = evaluation.recipe;
  content.changes = evaluation.changes;
  content.machine = evaluation.facts;
  return content;
}

}  // namespace onecycle
