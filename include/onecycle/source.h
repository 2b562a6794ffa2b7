#pragma once

#include "onecycle/batch.h"

#include <cstdint>
#include <memory>
#include <optional>

#include <ATen/core/Tensor.h>
#include <c10/core/Device.h>
#include <c10/core/MemoryFormat.h>
#include <c10/core/ScalarType.h>

namespace onecycle {

// What a batch's inputs are computed with.
struct InputFormat {
  c10::Device device = c10::kCPU;
  c10::ScalarType dtype = c10::kFloat;                              // of floating-point inputs
  c10::MemoryFormat memory_format = c10::MemoryFormat::Contiguous;  // of inputs in four dimensions
};

// The samples that trainings take of each batch of an epoch's order, in place of all.
struct ChosenRows {
  // [steps, kept], int32, on the CPU. Row s is of step s of the run: positions in its batch, each
  // at least 0 and below `batch`.
  at::Tensor positions = {};
  std::int64_t batch = 0;            // samples of the order that a step is of
  std::int64_t steps_per_epoch = 0;  // whole batches
};

// Samples, in batches. Each batch is a pure function of what is asked for, whatever came before;
// its tensors are new, so that autograd may keep them. Not for use by several threads at once.
class Source {
 public:
  virtual ~Source() = default;

  virtual std::int64_t size() const = 0;  // samples
  // Of all batches from now on.
  virtual void set_format(const InputFormat& wanted) = 0;

  // For training, in two halves, of which the first alone depends on the step: a recorded graph of
  // the second reads what the first wrote. Position `first` of the epoch's order is where rows()
  // counts from. Neither waits for the device.
  virtual void seek(std::int64_t epoch, std::int64_t first) = 0;
  // Samples [offset, offset + count) from there.
  virtual Batch rows(std::int64_t offset, std::int64_t count) = 0;

  // For training: from now on an epoch's order is that of its steps' chosen samples, one step after
  // the other, which positions count. Throws DataError where they are not of these samples; Error
  // where the source cannot, as it is.
  virtual void choose(const ChosenRows& chosen);

  // For evaluations: samples [first, first + valid) as they are, in their own order, and rows that
  // are not samples after them, `count` in all.
  virtual Batch in_order(std::int64_t first, std::int64_t valid, std::int64_t count) = 0;
  // For evaluations: the samples with these numbers, [B], int64, on the format's device, B at least
  // 1, in any order, as they are. As it is: read one by one by in_order().
  virtual Batch chosen(const at::Tensor& samples);
};

// The first `count` samples of another source, for evaluations; the source itself where it has no
// more, or is null.
std::shared_ptr<Source> first_of(std::shared_ptr<Source> source, std::int64_t count);

// Another source, whose epoch 0 is epoch `first` of this one: other orders of the same samples.
std::shared_ptr<Source> epochs_from(std::shared_ptr<Source> source, std::int64_t first);

// Samples in memory: inputs [N, ...] and targets [N, ...]. Trainings visit them in the order
// epoch_order(seed, epoch). Inputs that are numbers come in the format's dtype, in at least
// `least_dtype` where it is given (Model::input_dtype); targets that are numbers in fp64 where the
// inputs do, else in fp32. Throws DataError where the two differ in N, or it is 0.
std::shared_ptr<Source> tensor_source(const at::Tensor& inputs, const at::Tensor& targets,
                                      std::uint64_t seed = 0,
                                      std::optional<c10::ScalarType> least_dtype = {});

}  // namespace onecycle
