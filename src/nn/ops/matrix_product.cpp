#include "nn/ops/matrix_product.h"

#include <string_view>

#include <ATen/ATen.h>
#include <ATen/core/List.h>
#include <ATen/core/dispatch/Dispatcher.h>

namespace onecycle {

namespace {

using Attributes = c10::List<std::optional<at::Scalar>>;
using Linear = at::Tensor(const at::Tensor&, const at::Tensor&, const std::optional<at::Tensor>&,
                          std::string_view, Attributes, std::optional<std::string_view>);

// torch.ops.mkldnn._linear_pointwise, which inductor calls as well.
std::optional<c10::TypedOperatorHandle<Linear>> onednn_linear() {
  if (!at::globalContext().hasMKLDNN()) return std::nullopt;
  const auto schema = c10::Dispatcher::singleton().findSchema({"mkldnn::_linear_pointwise", ""});
  if (!schema || !schema->hasKernelForDispatchKey(c10::DispatchKey::CPU)) return std::nullopt;
  return schema->typed<Linear>();
}

// As ATen itself asks before it gives bf16 to oneDNN, which fails where it has no loops for it.
bool onednn_takes_bf16() {
  const auto schema =
      c10::Dispatcher::singleton().findSchema({"mkldnn::_is_mkldnn_bf16_supported", ""});
  return schema && schema->typed<bool()>().call();
}

// Each of oneDNN's products has a price of its own, 10 microseconds, which small ones in fp32 do
// not earn. It copies what is not contiguous; ATen's bf16 product, which is oneDNN's too, does not.
bool suits(const at::Tensor& a, const at::Tensor& b) {
  constexpr std::int64_t kLeast = std::int64_t{1} << 20;  // multiply-accumulates
  if (!a.is_cpu() || a.numel() == 0) return false;
  if (a.scalar_type() == at::kBFloat16) {
    static const bool takes = onednn_takes_bf16();
    return takes && a.is_contiguous();
  }
  return a.scalar_type() == at::kFloat && a.numel() * b.size(0) >= kLeast;
}

}  // namespace

at::Tensor product(const at::Tensor& a, const at::Tensor& b, const at::Tensor& bias, bool relu) {
  static const auto linear = onednn_linear();
  if (linear && suits(a, b))
    return linear->call(a, b, bias.defined() ? std::optional(bias) : std::nullopt,
                        relu ? "relu" : "none", Attributes(), "");
  at::Tensor result = bias.defined() ? at::addmm(bias, a, b.t()) : a.mm(b.t());
  return relu ? result.relu_() : result;
}

}  // namespace onecycle
