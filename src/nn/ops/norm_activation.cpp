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

// The rows of groups that follow one another, each cut into ranges of at most kRange.
struct GroupedRows {
  GroupedRows(const at::Tensor& input, std::int64_t count)
      : groups(count), rows(rows_of(input) / count), ranges((rows + kRange - 1) / kRange) {}

  std::int64_t groups;
  std::int64_t rows, ranges;  // of one group
};

// work(number of the range, its group, first row, end) for every range of the groups, on all
// threads.
template <class Work>
void over_ranges(const GroupedRows& of, Order order, const Work& work) {
  at::parallel_for(0, of.groups * of.ranges, 1, [&](std::int64_t first, std::int64_t end) {
    for (std::int64_t k = first; k < end; ++k) {
      const std::int64_t i = order == Order::forwards ? k : first + end - 1 - k;
      const std::int64_t group = i / of.ranges;
      const std::int64_t begin = group * of.rows + i % of.ranges * kRange;
      work(i, group, begin, std::min((group + 1) * of.rows, begin + kRange));
    }
  });
}

// Two sums a channel over the rows of each group, [groups, 2, channels]: work(group, row range,
// sums [2, channels] of it).
template <class Work>
std::vector<double> summed(const GroupedRows& of, std::int64_t channels, const Work& work) {
  const auto width = static_cast<std::size_t>(2 * channels);
  const auto ranges = static_cast<std::size_t>(of.ranges);
  const auto groups = static_cast<std::size_t>(of.groups);
  std::vector<float> parts(groups * ranges * width);
  over_ranges(of, Order::forwards,
              [&](std::int64_t range, std::int64_t group, std::int64_t begin, std::int64_t end) {
                work(group, parts.data() + static_cast<std::size_t>(range) * width, begin, end);
              });
  std::vector<double> sums(groups * width);
  const float* part = parts.data();
  for (std::size_t i = 0; i < groups * ranges; ++i)
    for (std::size_t c = 0; c < width; ++c) sums[i / ranges * width + c] += *part++;
  return sums;
}

// A value near the mean of each group's channels, [groups, channels]: squares of differences from
// one far away lose digits.
std::vector<float> origins_of(const at::Tensor& input, const GroupedRows& of) {
  constexpr std::int64_t kSamples = 64;
  const NormRows rows = as_rows(input, Activation::none);
  const std::int64_t count = std::min(kSamples, of.rows);
  const auto channels = static_cast<std::size_t>(rows.channels);
  std::vector<float> origins(static_cast<std::size_t>(of.groups) * channels);
  at::parallel_for(0, of.groups, 1, [&](std::int64_t first, std::int64_t end) {
    const std::vector<float> zeros(channels);
    std::vector<float> sums(2 * channels);
    for (std::int64_t group = first; group < end; ++group) {
      const std::int64_t begin = group * of.rows;
      kernels::norm_cpu().moments(rows, zeros.data(), sums.data(), begin, begin + count);
      float* const origin = origins.data() + static_cast<std::size_t>(group) * channels;
      for (std::size_t c = 0; c < channels; ++c) origin[c] = sums[c] / static_cast<float>(count);
    }
  });
  return origins;
}

// The moments of a norm's groups as what its passes read.
struct Coefficients {
  Coefficients(const BatchMoments& moments, double eps, const at::Tensor& weight,
               const at::Tensor& bias)
      : mean(moments.mean.const_data_ptr<float>()), width(weight.numel()) {
    const auto* const factor = weight.const_data_ptr<float>();
    const auto* const addend = bias.const_data_ptr<float>();
    const auto* const variance = moments.variance.const_data_ptr<float>();
    const auto size = static_cast<std::size_t>(moments.mean.numel());
    const auto channels_each = static_cast<std::size_t>(width);
    inverse.resize(size);
    scale.resize(size);
    shift.resize(size);
    for (std::size_t i = 0; i < size; ++i) {
      inverse[i] = 1 / std::sqrt(variance[i] + eps);
      scale[i] = static_cast<float>(factor[i % channels_each] * inverse[i]);
      shift[i] = addend[i % channels_each] - mean[i] * scale[i];
    }
  }
  kernels::NormChannels channels(std::int64_t group) const {
    const std::int64_t first = group * width;
    return {mean + first, scale.data() + first, shift.data() + first};
  }

  std::int64_t groups() const { return static_cast<std::int64_t>(scale.size()) / width; }

  const float* mean;            // [groups, C], of the moments, as all of these
  std::int64_t width;           // C
  std::vector<double> inverse;  // 1 / sqrt(variance + eps)
  std::vector<float> scale, shift;
};

at::Tensor normalised_on_cpu(const at::Tensor& input, const at::Tensor& addend,
                             const Coefficients& by, Activation activation) {
  at::Tensor output = at::empty_like(input, at::MemoryFormat::ChannelsLast);
  const NormRows rows = as_rows(input, activation);
  void* const to = output.mutable_data_ptr();
  over_ranges(GroupedRows(input, by.groups()), Order::backwards,
              [&](std::int64_t, std::int64_t group, std::int64_t begin, std::int64_t end) {
                kernels::norm_cpu().normalise(rows, by.channels(group), data_or_null(addend), to,
                                              begin, end);
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
  const GroupedRows groups(input, by.groups());
  const kernels::NormGradients from{one.const_data_ptr(), data_or_null(two),
                                    gelu ? nullptr : data_or_null(kept),
                                    gelu ? data_or_null(kept) : nullptr};
  void* const passed_data = passed.defined() ? passed.mutable_data_ptr() : nullptr;
  const std::vector<double> sums =
      summed(groups, rows.channels,
             [&](std::int64_t group, float* part, std::int64_t begin, std::int64_t end) {
               kernels::norm_cpu().gradient_sums(rows, by.channels(group), from, passed_data, part,
                                                 begin, end);
             });

  const auto channels = static_cast<std::size_t>(rows.channels);
  std::vector<double> of_weight(channels), of_bias(channels);
  std::vector<float> slope(by.scale.size()), offset(by.scale.size());
  for (std::size_t i = 0; i < by.scale.size(); ++i) {
    const std::size_t c = i % channels;
    const std::size_t at = i / channels * 2 * channels + c;
    const double sum = sums[at], product = sums[at + channels];
    const double deviation = by.inverse[i];
    of_weight[c] += product * deviation;
    of_bias[c] += sum;
    const double share = by.scale[i] / static_cast<double>(groups.rows);
    slope[i] = static_cast<float>(-share * deviation * deviation * product);
    offset[i] = static_cast<float>(-share * sum);
  }
  at::Tensor weight_gradient = at::empty({rows.channels}, at::kFloat);
  at::Tensor bias_gradient = at::empty({rows.channels}, at::kFloat);
  for (std::size_t c = 0; c < channels; ++c) {
    weight_gradient.mutable_data_ptr<float>()[c] = static_cast<float>(of_weight[c]);
    bias_gradient.mutable_data_ptr<float>()[c] = static_cast<float>(of_bias[c]);
  }

  at::Tensor input_gradient = at::empty_like(input, at::MemoryFormat::ChannelsLast);
  void* const to = input_gradient.mutable_data_ptr();
  const void* const masked = passed.defined() ? passed.const_data_ptr() : from.first;
  over_ranges(groups, Order::backwards,
              [&](std::int64_t, std::int64_t group, std::int64_t begin, std::int64_t end) {
                const std::int64_t first = group * rows.channels;
                kernels::norm_cpu().input_gradient(rows, by.channels(group), slope.data() + first,
                                                   offset.data() + first, masked, passed.defined(),
                                                   to, begin, end);
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

bool fuses(const at::Tensor& input, std::int64_t groups, FusedNorms choice) {
  if (choice == FusedNorms::off || input.dim() != 4 || input.size(0) % groups != 0 ||
      input.numel() <= groups * input.size(1))
    return false;
  if (!input.is_cuda()) return in_lanes(input);
  const auto type = input.scalar_type();
  return choice == FusedNorms::on && groups == 1 &&
         input.is_contiguous(at::MemoryFormat::ChannelsLast) &&
         (type == at::kFloat || type == at::kBFloat16 || type == at::kHalf);
}

void RunningMoments::follow(const at::Tensor& new_mean, const at::Tensor& unbiased_variance) const {
  const at::NoGradGuard no_grad;
  mean.lerp_(new_mean.to(mean.scalar_type()), momentum);
  variance.lerp_(unbiased_variance.to(variance.scalar_type()), momentum);
}

BatchMoments moments_of(const at::Tensor& input, std::int64_t groups,
                        const RunningMoments& running) {
  if (input.is_cuda()) return moments_on_cuda(input, &running);
  BatchMoments moments = moments_of(input, groups);
  const auto count = static_cast<double>(rows_of(input) / groups);
  const auto over_groups = [&](const at::Tensor& numbers) {
    return groups == 1 ? numbers : numbers.view({groups, -1}).mean(0);
  };
  running.follow(over_groups(moments.mean), over_groups(moments.variance * (count / (count - 1))));
  return moments;
}

BatchMoments moments_of(const at::Tensor& input, std::int64_t groups) {
  if (input.is_cuda()) return moments_on_cuda(input, nullptr);
  RECORD_USER_SCOPE("onecycle::moments");
  const at::NoGradGuard no_grad;
  const NormRows rows = as_rows(input, Activation::none);
  const GroupedRows of(input, groups);
  const auto count = static_cast<double>(of.rows);
  const auto channels = static_cast<std::size_t>(rows.channels);
  const std::vector<float> origins = origins_of(input, of);
  const std::vector<double> sums = summed(
      of, rows.channels,
      [&](std::int64_t group, float* part, std::int64_t begin, std::int64_t end) {
        const float* const origin = origins.data() + static_cast<std::size_t>(group) * channels;
        kernels::norm_cpu().moments(rows, origin, part, begin, end);
      });
  const at::Tensor mean = at::empty({groups * rows.channels}, at::TensorOptions(at::kFloat));
  const at::Tensor variance = at::empty_like(mean);
  for (std::size_t i = 0; i < origins.size(); ++i) {
    const std::size_t at = i / channels * 2 * channels + i % channels;
    const double from_origin = sums[at] / count;
    const double square = sums[at + channels] / count;
    mean.mutable_data_ptr<float>()[i] = static_cast<float>(origins[i] + from_origin);
    variance.mutable_data_ptr<float>()[i] =
        static_cast<float>(std::max(0.0, square - from_origin * from_origin));
  }
  return {mean, variance};
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
