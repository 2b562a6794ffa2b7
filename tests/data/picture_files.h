#pragma once

#include "data/pictures/picture.h"
#include "data_test_support.h"
#include "support/golden.h"

#include <stdexcept>
#include <string>

#include <ATen/ATen.h>

namespace onecycle {

// A picture file of the golden ones.
inline Bytes golden_file(const std::string& name) {
  for (const GoldenCase& golden : read_golden("pictures.txt"))
    if (golden.name == name)
      return {golden.numbers.at("file").begin(), golden.numbers.at("file").end()};
  throw std::runtime_error("no case " + name);
}

// [3,H,W], uint8: what is in it.
inline at::Tensor golden_pixels(const std::string& name) {
  const Bytes file = golden_file(name);
  Picture picture = decode_picture(file.data(), file.size(), name, {});
  return at::from_blob(picture.pixels.data(), {picture.height, picture.width, 3}, at::kByte)
      .permute({2, 0, 1})
      .clone();
}

}  // namespace onecycle
