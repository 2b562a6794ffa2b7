#pragma once

#include "kernels/convolution/direct_convolution.h"

namespace onecycle::kernels {

// DirectConvolutionCpu's functions of these names.
std::int64_t weight_scratch_values(const ConvolutionShape& shape, const WeightShare& share);
void weight_sums(const ConvolutionShape& shape, const WeightShare& share,
                 const std::uint16_t* images, const std::uint16_t* output_gradient,
                 std::uint16_t* scratch, float* sums);

}  // namespace onecycle::kernels
