#include "dist/group/process_group.h"

#include "onecycle/error.h"

#include "core/process/blocked_signals.h"
#include "core/text/format.h"
#include "core/text/printable.h"
#include "dist/group/reduction.h"

#include <cstring>

#include <ATen/ATen.h>
#include <torch/csrc/distributed/c10d/PrefixStore.hpp>

namespace onecycle {

namespace {

using c10d::ProcessGroup;

at::Tensor bytes_tensor(const std::string& bytes) {
  at::Tensor tensor = at::empty({static_cast<std::int64_t>(bytes.size())}, at::kByte);
  if (!bytes.empty()) std::memcpy(tensor.mutable_data_ptr(), bytes.data(), bytes.size());
  return tensor;
}

std::string bytes_of(const at::Tensor& tensor, std::size_t size) {
  return {static_cast<const char*>(tensor.const_data_ptr()), size};
}

// How many bytes another rank says that it sends.
std::size_t size_told(double value) {
  constexpr double kMost = 1e12;
  if (!(value >= 0 && value <= kMost)) throw DistError("another rank sent an invalid size");
  return static_cast<std::size_t>(value);
}

class Processes : public Group {
 public:
  Processes(const c10::intrusive_ptr<c10d::Store>& store, const GroupPlan& plan) : plan_(plan) {
    const auto prefixed = [&](const char* name) {
      return c10::make_intrusive<c10d::PrefixStore>(name, store);
    };
    processes_ = c10::make_intrusive<ProcessGroup>(store, static_cast<int>(plan.rank),
                                                   static_cast<int>(plan.size));
    processes_->setBackend(at::kCPU, ProcessGroup::BackendType::GLOO,
                           gloo_backend(prefixed("gloo"), plan));
    if (plan.nccl)
      processes_->setBackend(at::kCUDA, ProcessGroup::BackendType::NCCL,
                             nccl_backend(prefixed("nccl"), plan));
    processes_->setDefaultBackend(plan.nccl ? ProcessGroup::BackendType::NCCL
                                            : ProcessGroup::BackendType::GLOO);
  }

  std::int64_t rank() const override { return plan_.rank; }
  std::int64_t size() const override { return plan_.size; }
  std::int64_t local_rank() const override { return plan_.local_rank; }
  std::int64_t local_size() const override { return plan_.local_size; }
  std::string summary() const override {
    return format("{} rank{} over {}", size(), size() == 1 ? "" : "s",
                  plan_.nccl ? "NCCL" : "gloo");
  }

  std::vector<std::vector<double>> all_gather(const std::vector<double>& own) override {
    const auto each = static_cast<std::int64_t>(own.size());
    at::Tensor sent = at::empty({each}, at::kDouble);
    std::memcpy(sent.mutable_data_ptr(), own.data(), own.size() * sizeof(double));
    std::vector<std::vector<double>> result;
    for (const at::Tensor& one : gather_tensors(sent)) {
      const auto* first = one.const_data_ptr<double>();
      result.emplace_back(first, first + each);
    }
    return result;
  }

  std::string broadcast(const std::string& bytes, std::int64_t from) override {
    const bool gives = rank() == from;
    const auto sizes = all_gather({gives ? static_cast<double>(bytes.size()) : 0.0});
    const std::size_t size = size_told(sizes[static_cast<std::size_t>(from)][0]);
    if (size == 0) return "";
    std::vector<at::Tensor> tensors = {
        gives ? bytes_tensor(bytes) : at::empty({static_cast<std::int64_t>(size)}, at::kByte)};
    broadcast_from(tensors, from);
    return bytes_of(tensors[0], size);
  }

  std::vector<std::string> all_gather_bytes(const std::string& own) override {
    const auto sizes = all_gather({static_cast<double>(own.size())});
    std::size_t most = 0;
    for (const auto& size : sizes) most = std::max(most, size_told(size[0]));
    std::vector<std::string> result(sizes.size());
    if (most == 0) return result;
    const std::string padded = own + std::string(most - own.size(), '\0');
    const auto all = gather_tensors(bytes_tensor(padded));
    for (std::size_t i = 0; i < result.size(); ++i)
      result[i] = bytes_of(all[i], size_told(sizes[i][0]));
    return result;
  }

  void all_reduce(at::Tensor& tensor) override {
    std::vector<at::Tensor> tensors = {tensor};
    wait([&] { return processes()->allreduce(tensors); });
  }

  void broadcast(std::vector<at::Tensor>& tensors) override { broadcast_from(tensors, 0); }

  std::unique_ptr<GradientReduction> reduce(std::vector<at::Tensor> weights,
                                            GradientFormat gradients) override {
    return reducer_over(std::move(weights), gradients, processes());
  }

  void at_step(std::int64_t step) override {
    if (plan_.at_step) plan_.at_step(step);
  }

  void abort(const Failure& failure) override {
    if (plan_.give_up) plan_.give_up(failure);
    processes_.reset();  // closes the connections, which the others notice at once
  }

  std::optional<Failure> failure(const std::exception& error) override {
    const std::string text = first_line(error.what());
    const bool is_ours = dynamic_cast<const DistError*>(&error) != nullptr ||
                         dynamic_cast<const c10::DistError*>(&error) != nullptr ||
                         text.find("gloo") != std::string::npos ||
                         text.find("NCCL") != std::string::npos;
    if (!is_ours) return std::nullopt;
    auto known = plan_.explain ? plan_.explain() : std::nullopt;
    return known ? known : Failure{"the connection to another rank broke: " + text};
  }

 private:
  const c10::intrusive_ptr<ProcessGroup>& processes() const {
    if (!processes_) throw DistError("this rank has left its group");
    return processes_;
  }

  template <class Start>
  void wait(const Start& start) const {
    try {
      start()->wait();
    } catch (const DistError&) {
      throw;
    } catch (const std::exception& error) {
      throw DistError("another rank cannot be reached: " + first_line(error.what()));
    }
  }

  std::vector<at::Tensor> gather_tensors(const at::Tensor& own) const {
    std::vector<at::Tensor> inputs = {own};
    std::vector<std::vector<at::Tensor>> outputs(1);
    for (std::int64_t i = 0; i < size(); ++i) outputs[0].push_back(at::empty_like(own));
    wait([&] { return processes()->allgather(outputs, inputs); });
    return outputs[0];
  }

  void broadcast_from(std::vector<at::Tensor>& tensors, std::int64_t from) const {
    c10d::BroadcastOptions options;
    options.rootRank = from;
    for (at::Tensor& tensor : tensors) {
      std::vector<at::Tensor> one = {tensor};
      wait([&] { return processes()->broadcast(one, options); });
    }
  }

  GroupPlan plan_;
  c10::intrusive_ptr<ProcessGroup> processes_;
};

// Every rank's number, and their sum by the path that gradients take.
void introduce(Group& group) {
  const auto ranks = group.all_gather({static_cast<double>(group.rank())});
  double expected = 0;
  for (std::size_t i = 0; i < ranks.size(); ++i) {
    if (ranks[i][0] != static_cast<double>(i))
      throw DistError(
          "gloo's first collective mixed up the ranks: its headers do not match LibTorch");
    expected += static_cast<double>(i);
  }
  at::Tensor sum = at::full({1}, static_cast<double>(group.rank()), at::kDouble);
  group.all_reduce(sum);
  if (sum.item<double>() != expected)
    throw DistError("gloo's first sum came out wrong: its headers do not match LibTorch");
}

}  // namespace

std::shared_ptr<Group> make_group(const c10::intrusive_ptr<c10d::Store>& store,
                                  const GroupPlan& plan) {
  const NoBrokenPipes blocked;
  std::shared_ptr<Group> group;
  try {
    group = std::make_shared<Processes>(store, plan);
  } catch (const Error&) {
    throw;
  } catch (const std::exception& error) {
    throw DistError(format("rank {} of {} cannot join its group: {}", plan.rank, plan.size,
                           first_line(error.what())));
  }
  introduce(*group);
  return group;
}

}  // namespace onecycle
