#pragma once

#include "formats/safetensors/safetensors.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace onecycle {

// A tensor as the header of a safetensors file lists it; nothing is checked against the file.
struct ListedTensor {
  using Numbers = std::optional<std::vector<std::uint64_t>>;  // at most kMostDimensions

  std::string name;
  std::string dtype;
  Numbers shape, offsets;  // nothing where it has none
};

struct SafetensorsHeader {
  Metadata metadata;
  std::vector<ListedTensor> tensors;  // each name once, in the order of the text
};

// Reads the JSON event by event, in time that grows with the text alone: the JSON library's own
// trees look through all members of an object after each of them. Throws CheckpointError.
SafetensorsHeader read_safetensors_header(std::string_view text);

}  // namespace onecycle
