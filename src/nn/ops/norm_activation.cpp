#include "nn/ops/norm_activation.h"

#include "kernels/norm/batch_norm.h"
#include "nn/ops/lane_images.h"
#include "nn/ops/norm_activation_cuda.h"

#include <cmath>
#include <vector>

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <ATen/record_function.h>
#include <torch/csrc/autograd/custom_function.h>

namespace onecycle {

namespace {

using kernels::Activation;
using kernels::NormRows;
using torch::autograd::AutogradContext;
using torch::autograd::Variable;
using torch::autograd::variable_list;

// Rows whose sums are added up in fp32, and a thread's share of work.
constexpr std::int64_t kRange = 1024;

std::int64_t rows_of(const at::Tensor& tensor) { return tensor.numel() / tensor.size(1); }

Activation activation_of(NormOutput output) {
  if (output == NormOutput::plain) return Activation::none;
  return output == NormOutput::gelu ? Activation::gelu : Activation::relu;
}

NormRows as_rows(const at::Tensor& input, Activation activation) {
  NormRows rows;
  rows.type = lane_type(input);
  rows.channels = input.size(1);
  rows.input = input.const_data_ptr();
  rows.activation = activation;
  rows.past_caches = past_caches(input);
  return rows;
}

const void* data_or_null(const at::Tensor& tensor) {
  return tensor.defined() ? tensor.const_data_ptr() : nullptr;
}

// A second pass goes backwards: what the first one read last is still in the cache.
enum class Order { forwards, backwards };

// work(number of the range, first row, end) for every range of kRange rows, on all threads.
template <class Work>
void over_ranges(std::int64_t rows, Order order, const Work& work) {
  const std::int64_t ranges = (rows + kRange - 1) / kRange;
  at::parallel_for(0, ranges, 1, [&](std::int64_t first, std::int64_t end) {
    for (std::int64_t k = first; k < end; ++k) {
      const std::int64_t i = order == Order::forwards ? k : first + end - 1 - k;
      work(i, i * kRange, std::min(rows, (i + 1) * kRange));
    }
  });
}

// Two sums a channel over all rows: work(row range, sums [2, channels] of it).
template <class Work>
std::vector<double> summed(std::int64_t rows, std::int64_t channels, const Work& work) {
  const auto width = static_cast<std::size_t>(2 * channels);
  const auto ranges = static_cast<std::size_t>((rows + kRange - 1) / kRange);
  std::vector<float> parts(ranges * width);
  over_ranges(rows, Order::forwards, [&](std::int64_t range, std::int64_t begin, std::int64_t end) {
    work(parts.data() + static_cast<std::size_t>(range) * width, begin, end);
  });
  std::vector<double> sums(width);
  for (std::size_t i = 0; i < parts.size(); ++i) sums[i % width] += parts[i];
  return sums;
}

// A value near each channel's mean: squares of differences from one far away lose digits.
std::vector<float> origin_of(const at::Tensor& input) {
  constexpr std::int64_t kSamples = 64;
  const NormRows rows = as_rows(input, Activation::none);
  const std::int64_t count = std::min(kSamples, rows_of(input));
  const auto channels = static_cast<std::size_t>(rows.channels);
  std::vector<float> origin(channels), sums(2 * channels);
  kernels::norm_cpu().moments(rows, origin.data(), sums.data(), 0, count);
  for (std::size_t c = 0; c < channels; ++c) origin[c] = sums[c] / static_cast<float>(count);
  return origin;
}

// The moments of a norm as what its passes read.
struct Coefficients {
  Coefficients(const BatchMoments& moments, double eps, const at::Tensor& weight,
               const at::Tensor& bias)
      : mean(moments.mean.const_data_ptr<float>()) {
    const auto* const factor = weight.const_data_ptr<float>();
    const auto* const addend = bias.const_data_ptr<float>();
    for (std::int64_t c = 0; c < weight.numel(); ++c) {
      inverse.push_back(1 / std::sqrt(moments.variance.const_data_ptr<float>()[c] + eps));
      scale.push_back(static_cast<float>(factor[c] * inverse.back()));
      shift.push_back(addend[c] - mean[c] * scale.back());
    }
  }
  kernels::NormChannels channels() const { return {mean, scale.data(), shift.data()}; }

  const float* mean;            // [C], of the moments
  std::vector<double> inverse;  // 1 / sqrt(variance + eps)
  std::vector<float> scale, shift;
};

at::Tensor normalised_on_cpu(const at::Tensor& input, const at::Tensor& addend,
                             const Coefficients& by, Activation activation) {
  at::Tensor output = at::empty_like(input, at::MemoryFormat::ChannelsLast);
  const NormRows rows = as_rows(input, activation);
  void* const to = output.mutable_data_ptr();
  over_ranges(
      rows_of(input), Order::backwards, [&](std::int64_t, std::int64_t begin, std::int64_t end) {
        kernels::norm_cpu().normalise(rows, by.channels(), data_or_null(addend), to, begin, end);
      });
  return output;
}

// As gradients_on_cuda.
NormInputGradients gradients_on_cpu(const at::Tensor& input, Activation activation,
                                    const Coefficients& by, const at::Tensor& one,
                                    const at::Tensor& two, const at::Tensor& kept,
                                    const at::Tensor& passed) {
  const bool gelu = activation == Activation::gelu;
  const NormRows rows = as_rows(input, activation);
  const std::int64_t count = rows_of(input);
  const kernels::NormGradients from{one.const_data_ptr(), data_or_null(two),
                                    gelu ? nullptr : data_or_null(kept),
                                    gelu ? data_or_null(kept) : nullptr};
  void* const passed_data = passed.defined() ? passed.mutable_data_ptr() : nullptr;
  const std::vector<double> sums =
      summed(count, rows.channels, [&](float* part, std::int64_t begin, std::int64_t end) {
        kernels::norm_cpu().gradient_sums(rows, by.channels(), from, passed_data, part, begin, end);
      });

  at::Tensor weight_gradient = at::empty({rows.channels}, at::kFloat);
  at::Tensor bias_gradient = at::empty({rows.channels}, at::kFloat);
  std::vector<float> slope, offset;
  for (std::size_t c = 0; c < by.scale.size(); ++c) {
    const double sum = sums[c], product = sums[by.scale.size() + c];
    const double deviation = by.inverse[c];
    weight_gradient.mutable_data_ptr<float>()[c] = static_cast<float>(product * deviation);
    bias_gradient.mutable_data_ptr<float>()[c] = static_cast<float>(sum);
    const double share = by.scale[c] / static_cast<double>(count);
    slope.push_back(static_cast<float>(-share * deviation * deviation * product));
    offset.push_back(static_cast<float>(-share * sum));
  }

  at::Tensor input_gradient = at::empty_like(input, at::MemoryFormat::ChannelsLast);
  void* const to = input_gradient.mutable_data_ptr();
  const void* const masked = passed.defined() ? passed.const_data_ptr() : from.first;
  over_ranges(count, Order::backwards, [&](std::int64_t, std::int64_t begin, std::int64_t end) {
    kernels::norm_cpu().input_gradient(rows, by.channels(), slope.data(), offset.data(), masked,
                                       passed.defined(), to, begin, end);
  });
  return {input_gradient, weight_gradient, bias_gradient};
}

class NormActivation : public torch::autograd::Function<NormActivation> {
 public:
  static variable_list forward(AutogradContext* context, const Variable& input,
                               const std::optional<Variable>& added, const Variable& weight,
                               const Variable& bias, const BatchMoments& moments, double eps,
                               NormOutput kind) {
    RECORD_USER_SCOPE("onecycle::norm_activation");
    const Activation activation = activation_of(kind);
    const at::Tensor addend = added.value_or(at::Tensor());
    const at::Tensor output =
        input.is_cuda()
            ? normalised_on_cuda({input, weight, bias, moments, eps, activation}, addend)
            : normalised_on_cpu(input, addend, Coefficients(moments, eps, weight, bias),
                                activation);
    at::Tensor kept;
    if (addend.defined() && activation == Activation::relu) kept = output;
    if (addend.defined() && activation == Activation::gelu) kept = addend;
    context->save_for_backward({input, weight, bias, moments.mean, moments.variance, kept});
    context->saved_data["eps"] = eps;
    context->saved_data["output"] = static_cast<std::int64_t>(kind);
    context->saved_data["adds"] = addend.defined();
    context->set_materialize_grads(false);
    if (kind == NormOutput::relu_branches) return {output, output.detach()};
    return {output};
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const variable_list saved = context->get_saved_variables();
    const at::Tensor& input = saved[0];
    const double eps = context->saved_data["eps"].toDouble();
    const Activation activation =
        activation_of(static_cast<NormOutput>(context->saved_data["output"].toInt()));
    const bool gelu = activation == Activation::gelu;

    variable_list arrived;
    for (const at::Tensor& gradient : gradients)
      if (gradient.defined())
        arrived.push_back(
            gradient.to(input.scalar_type()).contiguous(at::MemoryFormat::ChannelsLast));
    if (arrived.empty()) return variable_list(7);
    const bool adds = context->saved_data["adds"].toBool();
    const bool two = arrived.size() > 1;
    at::Tensor passed =
        adds || two || gelu ? at::empty_like(input, at::MemoryFormat::ChannelsLast) : at::Tensor();
    const at::Tensor second = two ? arrived[1] : at::Tensor();
    const BatchMoments moments{saved[3], saved[4]};
    const NormInputGradients result =
        input.is_cuda()
            ? gradients_on_cuda({input, saved[1], saved[2], moments, eps, activation}, arrived[0],
                                second, saved[5], passed)
            : gradients_on_cpu(input, activation, Coefficients(moments, eps, saved[1], saved[2]),
                               arrived[0], second, saved[5], passed);
    return {result.input, adds ? passed : at::Tensor(), result.weight, result.bias, {}, {}, {}};
  }
};

}  // namespace

bool fuses(const at::Tensor& input, FusedNorms choice) {
  if (choice == FusedNorms::off || input.dim() != 4 || input.numel() <= input.size(1)) return false;
  if (!input.is_cuda()) return in_lanes(input);
  const auto type = input.scalar_type();
  return choice == FusedNorms::on && input.is_contiguous(at::MemoryFormat::ChannelsLast) &&
         (type == at::kFloat || type == at::kBFloat16 || type == at::kHalf);
}

void RunningMoments::follow(const at::Tensor& new_mean, const at::Tensor& unbiased_variance) const {
  const at::NoGradGuard no_grad;
  mean.lerp_(new_mean.to(mean.scalar_type()), momentum);
  variance.lerp_(unbiased_variance.to(variance.scalar_type()), momentum);
}

BatchMoments moments_of(const at::Tensor& input, const RunningMoments& running) {
  if (input.is_cuda()) return moments_on_cuda(input, &running);
  BatchMoments moments = moments_of(input);
  const auto count = static_cast<double>(rows_of(input));
  running.follow(moments.mean, moments.variance * (count / (count - 1)));
  return moments;
}

BatchMoments moments_of(const at::Tensor& input) {
  if (input.is_cuda()) return moments_on_cuda(input, nullptr);
  RECORD_USER_SCOPE("onecycle::moments");
  const at::NoGradGuard no_grad;
  const NormRows rows = as_rows(input, Activation::none);
  const auto count = static_cast<double>(rows_of(input));
  const std::vector<float> origin = origin_of(input);
  const std::vector<double> sums =
      summed(rows_of(input), rows.channels, [&](float* part, std::int64_t begin, std::int64_t end) {
        kernels::norm_cpu().moments(rows, origin.data(), part, begin, end);
      });
  const auto options = at::TensorOptions(at::kFloat);
  BatchMoments moments{at::empty({rows.channels}, options), at::empty({rows.channels}, options)};
  for (std::int64_t c = 0; c < rows.channels; ++c) {
    const double mean = sums[static_cast<std::size_t>(c)] / count;
    const double square = sums[static_cast<std::size_t>(rows.channels + c)] / count;
    moments.mean.mutable_data_ptr<float>()[c] =
        static_cast<float>(origin[static_cast<std::size_t>(c)] + mean);
    moments.variance.mutable_data_ptr<float>()[c] =
        static_cast<float>(std::max(0.0, square - mean * mean));
  }
  return moments;
}

Branches norm_activation(const at::Tensor& input, const at::Tensor& addend,
                         const at::Tensor& weight, const at::Tensor& bias,
                         const BatchMoments& moments, double eps, NormOutput output) {
  const auto added = addend.defined() ? std::optional(addend) : std::nullopt;
  const variable_list values =
      NormActivation::apply(input, added, weight, bias, moments, eps, output);
  return {values.front(), values.back()};
}

}  // namespace onecycle
