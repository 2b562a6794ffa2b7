#include "nn/layers/sync_batch_norm.h"

#include <string_view>

#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/custom_class.h>

namespace onecycle {

namespace {

using torch::autograd::AutogradContext;
using torch::autograd::Variable;
using torch::autograd::variable_list;

// bf16 sums would lose what they add up.
at::Tensor widened(const at::Tensor& tensor) {
  return tensor.scalar_type() == at::kDouble ? tensor : tensor.to(at::kFloat);
}

// For a node of the graph to keep.
struct Ranks : torch::CustomClassHolder {
  explicit Ranks(std::shared_ptr<Group> of) : group(std::move(of)) {}
  std::shared_ptr<Group> group;
};

at::Tensor by_channel(const at::Tensor& values, const at::Tensor& like) {
  return values.to(like.scalar_type()).view({1, -1, 1, 1});
}

class Normalise : public torch::autograd::Function<Normalise> {
 public:
  static Variable forward(AutogradContext* context, const Variable& input, const Variable& weight,
                          const Variable& bias, const std::shared_ptr<Group>& ranks,
                          const ChannelMoments& moments, double eps) {
    context->saved_data["ranks"] = at::IValue::make_capsule(c10::make_intrusive<Ranks>(ranks));
    context->saved_data["eps"] = eps;
    context->save_for_backward({input, weight, moments.mean, moments.variance, moments.count});
    const auto type = weight.scalar_type();
    return std::get<0>(at::native_batch_norm(input, weight, bias, moments.mean.to(type),
                                             moments.variance.to(type), /*training=*/false,
                                             /*momentum=*/0, eps));
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const auto saved = context->get_saved_variables();
    const at::Tensor input = widened(saved[0]);
    const at::Tensor gradient = widened(gradients[0]);
    const auto ranks =
        c10::static_intrusive_pointer_cast<Ranks>(context->saved_data["ranks"].toCapsule());
    const at::Tensor scale = (saved[3] + context->saved_data["eps"].toDouble()).rsqrt();  // [C]
    const at::Tensor centred = input - by_channel(saved[2], input);
    const at::Tensor own = at::stack({gradient.sum({0, 2, 3}).to(at::kDouble),
                                      (gradient * centred).sum({0, 2, 3}).to(at::kDouble)});
    at::Tensor all = own.clone();
    ranks->group->all_reduce(all);
    all /= saved[4];
    const at::Tensor slope = saved[1].to(at::kDouble) * scale;
    const at::Tensor back = gradient * by_channel(slope, input) -
                            by_channel(slope * all[0], input) -
                            centred * by_channel(slope * scale.square() * all[1], input);
    const auto type = saved[1].scalar_type();
    return {back.to(saved[0].scalar_type()),
            (own[1] * scale).to(type),
            own[0].to(type),
            Variable(),
            Variable(),
            Variable()};
  }
};

}  // namespace

OneValueError::OneValueError()
    : DataError(
          "batch norm needs at least 2 samples in every pass of a training, or group of "
          "model.bn_batch, and one has 1; raise data.batch_size or model.bn_batch, or take a "
          "network without batch norm") {}

bool is_one_value(const std::exception& error) {
  return dynamic_cast<const OneValueError*>(&error) != nullptr ||
         std::string_view(error.what()).find("Expected more than 1 value per channel") !=
             std::string_view::npos;
}

void check_values_a_channel(std::int64_t values) {
  if (values == 1) throw OneValueError();
}

ChannelMoments moments_over(Group& ranks, const at::Tensor& input) {
  const at::Tensor values = widened(input);
  const auto count = static_cast<double>(input.numel() / input.size(1));
  const auto [variance, mean] =
      at::var_mean(values, at::IntArrayRef({0, 2, 3}), /*unbiased=*/false);
  check_values_a_channel(input.numel() / input.size(1) * ranks.size());
  const at::Tensor centre = mean.to(at::kDouble);
  at::Tensor sums = at::cat({centre * count, (variance.to(at::kDouble) + centre.square()) * count,
                             at::full({1}, count, centre.options())});
  ranks.all_reduce(sums);
  const std::int64_t channels = input.size(1);
  ChannelMoments moments;
  moments.count = sums[2 * channels];
  moments.mean = sums.narrow(0, 0, channels) / moments.count;
  moments.variance =
      (sums.narrow(0, channels, channels) / moments.count - moments.mean.square()).clamp_min(0);
  return moments;
}

at::Tensor normalise_by(const std::shared_ptr<Group>& ranks, const ChannelMoments& moments,
                        const at::Tensor& input, const at::Tensor& weight, const at::Tensor& bias,
                        double eps) {
  return Normalise::apply(input, weight, bias, ranks, moments, eps);
}

}  // namespace onecycle
