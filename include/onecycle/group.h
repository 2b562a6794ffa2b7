#pragma once

#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

namespace onecycle {

// Averages the gradients of some weights over the ranks, while backward still computes the rest.
class GradientReduction {
 public:
  virtual ~GradientReduction() = default;
  // Before the forward pass of each micro-batch. Gradients add up in this process until the `last`
  // one, whose backward pass makes every weight's gradient the mean over the ranks.
  virtual void begin(bool last) = 0;
  // After the last backward pass. Throws DistError where a gradient was not reduced.
  virtual void finish() = 0;
};

// What gradients are sent as.
enum class GradientFormat { as_computed, bf16 };

// The processes that train one run together: ranks 0 to size - 1, a GPU or some CPU threads each.
// Every call but the plain questions and at_step is collective: all ranks make the same calls in
// the same order. They throw DistError where another rank cannot be reached.
class Group {
 public:
  virtual ~Group() = default;

  virtual std::int64_t rank() const = 0;  // from 0
  virtual std::int64_t size() const = 0;  // ranks
  // Among the ranks of this machine: which of its GPUs is this rank's.
  virtual std::int64_t local_rank() const = 0;
  // How many ranks this machine has.
  virtual std::int64_t local_size() const = 0;
  virtual std::string summary() const = 0;  // "2 ranks over gloo"
  // The rank that writes files and speaks to people.
  bool is_leader() const { return rank() == 0; }

  // Everyone's numbers, by rank; each gives as many. Does not wait for the device.
  virtual std::vector<std::vector<double>> all_gather(const std::vector<double>& own) = 0;
  // The bytes of rank `from`, everywhere.
  virtual std::string broadcast(const std::string& bytes, std::int64_t from) = 0;
  // Everyone's bytes, by rank.
  virtual std::vector<std::string> all_gather_bytes(const std::string& own) = 0;
  // In place: the sum over the ranks.
  virtual void all_reduce(at::Tensor& tensor) = 0;
  // In place: rank 0's values.
  virtual void broadcast(std::vector<at::Tensor>& tensors) = 0;

  // For weights that take gradients, in the same order on every rank. The group must outlive it.
  virtual std::unique_ptr<GradientReduction> reduce(std::vector<at::Tensor> weights,
                                                    GradientFormat gradients) = 0;

  // Where this rank is, for the others to say should it go missing. Only this rank calls it, at any
  // time.
  virtual void at_step(std::int64_t step) = 0;

  // Why ranks cannot go on together. `why` may be empty where another rank tells the user.
  struct Failure {
    std::string why;
    bool out_of_memory = false;
  };
  // Tells the others that this rank cannot go on; the group serves nothing after that.
  virtual void abort(const Failure& failure) = 0;
  // What is known of it where `error` came from the others: which one gave up or died, and why.
  virtual std::optional<Failure> failure(const std::exception& error) = 0;
};

// One process: every call returns at once. `local_rank`: which of the machine's GPUs it uses.
std::shared_ptr<Group> alone(std::int64_t local_rank = 0);

// Whether every rank says so.
bool all_agree(Group& group, bool own);

}  // namespace onecycle
