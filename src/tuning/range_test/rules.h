#pragma once

#include "onecycle/range_test.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

// What a range test's curve says, by several rules. All are pure functions of arrays.
namespace onecycle {

// Two standard errors of the difference between the points `a` and `b` of a curve.
using Tolerance = std::function<double(std::size_t a, std::size_t b)>;

// Of points each measured alone on `samples`: those of the better one. Of an accuracy binomial, of
// a loss, never negative, those of a mean of squares of normal numbers, for a task that gives no
// sample's loss.
Tolerance tolerance_of_means(std::vector<double> worth, std::int64_t samples, Measure measure);
double tolerance(double worth, std::int64_t samples, Measure measure);

// [points][samples]; shared, as there may be many.
using LossesOfSamples = std::shared_ptr<const std::vector<std::vector<double>>>;
// Of points measured on the same samples, by the losses of each.
Tolerance tolerance_of_pairs(LossesOfSamples losses);
// The standard error of the mean of a - b: their standard deviation (n - 1) over the root of n.
// Infinite for fewer than two samples. Throws Error where a and b differ in size.
double paired_error(const std::vector<double>& a, const std::vector<double>& b);

// The tolerance between each point and the best up to it.
std::vector<double> tolerances_along(const std::vector<double>& worth, const Tolerance& tolerance);

// Smith's rule on held-out accuracies, or losses with a minus sign, smoothed, over ascending
// learning rates: the largest rate at which that is within the tolerance, two standard errors, of
// its running maximum, before a fall that it does not recover from. `beyond`: what is known to come
// after the last rate, as "then the loss diverges"; empty: nothing, and a range that ends before
// any fall is refused. So are flat curves.
Suggestion smith_rule(const std::vector<double>& lr, const std::vector<double>& worth,
                      const Tolerance& tolerance, const std::string& beyond,
                      Measure measure = Measure::accuracy);

// fastai's four (callback/schedule.py of fastai 2), on the causally smoothed training losses of an
// exponential sweep of `steps` planned steps, from step steps/10 on and without the last five. In
// float arithmetic, as there: the values are the same.
std::vector<Suggestion> fastai_rules(const std::vector<double>& lr,
                                     const std::vector<double>& losses, std::int64_t steps);

// On arrays as they are, which need two elements (slide: 17).
float steep_rule(const std::vector<float>& lr, const std::vector<float>& losses);
float minimum_rule(const std::vector<float>& lr, const std::vector<float>& losses);
float valley_rule(const std::vector<float>& lr, const std::vector<float>& losses);
float slide_rule(const std::vector<float>& lr, const std::vector<float>& losses);

// Two significant digits, downwards: 0.1234 -> 0.12.
double rounded_down(double value);

}  // namespace onecycle
