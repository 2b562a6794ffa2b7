#pragma once

#include "onecycle/range_test.h"

#include <cstdint>
#include <string>
#include <vector>

// What a range test's curve says, by several rules. All are pure functions of arrays.
namespace onecycle {

// Smith's rule on held-out accuracies, or losses with a minus sign, smoothed, over ascending
// learning rates: the largest rate at which that is within two standard errors of its running
// maximum, before a fall that it does not recover from. `samples`: that each is measured on.
// `beyond`: what is known to come after the last rate, as "then the loss diverges"; empty: nothing,
// and a range that ends before any fall is refused. So are flat curves.
Suggestion smith_rule(const std::vector<double>& lr, const std::vector<double>& worth,
                      std::int64_t samples, const std::string& beyond,
                      Measure measure = Measure::accuracy);

// Two standard errors of such a number measured on `samples`; of a loss those of a mean of squares
// of normal numbers.
double tolerance(double worth, std::int64_t samples, Measure measure);

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
