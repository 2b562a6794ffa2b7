#include "cli/range_overlays.h"

#include "core/text/format.h"
#include "core/text/number.h"
#include "study/recipe_edit.h"

#include <sstream>

namespace onecycle {

namespace {

std::vector<std::string> words_of(const std::string& text) {
  std::vector<std::string> words;
  std::istringstream in(text);
  for (std::string word; std::getline(in, word, ',');) words.push_back(word);
  return words;
}

std::optional<MomentumRange> momentum_range_of(const CommandLine& line) {
  if (!line.has("momentum-range")) return std::nullopt;
  const auto words = words_of(line.text("momentum-range"));
  std::vector<double> ends;
  for (const std::string& word : words)
    if (const auto end = parse_number(word)) ends.push_back(*end);
  if (words.size() != 2 || ends.size() != 2 || ends[0] < 0 || ends[0] >= ends[1] || ends[1] >= 1)
    line.misused("--momentum-range: expected LOW,HIGH with 0 <= LOW < HIGH < 1, got " +
                 line.text("momentum-range"));
  return MomentumRange{0, ends[0], ends[1]};
}

}  // namespace

void AskedOverlays::describe(CommandLine& line) {
  line.add_option("weight-decay", "LIST", "overlay: the sweep for each of these, in l2 units");
  line.add_option("momentum", "LIST",
                  "overlay: the sweep for each of these; .95-.85 falls as the rate rises");
  line.add_option("constant", "LR", "overlays at this learning rate instead of along the sweep");
  line.add_option("momentum-range", "LOW,HIGH",
                  "momentum rises from LOW to HIGH at a constant learning rate (default: lr_min)");
}

AskedOverlays::AskedOverlays(const CommandLine& line)
    : decays_(decays_of(line)),
      momenta_(momenta_of(line)),
      momentum_range_(momentum_range_of(line)),
      constant_(line.positive("constant")) {}

std::vector<double> AskedOverlays::decays_of(const CommandLine& line) {
  std::vector<double> values;
  for (const std::string& word : words_of(line.text("weight-decay"))) {
    const auto value = parse_number(word);
    if (!value || *value < 0)
      line.misused("--weight-decay: expected numbers of at least 0 between commas, got '" + word +
                   "'");
    values.push_back(*value);
  }
  return values;
}

std::vector<AskedOverlays::Momentum> AskedOverlays::momenta_of(const CommandLine& line) {
  std::vector<Momentum> momenta;
  for (const std::string& word : words_of(line.text("momentum"))) {
    const std::size_t dash = word.find('-', 1);
    const auto highest = parse_number(word.substr(0, dash));
    const auto lowest = dash == std::string::npos ? highest : parse_number(word.substr(dash + 1));
    if (!highest || !lowest || *lowest < 0 || *lowest > *highest || *highest >= 1)
      line.misused(
          "--momentum: expected numbers in [0, 1), or cycles such as .95-.85, between "
          "commas, got '" +
          word + "'");
    momenta.push_back({word, *highest, *lowest});
  }
  return momenta;
}

void AskedOverlays::add(RangeTest& test, const DataSet& data, const Recipe& recipe,
                        const Environment& environment, StopSignal& stop,
                        Observer* progress) const {
  if (!test.linear) return;
  Sweep plan = *test.linear;
  if (constant_) plan.low = plan.high = *constant_;
  const auto runs_of = [&](const Recipe& changed) {
    return [&data, &environment, changed] { return build_on(data, changed, environment); };
  };
  OverlayPlan decays{{}, plan, kWeightDecay};
  for (const double l2 : decays_)
    decays.cases.push_back(
        {format("weight decay {:.3g}", l2),
         runs_of(with_weight_decay(recipe, l2, data.train.size(), environment))});
  if (!decays.cases.empty()) add_overlays(test, decays, stop, progress);

  OverlayPlan momenta{{}, plan, "momentum"};
  for (const Momentum& one : momenta_)
    momenta.cases.push_back({"momentum " + one.text,
                             runs_of(one.highest == one.lowest
                                         ? with_momentum(recipe, one.highest)
                                         : with_cycled_momentum(recipe, one.highest, one.lowest))});
  if (!momenta.cases.empty() && stop.signal_number() == 0)
    add_overlays(test, momenta, stop, progress);

  if (!momentum_range_ || stop.signal_number() != 0) return;
  MomentumRange range = *momentum_range_;
  range.lr = constant_.value_or(test.lr_min.value_or(plan.high / 10));
  RecipeRun run = build_on(data, recipe, environment);
  add_momentum_range(test, range, *test.linear, run, stop, progress);
}

}  // namespace onecycle
