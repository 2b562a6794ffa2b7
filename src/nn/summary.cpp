#include "onecycle/model.h"

#include "nn/ops/mode_scope.h"

#include <string_view>
#include <unordered_map>
#include <vector>

#include <ATen/ATen.h>
#include <ATen/record_function.h>

namespace onecycle {

namespace {

// Sees every operator of a forward pass on this thread.
struct Watch {
  std::int64_t macs = 0;
  std::unordered_map<const void*, c10::weak_intrusive_ptr<c10::StorageImpl>> storages;
};

thread_local Watch* watch = nullptr;

// Multiply-accumulates per element of the output, of the operator about to run.
struct Cost : at::ObserverContext {
  std::int64_t macs_per_output = 0;
};

std::unique_ptr<at::ObserverContext> note_inputs(const at::RecordFunction& function) {
  auto cost = std::make_unique<Cost>();
  const std::string_view name = function.name();
  if (name == "aten::convolution") {
    const at::Tensor& weight = function.inputs()[1].toTensor();
    cost->macs_per_output = weight.numel() / weight.size(0);
  } else if (name == "aten::addmm") {  // a dense layer with a bias
    cost->macs_per_output = function.inputs()[1].toTensor().size(1);
  } else if (name == "aten::mm" || name == "mkldnn::_linear_pointwise") {
    cost->macs_per_output = function.inputs()[0].toTensor().size(1);
  }
  return cost;
}

void note_output(const at::RecordFunction& function, at::ObserverContext* context) {
  if (watch == nullptr) return;
  for (const c10::IValue& value : function.outputs()) {
    if (!value.isTensor() || !value.toTensor().defined() || !value.toTensor().has_storage())
      continue;
    const at::Tensor& output = value.toTensor();
    watch->macs += static_cast<Cost*>(context)->macs_per_output * output.numel();
    const auto& storage = output.storage();
    watch->storages.insert_or_assign(
        storage.unsafeGetStorageImpl(),
        c10::weak_intrusive_ptr<c10::StorageImpl>(storage.getWeakStorageImpl()));
  }
}

class WatchScope {
 public:
  explicit WatchScope(Watch& target) {
    watch = &target;
    handle_ = at::addThreadLocalCallback(at::RecordFunctionCallback(note_inputs, note_output)
                                             .needsInputs(true)
                                             .needsOutputs(true)
                                             .scopes({at::RecordScope::FUNCTION}));
  }
  ~WatchScope() {
    at::removeCallback(handle_);
    watch = nullptr;
  }
  WatchScope(const WatchScope&) = delete;
  WatchScope& operator=(const WatchScope&) = delete;

 private:
  at::CallbackHandle handle_;
};

}  // namespace

std::vector<std::int64_t> sample_sizes(const ModelContext& context) {
  if (!context.sample_shape.empty()) return context.sample_shape;
  return {context.channels, context.height, context.width};
}

ModelSummary summarise(Model& model, const ModelContext& context) {
  at::TensorOptions options;
  for (const at::Tensor& parameter : model.parameters())
    options = parameter.options().requires_grad(false);
  std::vector<std::int64_t> sizes = sample_sizes(context);
  sizes.insert(sizes.begin(), 1);
  return summarise_on(model, at::zeros(sizes, options));
}

ModelSummary summarise_on(Model& model, const at::Tensor& inputs) {
  ModelSummary summary;
  std::unordered_map<const void*, bool> own;
  const auto note_own = [&](const at::Tensor& tensor) {
    own[tensor.storage().unsafeGetStorageImpl()] = true;
  };
  for (const at::Tensor& parameter : model.parameters()) {
    summary.parameters += parameter.numel();
    if (parameter.requires_grad()) summary.trainable += parameter.numel();
    note_own(parameter);
  }
  for (const at::Tensor& buffer : model.buffers()) note_own(buffer);

  const ModeScope modes(model);
  model.eval();
  Watch seen;
  at::Tensor outputs;
  {
    const at::AutoGradMode with_grad(true);
    const WatchScope scope(seen);
    outputs = model.forward(inputs.clone());  // a copy is seen like any other result
  }

  summary.macs = seen.macs;
  for (auto& [address, storage] : seen.storages)
    if (auto alive = storage.lock(); alive && !own.contains(address))
      summary.activation_bytes += static_cast<std::int64_t>(alive->nbytes());
  return summary;
}

}  // namespace onecycle
