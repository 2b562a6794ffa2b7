#pragma once

#include "onecycle/optimizer.h"

#include "optim/newton_schulz.h"

#include <cstddef>
#include <vector>

namespace onecycle {

// Weights that are matrices [out, numbers] of one shape once tall ones are transposed: [m, n] with
// m <= n. `values` is memory for one tensor beside each weight, stacked.
struct MatrixStack {
  std::vector<std::size_t> weights;  // indices into Parameters::all()
  at::Tensor memory;                 // [weights, m, n], in the masters' type
  NewtonSchulz newton_schulz;        // for all of them

  // Of those that take part, in the order of `weights`.
  std::int64_t count = 0;
  at::Tensor values;        // [count, m, n], the front of `memory`
  at::Tensor lr_scales;     // [count, 1, 1], fp64
  at::Tensor decay_scales;  // likewise
  at::Tensor root_rows;     // [count, 1, 1], in the masters' type: the root of `out`
  at::Tensor direction;     // [count, m, n], in newton_schulz
};

// The same weights as lists for multi-tensor operations, those of tall matrices apart: their values
// lie turned, which a GPU takes one by one.
struct MatrixList {
  std::vector<std::size_t> weights;
  std::vector<at::Tensor> masters;
  std::vector<at::Tensor> values;  // views of MatrixStack::values in the weights' shapes
  std::vector<at::Tensor> narrow;  // working weights that are copies of masters,
  std::vector<at::Tensor> copied;  // and these masters
};

// The weights of `parameters` that `matrices` names, stacked by shape.
class MatrixStacks {
 public:
  // `type`: what Newton-Schulz computes in.
  MatrixStacks(const Parameters& parameters, const std::vector<std::size_t>& matrices,
               at::ScalarType type);

  // Lets the weights with a gradient take part. Makes anything only where these are others than
  // before, so that a step can be recorded once it has run. Does not wait for the device.
  void arrange();

  // Empty where no weight takes part; none of them is empty.
  std::vector<MatrixList>& lists() { return lists_; }
  // Those with a weight that takes part.
  std::vector<MatrixStack*>& stacks() { return active_; }
  // Whether a weight that takes part decays.
  bool decays() const { return decays_; }

 private:
  void arrange(MatrixStack& stack, MatrixList& upright, MatrixList& tall);

  const Parameters& parameters_;
  std::vector<std::size_t> matrices_;
  std::vector<std::size_t> taking_part_;
  std::vector<MatrixStack> all_;
  std::vector<MatrixStack*> active_;
  std::vector<MatrixList> lists_;
  bool decays_ = false;
};

}  // namespace onecycle
