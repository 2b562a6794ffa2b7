// needs: src/data/formats/archive.cpp src/data/formats/cifar_batch.cpp src/formats/numpy/pickled_array.cpp src/formats/pickle/*.cpp src/core/text/printable.cpp -larchive
// -larchive
#include "onecycle/error.h"

#include "data/formats/archive.h"
#include "data/formats/cifar_batch.h"
#include "in_memory_file.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const InMemoryFile file(data, size);
  if (!file.whole()) return 0;
  try {
    for (const auto& member : onecycle::read_members(file.path(), {"d/a"})) {
      onecycle::CifarSamples samples;
      const std::string_view bytes(reinterpret_cast<const char*>(member.data()), member.size());
      onecycle::append_binary_batch(bytes, onecycle::CifarLabels::fine, "d/a", samples);
    }
  } catch (const onecycle::DataError&) {
    // Refusing is what a reader may do with any bytes.
  }
  return 0;
}
