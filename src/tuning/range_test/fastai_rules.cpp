#include "core/text/format.h"
#include "tuning/range_test/rules.h"

#include <algorithm>
#include <cmath>

namespace onecycle {

namespace {

std::size_t index_of_least(const std::vector<float>& values) {
  return static_cast<std::size_t>(std::min_element(values.begin(), values.end()) - values.begin());
}

// Central differences inside, one-sided at the ends.
std::vector<float> gradient(const std::vector<float>& values) {
  const std::size_t n = values.size();
  std::vector<float> result(n);
  result[0] = values[1] - values[0];
  result[n - 1] = values[n - 1] - values[n - 2];
  for (std::size_t i = 1; i + 1 < n; ++i) result[i] = (values[i + 1] - values[i - 1]) / 2;
  return result;
}

}  // namespace

float steep_rule(const std::vector<float>& lr, const std::vector<float>& losses) {
  std::vector<float> slopes;
  for (std::size_t i = 0; i + 1 < lr.size(); ++i)
    slopes.push_back((losses[i + 1] - losses[i]) / (std::log(lr[i + 1]) - std::log(lr[i])));
  return lr[index_of_least(slopes)];
}

float minimum_rule(const std::vector<float>& lr, const std::vector<float>& losses) {
  return static_cast<float>(static_cast<double>(lr[index_of_least(losses)]) / 10);
}

// The middle of the longest decreasing subsequence, found by dynamic programming.
float valley_rule(const std::vector<float>& lr, const std::vector<float>& losses) {
  const auto n = static_cast<std::int64_t>(losses.size());
  std::vector<std::int64_t> longest(losses.size(), 1);
  std::int64_t end = 0;
  for (std::int64_t i = 1; i < n; ++i)
    for (std::int64_t j = 0; j < i; ++j) {
      if (losses[i] < losses[j]) longest[i] = std::max(longest[i], longest[j] + 1);
      if (longest[end] < longest[i]) end = i;
    }
  const std::int64_t length = longest[end];
  const std::int64_t start = n > 1 && length > 1 ? end - length : 0;
  const std::int64_t index = start + (length > 1 ? length / 3 + length / 6 : 0);
  return lr[static_cast<std::size_t>((index + n) % n)];
}

// From the end backwards, while the slopes 15 points apart differ by more than .005.
float slide_rule(const std::vector<float>& lr, const std::vector<float>& losses) {
  constexpr std::int64_t kApart = 15;
  constexpr float kThreshold = 0.005f;
  const std::vector<float> slopes = gradient(losses);
  const auto n = static_cast<std::int64_t>(losses.size());
  std::int64_t right = n - 1;
  std::int64_t left = right - kApart;
  float found = lr[left];
  while (left >= 0 && std::abs(slopes[right] - slopes[left]) > kThreshold) {
    found = lr[left];
    --right;
    --left;
  }
  return found;
}

std::vector<Suggestion> fastai_rules(const std::vector<double>& lr,
                                     const std::vector<double>& losses, std::int64_t steps) {
  constexpr std::int64_t kLeftOut = 5;
  constexpr std::size_t kFewest = 17;
  std::vector<float> x;
  std::vector<float> y;
  const auto n = static_cast<std::int64_t>(lr.size());
  for (std::int64_t i = steps / 10; i < n - kLeftOut; ++i) {
    x.push_back(static_cast<float>(lr[i]));
    y.push_back(static_cast<float>(losses[i]));
  }
  std::vector<Suggestion> result;
  const auto add = [&](const char* rule,
                       float (*apply)(const std::vector<float>&, const std::vector<float>&),
                       const std::string& reason) {
    if (x.size() < kFewest) {
      result.push_back({rule, std::nullopt, "the sweep ended too soon"});
    } else {
      result.push_back({rule, static_cast<double>(apply(x, y)), reason});
    }
  };
  add("steep", steep_rule, "the steepest fall of the training loss");
  const double least = x.empty() ? 0 : static_cast<double>(x[index_of_least(y)]);
  add("minimum", minimum_rule,
      format(
          "a tenth of {:.3g}, where the average of the training loss so far, which lags, is least",
          least));
  add("valley", valley_rule, "inside the longest fall of the training loss");
  add("slide", slide_rule, "before the slope of the training loss changes for good");
  return result;
}

}  // namespace onecycle
