#pragma once

#include "onecycle/checkpoint.h"
#include "onecycle/weights.h"

#include "formats/names/match.h"

#include <map>
#include <string>

namespace onecycle {

using TensorsByName = std::map<std::string, at::Tensor>;

// Every tensor of the model by name, live; masters where the module computes in a narrower format.
TensorsByName model_tensors(const Parameters& parameters);

// What an average over the run keeps: the masters and the buffers that are not counters.
TensorsByName averaged_tensors(const Parameters& parameters);

// The same in the order in which PyTorch's state_dict has them.
std::vector<NamedTensor> ordered_model_tensors(const Parameters& parameters);

// Adds copies of `tensors`, on the CPU, as `<prefix><name>`.
void copy_out(const std::vector<NamedTensor>& tensors, const std::string& prefix,
              Snapshot& snapshot);
void copy_out(const TensorsByName& tensors, const std::string& prefix, Snapshot& snapshot);

// Copies the snapshot's tensors `<prefix>...` into `tensors`: names and shapes must be the same,
// all of them, before the first is changed. Throws CheckpointError that names `source` and lists
// what differs.
void copy_in(const Snapshot& snapshot, const std::string& prefix, const std::string& source,
             const TensorsByName& tensors);

bool holds(const Snapshot& snapshot, const std::string& prefix);

// What the model wants of a file, in the order of ordered_model_tensors.
std::vector<WantedTensor> wanted_tensors(const Parameters& parameters);

// Loads weights from a file of any kind into the model: of a checkpoint, those averaged over the
// run where it has them and `averaged` asks for them. Nothing is changed where it throws
// CheckpointError, which says what does not match, with the nearest names. The options say how.
WeightsReport load_weights(const std::string& path, const WeightsOptions& options,
                           Parameters& parameters, bool averaged = true);
WeightsReport load_weights(const std::string& path, Parameters& parameters, bool averaged = true);
// The same of a file at `path` that was read before.
WeightsReport load_weights(const WeightsContent& content, const std::string& path,
                           const WeightsOptions& options, Parameters& parameters,
                           bool averaged = true);

// The file that the options name, as a recipe does: with ~ and ${NAME}. Throws CheckpointError
// where such a variable is not set.
std::string weights_path(const WeightsOptions& options);

}  // namespace onecycle
