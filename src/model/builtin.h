#pragma once

#include "onecycle/models.h"

namespace onecycle {

template <>
struct EnumNames<Init> {
  static std::vector<std::pair<const char*, Init>> values() {
    return {{"kaiming", Init::kaiming},
            {"kaiming_fan_out", Init::kaiming_fan_out},
            {"msra", Init::msra},
            {"xavier", Init::xavier},
            {"torch", Init::torch}};
  }
};
template <>
struct OptionType<Init> : EnumOption<Init> {};

// The options of an entry as its struct; the values were checked when the recipe was read.
template <class Options>
Options read_options(const OptionTable<Options>& table, const Value& values) {
  Problems problems;
  Options options = table.read(values, "model", problems);
  problems.throw_if_any();
  return options;
}

// Of `Options::bn_batch`, for networks with batch norms (model/batch_norm.h).
template <class Options>
void add_bn_batch(OptionTable<Options>& table) {
  table
      .add("bn_batch", &Options::bn_batch,
           "in training, normalise groups of this many samples each by statistics of their own; "
           "null: the whole batch")
      .range(at_least(1));
  table.unit("samples");
}

void add_cifar_fast(ModelRegistry& registry);
void add_cnn3(ModelRegistry& registry);
void add_mlp(ModelRegistry& registry);
void add_resnet(ModelRegistry& registry);
void add_resnet9(ModelRegistry& registry);
void add_resnet_cifar(ModelRegistry& registry);

}  // namespace onecycle
