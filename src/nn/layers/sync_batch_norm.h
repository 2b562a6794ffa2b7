#pragma once

#include "onecycle/error.h"
#include "onecycle/group.h"

#include <cstdint>
#include <exception>
#include <memory>

#include <ATen/core/Tensor.h>

namespace onecycle {

// Of the values of each channel, over the batches of all ranks.
struct ChannelMoments {
  at::Tensor mean;      // [C], float64
  at::Tensor variance;  // [C], float64, biased
  at::Tensor count;     // [], float64: values a channel
};

// A training pass with one value a channel, which has no variance.
class OneValueError : public DataError {
 public:
  OneValueError();
};

// Whether an error is that, by its type or as LibTorch's own batch norms say it.
bool is_one_value(const std::exception& error);

// Throws OneValueError for one value a channel of a training pass.
void check_values_a_channel(std::int64_t values);

// input [N, C, H, W]. Collective; does not wait for the device. Throws OneValueError where there
// is but one value a channel.
ChannelMoments moments_over(Group& ranks, const at::Tensor& input);

// (input - mean) / sqrt(variance + eps) * weight + bias, in the dtype of the input. Its backward
// pass sums over the ranks what the moments' gradients need; gradients of weight and bias are this
// rank's own (Ioffe & Szegedy 2015, arXiv 1502.03167, section 3).
at::Tensor normalise_by(const std::shared_ptr<Group>& ranks, const ChannelMoments& moments,
                        const at::Tensor& input, const at::Tensor& weight, const at::Tensor& bias,
                        double eps);

}  // namespace onecycle
