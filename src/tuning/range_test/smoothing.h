#pragma once

#include <vector>

namespace onecycle {

// The exponential average of the losses so far, corrected for its start: s_t = b s_(t-1) + (1-b)
// L_t, value s_t / (1 - b^t) with t from 1. It lags: for stopping, not for reading a learning rate
// off.
class CausalAverage {
 public:
  explicit CausalAverage(double beta = 0.98) : beta_(beta) {}
  double add(double value);

 private:
  double beta_;
  double sum_ = 0;
  double weight_ = 0;
};

// What each of x counts at each of `at`, [at][x], in a local-linear regression over x (Cleveland
// 1979, one pass) with tricube weights of half-width max(half_width, distance to the
// `neighbours`-th nearest point): it does not lag. x in any order.
std::vector<std::vector<double>> smoothing_weights(const std::vector<double>& x,
                                                   const std::vector<double>& at, double half_width,
                                                   int neighbours = 5);

// The regression of y with these weights.
std::vector<double> smoothed_over(const std::vector<double>& x, const std::vector<double>& y,
                                  const std::vector<double>& at, double half_width,
                                  int neighbours = 5);

// The same over log10(lr), of half-width 0.15 decades. lr above 0.
std::vector<std::vector<double>> smoothing_weights_over_lr(const std::vector<double>& lr,
                                                           const std::vector<double>& at,
                                                           int neighbours = 5);
std::vector<double> smoothed_over_lr(const std::vector<double>& lr, const std::vector<double>& y,
                                     const std::vector<double>& at, int neighbours = 5);

}  // namespace onecycle
