#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace onecycle {

enum class CifarLabels { single, coarse, fine };

struct CifarSamples {
  std::vector<std::uint8_t> pixels;  // [N,3,32,32]
  std::vector<std::int64_t> labels;
};

// One file of CIFAR's binary version: records of one label byte (CIFAR-100: the coarse, then the
// fine one) and 3072 pixel bytes, the red, green and blue planes of 32 x 32 (A. Krizhevsky,
// "Learning multiple layers of features from tiny images", 2009). `name` is for messages.
// Throws DataError.
void append_binary_batch(std::string_view bytes, CifarLabels labels, const std::string& name,
                         CifarSamples& samples);

// One file of its Python version: a pickled dict of `data`, a numpy array of uint8 [N,3072], and
// `labels` (CIFAR-100: `coarse_labels` and `fine_labels`), a list of numbers or a numpy array; of
// any protocol, as Python 2 or 3 writes it. No code of the pickle is run.
void append_python_batch(std::string_view bytes, CifarLabels labels, const std::string& name,
                         CifarSamples& samples);

}  // namespace onecycle
