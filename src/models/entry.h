#pragma once

#include "onecycle/models.h"

namespace onecycle {

inline Words<Init> initialisations() {
  return {{"kaiming", Init::kaiming},
          {"kaiming_fan_out", Init::kaiming_fan_out},
          {"msra", Init::msra},
          {"xavier", Init::xavier},
          {"torch", Init::torch}};
}

// The entry of a model whose options `table` describes.
template <class Options>
void add_model(ModelRegistry& registry, const OptionTable<Options>& table) {
  registry.add(table, [](const Options& options, const ModelContext& context) {
    return make_model(options, context);
  });
}

// Of `Options::bn_batch`, for networks with batch norms (nn/layers/batch_norm.h).
template <class Options>
void add_bn_batch(OptionTable<Options>& table) {
  table
      .add("bn_batch", &Options::bn_batch,
           "in training, normalise groups of this many samples each by statistics of their own; "
           "a forward pass is whole groups; null: the whole batch")
      .range(at_least(1));
  table.unit("samples");
}

}  // namespace onecycle
