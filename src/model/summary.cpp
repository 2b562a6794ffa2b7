#include "onecycle/model.h"

#include <string_view>
#include <unordered_map>

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

std::int64_t macs_of(std::string_view name, c10::ArrayRef<const c10::IValue> inputs,
                     const at::Tensor& output) {
  if (name == "aten::convolution") {
    const at::Tensor& weight = inputs[1].toTensor();
    return output.numel() * (weight.numel() / weight.size(0));
  }
  if (name == "aten::linear") {
    const at::Tensor& weight = inputs[1].toTensor();
    return output.numel() * weight.size(1);
  }
  return 0;
}

void note_output(const at::RecordFunction& function, at::ObserverContext*) {
  if (watch == nullptr) return;
  for (const c10::IValue& value : function.outputs()) {
    if (!value.isTensor() || !value.toTensor().defined() || !value.toTensor().has_storage())
      continue;
    const at::Tensor& output = value.toTensor();
    watch->macs += macs_of(function.name(), function.inputs(), output);
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
    handle_ = at::addThreadLocalCallback(
        at::RecordFunctionCallback(
            [](const at::RecordFunction&) { return std::unique_ptr<at::ObserverContext>(); },
            note_output)
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

ModelSummary summarise(Model& model, const ModelContext& context) {
  ModelSummary summary;
  std::unordered_map<const void*, bool> own;
  const auto note_own = [&](const at::Tensor& tensor) {
    own[tensor.storage().unsafeGetStorageImpl()] = true;
  };
  at::TensorOptions options;
  for (const at::Tensor& parameter : model.parameters()) {
    summary.parameters += parameter.numel();
    if (parameter.requires_grad()) summary.trainable += parameter.numel();
    options = parameter.options().requires_grad(false);
    note_own(parameter);
  }
  for (const at::Tensor& buffer : model.buffers()) note_own(buffer);

  const bool training = model.is_training();
  model.eval();
  Watch seen;
  at::Tensor logits;
  {
    const at::AutoGradMode with_grad(true);
    const WatchScope scope(seen);
    logits =
        model.forward(at::zeros({1, context.channels, context.height, context.width}, options));
  }
  model.train(training);

  summary.macs = seen.macs;
  for (auto& [address, storage] : seen.storages)
    if (auto alive = storage.lock(); alive && !own.contains(address))
      summary.activation_bytes += static_cast<std::int64_t>(alive->nbytes());
  return summary;
}

}  // namespace onecycle
