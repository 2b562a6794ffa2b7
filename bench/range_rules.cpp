// Every rule's answer against the truth, on made-up range tests with a known edge and on recorded
// ones:
//   ninja -C build/release bench_range_rules && build/release/bench/bench_range_rules
//   bench/curves/*.json
//
// Recorded (bench/range_test_spread.py --keep): the truth is the rates that trained to within half
// a point of the best of a grid; the answer is given as it is, and by what factor it misses them.
//
// A curve: learning takes hold around a fiftieth of the edge; above the edge accuracy falls and
// loss rises. The answer is given as a share of the edge: median, smallest and largest over 50
// draws of the noise.

#include "core/text/format.h"
#include "tuning/range_test/rules.h"
#include "tuning/range_test/smoothing.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <random>

namespace onecycle {
namespace {

constexpr int kDraws = 50;
constexpr int kCoarseSteps = 100;
constexpr int kLooks = 40;

double loss_at(double lr, double edge) {
  const double learnt = 1 / (1 + std::pow(edge / 50 / lr, 1.2));
  return 2.3 - 1.6 * learnt + 0.3 * std::pow(lr / edge, 2);
}

double accuracy_at(double lr, double edge) {
  const double learnt = 1 / (1 + std::pow(edge / 50 / lr, 1.2));
  return 0.1 + 0.75 * learnt / (1 + std::pow(std::max(0.0, lr / edge - 1), 1.5) * 4);
}

struct Answers {
  std::vector<double> shares;
  int refused = 0;
};

void add(std::map<std::string, Answers>& all, const Suggestion& one, double edge) {
  Answers& answers = all[one.rule];
  if (one.lr) answers.shares.push_back(*one.lr / edge);
  if (!one.lr) ++answers.refused;
}

std::map<std::string, Answers> answers_for(double edge, double noise) {
  std::map<std::string, Answers> all;
  for (int draw = 0; draw < kDraws; ++draw) {
    std::mt19937_64 random(static_cast<std::uint64_t>(draw));
    std::normal_distribution<double> normal(0, noise);
    std::vector<double> lr, losses;
    CausalAverage average;
    for (int i = 0; i < kCoarseSteps; ++i) {
      const double rate = 1e-7 * std::pow(1e8, i / (kCoarseSteps - 1.0));
      const double loss = std::min(20.0, loss_at(rate, edge)) + normal(random);
      lr.push_back(rate);
      losses.push_back(average.add(loss));
      if (losses.back() > 4 * *std::min_element(losses.begin(), losses.end())) break;
    }
    for (const Suggestion& one : fastai_rules(lr, losses, kCoarseSteps)) add(all, one, edge);
    std::vector<double> looked, accuracies;
    for (int i = 1; i <= kLooks; ++i) {
      looked.push_back(3 * edge * i / kLooks);
      accuracies.push_back(accuracy_at(looked.back(), edge) + 0.3 * normal(random));
    }
    add(all, smith_rule(looked, smoothed_over_lr(looked, accuracies, looked), 1000, ""), edge);
  }
  return all;
}

// By what factor `lr` lies outside of the rates from `low` to `high`; 1 within.
double missed_by(double lr, double low, double high) {
  return lr < low ? low / lr : lr > high ? lr / high : 1;
}

std::vector<Suggestion> answers_on(const nlohmann::json& curve) {
  std::vector<double> lr, losses, looked, accuracies;
  CausalAverage average;
  for (const auto& point : curve["coarse"]) {
    lr.push_back(point[0]);
    losses.push_back(average.add(point[1]));
  }
  for (const auto& point : curve["looks"]) {
    looked.push_back(point[0]);
    accuracies.push_back(point[1]);
  }
  std::vector<double> at = looked;
  std::sort(at.begin(), at.end());
  at.erase(std::unique(at.begin(), at.end()), at.end());
  const int seeds = static_cast<int>(looked.size() / at.size());
  std::vector<Suggestion> answers = fastai_rules(lr, losses, kCoarseSteps);
  answers.push_back(smith_rule(at, smoothed_over_lr(looked, accuracies, at, 5 * seeds),
                               1000 * seeds, curve["fell"] == true ? "" : "reaches less beyond"));
  return answers;
}

void print_recorded(const std::string& path) {
  std::ifstream file(path);
  const auto recorded = nlohmann::json::parse(file);
  const double low = recorded["good"][0];
  const double high = recorded["good"][1];
  std::map<std::string, std::vector<double>> answers;
  for (const auto& curve : recorded["curves"])
    for (const Suggestion& one : answers_on(curve))
      if (one.lr) answers[one.rule].push_back(*one.lr);
  const std::size_t tests = recorded["curves"].size();
  for (auto& [rule, values] : answers) {
    std::sort(values.begin(), values.end());
    const double median = values[values.size() / 2];
    fmt::print("{:<20} {:<8} {:>8.2g}  {:>20}  {:>8.3g}  {} of {}\n",
               recorded["name"].get<std::string>(), rule, median,
               format("{:.2g} to {:.2g}", values.front(), values.back()),
               missed_by(median, low, high), tests - values.size(), tests);
  }
  fmt::print("{:<20} {:<8} {:>8}  {:>20}\n", recorded["name"].get<std::string>(), "truth", "",
             format("{:.2g} to {:.2g}", low, high));
}

}  // namespace
}  // namespace onecycle

int main(int argc, char** argv) {
  using namespace onecycle;
  fmt::print("{:<8} {:>7} {:>7}  {:>8}  {:>18}  {}\n", "rule", "edge", "noise", "median", "range",
             "refused");
  for (const double edge : {0.01, 0.1, 1.0})
    for (const double noise : {0.0, 0.05, 0.2})
      for (auto& [rule, answers] : answers_for(edge, noise)) {
        auto& shares = answers.shares;
        std::sort(shares.begin(), shares.end());
        const std::string range =
            shares.empty() ? "" : format("{:.2g} to {:.2g}", shares.front(), shares.back());
        fmt::print("{:<8} {:>7.2g} {:>7.2g}  {:>8}  {:>18}  {} of {}\n", rule, edge, noise,
                   shares.empty() ? "" : format("{:.2g}", shares[shares.size() / 2]), range,
                   answers.refused, kDraws);
      }
  fmt::print("\n{:<20} {:<8} {:>8}  {:>20}  {:>8}  {}\n", "recorded", "rule", "median", "range",
             "off by", "refused");
  for (int i = 1; i < argc; ++i) print_recorded(argv[i]);
  return 0;
}
