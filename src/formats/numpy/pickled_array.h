#pragma once

#include "formats/pickle/pickle.h"

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

// What numpy's arrays and numbers, and bytes, become in pickles of protocol 0 to 5.
namespace onecycle {

// The globals that pickles of arrays may name.
const std::set<std::string, std::less<>>& numpy_globals();

// An array in C order, little-endian.
struct PickledArray {
  std::string dtype;  // "u1", "i8", "f4"...
  std::vector<std::int64_t> shape;
  std::string bytes;
};

// Nothing for what is no such array.
std::optional<PickledArray> pickled_array(const PickleNode& node);

// The integers of a list of numbers, plain or numpy's, or of an array of one dimension. Nothing for
// what is neither, nor where one of them is no integer.
std::optional<std::vector<std::int64_t>> pickled_integers(const PickleNode& node);

// The value of a dict under `key`, ASCII, that Python has as text or as bytes; or nullptr.
const PickleNode* pickled_member(const PickleNode& dict, std::string_view key);

}  // namespace onecycle
