#pragma once

#include "onecycle/data.h"

#include <vector>

namespace onecycle {

// Mean and population standard deviation of every number of samples [N,...] over the samples, in
// float64, in the order of the numbers; of a constant one its value and 1. Throws DataError, with
// the number's place, as moments_of.
ChannelStatistics number_statistics(const at::Tensor& samples);

// (sample - mean) / std of samples [N,...], on any device, a value each for every number, in
// float64, as float32; the samples as float32 where there are no means.
at::Tensor standardised(const at::Tensor& samples, const std::vector<double>& mean,
                        const std::vector<double>& std);

}  // namespace onecycle
