#include "train/step_watch.h"

#include "core/text/format.h"

#include <algorithm>
#include <array>
#include <string_view>

#include <ATen/ATen.h>
#include <c10/core/Allocator.h>

namespace onecycle {

namespace {

// Only these wait: others that do, like item() and an index by a mask, call one of them.
bool waits_for_values(std::string_view name) {
  constexpr std::array<std::string_view, 8> kNames = {
      "aten::_local_scalar_dense",
      "aten::nonzero",
      "aten::masked_select",
      "aten::equal",
      "aten::bincount",
      "aten::histc",
      "aten::_linalg_check_errors",
      "aten::to_sparse",
  };
  return name.starts_with("aten::unique") || name.starts_with("aten::_unique") ||
         std::find(kNames.begin(), kNames.end(), name) != kNames.end();
}

bool copies_between_devices(const at::RecordFunction& function) {
  if (std::string_view(function.name()) != "aten::copy_") return false;
  const auto inputs = function.inputs();
  return inputs.size() > 1 && inputs[0].isTensor() && inputs[1].isTensor() &&
         inputs[0].toTensor().device() != inputs[1].toTensor().device();
}

// repeat_interleave reads how long its result is.
bool repeats_by_tensor(const at::RecordFunction& function) {
  return std::string_view(function.name()) == "aten::repeat_interleave" &&
         !function.inputs().empty() && function.inputs().back().isNone();
}

// A number that became a tensor without dimensions.
std::string number_in(const at::Tensor& tensor) {
  switch (tensor.scalar_type()) {
    case at::kDouble:
      return format("{}", *tensor.const_data_ptr<double>());
    case at::kLong:
      return format("{}", *tensor.const_data_ptr<std::int64_t>());
    case at::kBool:
      return format("{}", *tensor.const_data_ptr<bool>());
    default:
      return "number";
  }
}

thread_local StepWatch* watching = nullptr;  // one at a time

}  // namespace

struct StepWatch::Reports : c10::MemoryReportingInfoBase {
  explicit Reports(StepWatch& told_to) : watch(told_to) {}
  void reportMemoryUsage(void* place, std::int64_t bytes, std::size_t, std::size_t,
                         c10::Device) override {
    watch.allocated(place, bytes);
  }
  bool memoryProfilingEnabled() const override { return true; }
  StepWatch& watch;
};

StepWatch::StepWatch()
    : callback_(at::addThreadLocalCallback(at::RecordFunctionCallback(&StepWatch::on_operator)
                                               .needsInputs(true)
                                               .scopes({at::RecordScope::FUNCTION}))),
      reports_(std::make_unique<c10::DebugInfoGuard>(c10::DebugInfoKind::PROFILER_STATE,
                                                     std::make_shared<Reports>(*this))) {
  watching = this;
}

StepWatch::~StepWatch() {
  watching = nullptr;
  reports_.reset();
  at::removeCallback(callback_);
}

void StepWatch::start_over() {
  steps_ = 0;
  first_.clear();
  alive_.clear();
}

void StepWatch::step(const std::function<void()>& work) {
  now_.clear();
  fresh_.clear();
  allocations_ = 0;
  inside_ = true;
  try {
    work();
  } catch (...) {
    inside_ = false;
    throw;
  }
  inside_ = false;
  ++steps_;
  compare();
}

std::unique_ptr<at::ObserverContext> StepWatch::on_operator(const at::RecordFunction& function) {
  if (watching != nullptr && watching->inside_) watching->add(function);
  return nullptr;
}

void StepWatch::add(const at::RecordFunction& function) {
  std::string line = function.name();
  if (waits_for_values(line) || copies_between_devices(function) || repeats_by_tensor(function))
    waits_.push_back(line);
  for (const c10::IValue& input : function.inputs()) line += " " + told(input);
  now_.push_back(std::move(line));
}

std::string StepWatch::told(const c10::IValue& value) {
  if (value.isTensor()) return told(value.toTensor());
  if (value.isDouble()) return format("{}", value.toDouble());
  if (value.isInt()) return format("{}", value.toInt());
  if (value.isBool()) return value.toBool() ? "true" : "false";
  if (value.isString()) return value.toStringRef();
  if (!value.isList()) return value.tagKind();
  std::string items;
  for (const c10::IValue& item : value.toListRef()) items += told(item) + ",";
  return "[" + items + "]";
}

std::string StepWatch::told(const at::Tensor& tensor) {
  if (!tensor.defined()) return "none";
  std::string sizes;
  for (const std::int64_t size : tensor.sizes()) sizes += format("{} ", size);
  const std::string type = c10::toString(tensor.scalar_type());
  if (tensor.layout() != at::kStrided || !tensor.has_storage())
    return format("{}({})", type, sizes);
  if (tensor.unsafeGetTensorImpl()->is_wrapped_number() && tensor.is_cpu())
    return number_in(tensor);
  for (const std::int64_t stride : tensor.strides()) sizes += format("/{}", stride);
  const void* const memory = tensor.storage().data();
  std::string place = format("{}", memory);
  if (const auto fresh = fresh_.find(memory); fresh != fresh_.end())
    place = format("#{}", fresh->second);
  else if (alive_.contains(memory))  // a replay would go on reading the recorded step's
    place = format("what step {} finds of an earlier one", steps_ + 1);
  return format("{}({})@{}+{}", type, sizes, place, tensor.storage_offset());
}

void StepWatch::allocated(const void* place, std::int64_t bytes) {
  if (bytes < 0) {
    alive_.erase(place);
    fresh_.erase(place);
  } else if (inside_) {
    alive_[place] = bytes;
    fresh_[place] = allocations_++;
  }
}

void StepWatch::compare() {
  std::int64_t bytes = 0;
  for (const auto& [place, size] : alive_) bytes += size;
  if (steps_ > 1 && bytes > bytes_before_)
    growths_.push_back(format("step {} leaves {} bytes more", steps_, bytes - bytes_before_));
  bytes_before_ = bytes;
  if (steps_ == 1) {
    first_ = now_;
    return;
  }
  const auto [before, now] = std::mismatch(first_.begin(), first_.end(), now_.begin(), now_.end());
  if (before == first_.end() && now == now_.end()) return;
  differences_.push_back(format("step {}, operator {}: {}, and was {}", steps_, now - now_.begin(),
                                now == now_.end() ? "none" : *now,
                                before == first_.end() ? "none" : *before));
}

}  // namespace onecycle
