// needs: src/data/formats/cifar_batch.cpp src/formats/numpy/pickled_array.cpp src/formats/pickle/*.cpp src/core/text/printable.cpp
#include "onecycle/error.h"

#include "data/formats/cifar_batch.h"

#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  onecycle::CifarSamples samples;
  try {
    onecycle::append_python_batch(bytes, onecycle::CifarLabels::single, "a", samples);
    if (samples.pixels.size() != samples.labels.size() * 3072) std::abort();
  } catch (const onecycle::DataError&) {
    // Refusing is what a reader may do with any bytes.
  }
  return 0;
}
