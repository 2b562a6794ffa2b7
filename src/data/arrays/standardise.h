#pragma once

#include "onecycle/data.h"

#include <cstdint>
#include <string>
#include <vector>

namespace onecycle {

// Samples of more numbers have one mean and one standard deviation: every file of the network has
// them as text.
inline constexpr std::int64_t kMostNumberStatistics = 100'000;

// Mean and population standard deviation of every number of samples [N,...] over the samples, in
// float64, in the order of the numbers, or of all numbers; of constant ones their value and 1.
// Throws DataError, with `what` and the number's place, as moments_of.
ChannelStatistics number_statistics(const at::Tensor& samples, const std::string& what);

// (sample - mean) / std of samples [N,...], on any device, a value each for every number, or one
// for all, in float64, as float32; the samples as float32 where there are no means. Throws
// DataError, with `what` and the sample, counted from `first`, for what is not finite then.
at::Tensor standardised(const at::Tensor& samples, const std::vector<double>& mean,
                        const std::vector<double>& std, const std::string& what,
                        std::int64_t first = 0);

}  // namespace onecycle
